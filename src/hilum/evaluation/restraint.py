"""What a model would not answer: films that its gate refuses, and those it is uncertain of."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from hilum.evaluation.candidate import Candidate
from hilum.metrics import bootstrap_by_patient, count_at_threshold
from hilum.spec import Facts, Interval


class Restraint(Facts):
    """Films without an answer, and how good the answers are that remain.

    refused, uncertain
        Share of the films, with its interval: refused by the input gate; let in, but answered
        with "uncertain".
    refused_positive, refused_negative
        Films refused, by what they show.
    reasons
        How often each reason of the gate was given; a film can have several.
    answered
        Films that are neither refused nor uncertain. ``accuracy``, ``sensitivity`` and
        ``specificity`` are of those, at the default operating point; ``None`` where there are
        no such films.
    """

    refused: Interval
    uncertain: Interval
    refused_positive: int
    refused_negative: int
    reasons: dict[str, int]
    answered: int
    accuracy: float | None
    sensitivity: float | None
    specificity: float | None


def measure_restraint(
    candidate: Candidate, *, resamples: int = 2000, seed: int = 0
) -> Restraint | None:
    """Measure what a model would not answer; ``None`` where its predictions do not tell."""
    own = candidate.predictions
    if own.gated is None and own.uncertain is None:
        return None
    labels = own.labels
    count = len(labels)
    reasons = own.gated or ("",) * count
    refused = np.array([bool(reason) for reason in reasons])
    unsure = np.zeros(count, dtype=bool) if own.uncertain is None else own.uncertain & ~refused
    shares = np.stack([refused, unsure]).astype(np.float64)

    def compute_shares(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(shares @ weights / weights.sum(), dtype=np.float64)

    low, high = bootstrap_by_patient(
        own.patients, labels.tolist(), compute_shares, resamples=resamples, seed=seed
    )
    intervals = [
        Interval(value=value, low=min(value, below), high=max(value, above))
        for value, below, above in zip(
            shares.mean(axis=1).tolist(), low.tolist(), high.tolist(), strict=True
        )
    ]
    answered = ~refused & ~unsure
    counts = count_at_threshold(labels[answered], own.probabilities[answered], candidate.threshold)
    return Restraint(
        refused=intervals[0],
        uncertain=intervals[1],
        refused_positive=int(refused[labels == 1].sum()),
        refused_negative=int(refused[labels == 0].sum()),
        reasons=dict(Counter(code for reason in reasons for code in reason.split())),
        answered=int(answered.sum()),
        accuracy=_drop_nan(counts.accuracy),
        sensitivity=_drop_nan(counts.sensitivity),
        specificity=_drop_nan(counts.specificity),
    )


def _drop_nan(value: float) -> float | None:
    return value if np.isfinite(value) else None
