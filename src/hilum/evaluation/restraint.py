"""What a model would not answer: films that its gate refuses, and those it is uncertain of."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from hilum.decision.conformal import find_covered
from hilum.evaluation.candidate import Candidate
from hilum.evaluation.judge import make_interval
from hilum.metrics import bootstrap_by_patient
from hilum.spec import Interval, Restraint

Flags = NDArray[np.bool_]


def measure_restraint(
    candidate: Candidate, *, resamples: int = 2000, seed: int = 0
) -> Restraint | None:
    """Measure what a model would not answer; ``None`` where its predictions do not tell."""
    own = candidate.predictions
    if own.gated is None and own.uncertain is None:
        return None
    positive = own.labels == 1
    count = len(positive)
    reasons = own.gated or ("",) * count
    refused = np.array([bool(reason) for reason in reasons])
    unsure = np.zeros(count, dtype=bool) if own.uncertain is None else own.uncertain & ~refused
    answered = ~refused & ~unsure
    right = (own.probabilities >= candidate.threshold) == positive
    zone = None if candidate.spec is None else candidate.spec.conformal
    # Of each figure the films that count, and those among them that it is the share of.
    everything = np.ones(count, dtype=bool)
    shares = {
        "refused": (everything, refused),
        "uncertain": (everything, unsure),
        "accuracy": (answered, right),
        "sensitivity": (answered & positive, right),
        "specificity": (answered & ~positive, right),
    }
    if zone is not None:
        bounds = zone.positive_from, zone.negative_to
        held = find_covered(own.probabilities, positive, bounds)
        shares |= {"covered_positive": (positive, held), "covered_negative": (~positive, held)}
    intervals = _measure_shares(candidate, shares, resamples, seed)
    of_all = {name: intervals.pop(name) for name in ("refused", "uncertain")}
    assert all(of_all.values())  # there are films, or nothing was scored
    return Restraint.model_validate(
        {
            **of_all,
            **intervals,
            "refused_positive": int(refused[positive].sum()),
            "refused_negative": int(refused[~positive].sum()),
            "reasons": dict(Counter(code for reason in reasons for code in reason.split())),
            "answered": int(answered.sum()),
            "promised": None if zone is None else 1.0 - zone.alpha,
        }
    )


def _measure_shares(
    candidate: Candidate, shares: dict[str, tuple[Flags, Flags]], resamples: int, seed: int
) -> dict[str, Interval | None]:
    whole = np.stack([of for of, _ in shares.values()]).astype(np.float64)
    part = np.stack([of & has for of, has in shares.values()]).astype(np.float64)

    def compute(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):
            return np.asarray(part @ weights / (whole @ weights), dtype=np.float64)

    own = candidate.predictions
    low, high = bootstrap_by_patient(
        own.patients,
        own.labels.tolist(),
        compute,
        resamples=resamples,
        seed=seed,
        allow_undefined=True,
    )
    values = compute(np.ones(whole.shape[1]))
    return {
        name: make_interval(*figures)
        for name, *figures in zip(shares, values.tolist(), low.tolist(), high.tolist(), strict=True)
    }
