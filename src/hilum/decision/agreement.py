"""How far several models agree on one film, and what they say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from hilum.decision.calibrate import compute_probability
from hilum.decision.spread import calibrate_spread, measure_spread
from hilum.spec import Calibration
from hilum.types import NOT_ASSESSED, UNCERTAIN, Prediction, Spread

if TYPE_CHECKING:
    from hilum.spec import ModelSpec

Verdict = Literal["agree", "disagree", "open", "nobody"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What several models say of one film, each at its own operating point.

    verdict
        ``"agree"``: all models that answer say the same. ``"disagree"``: some say one label and
        some the other. ``"open"``: at least one is uncertain and the others do not contradict each
        other. ``"nobody"``: no model assessed the film.
    label
        The label that all agree on; ``None`` without one.
    counts
        Each decision that was made, with the number of models that made it.
    probability_min, probability_max
        Over the models that assessed the film; ``None`` where none did. Each model's probability
        is calibrated on its own.
    """

    verdict: Verdict
    label: str | None
    counts: dict[str, int]
    probability_min: float | None
    probability_max: float | None


def measure_agreement(predictions: Sequence[Prediction]) -> Agreement:
    """Say how far models agree.

    Parameters
    ----------
    predictions
        Of one film, one a model, each decided at the operating point that is asked about.
    """
    counts = Counter(prediction.decision for prediction in predictions)
    labels = [label for label in counts if label not in (NOT_ASSESSED, UNCERTAIN)]
    probabilities = [
        prediction.probability for prediction in predictions if prediction.probability is not None
    ]
    verdict: Verdict
    if not probabilities:
        verdict = "nobody"
    elif len(labels) > 1:
        verdict = "disagree"
    elif UNCERTAIN in counts:
        verdict = "open"
    else:
        verdict = "agree"
    return Agreement(
        verdict=verdict,
        label=labels[0] if verdict == "agree" else None,
        counts=dict(counts.most_common()),
        probability_min=min(probabilities, default=None),
        probability_max=max(probabilities, default=None),
    )


@dataclass(frozen=True, slots=True)
class Joined:
    """What several models say together.

    probability
        Of the mean of their calibrated log odds: a logarithmic opinion pool of equal weights.
    spread
        Of the calibrated log odds and of the probabilities.
    """

    probability: float
    spread: Spread


def join_answers(answers: Sequence[tuple[ModelSpec, Prediction]]) -> Joined | None:
    """Join what models say of one film; those that did not assess it have no say.

    There is no decision: no threshold was chosen for the models together. An ensemble with
    thresholds of its own is made by ``hilum ensemble``.

    Returns
    -------
    ``None`` where fewer than two answer, or where their probabilities do not mean the same:
    other labels, or another prevalence.

    Source
    ------
    Genest and Zidek 1986, "Combining probability distributions", Statistical Science 1:114.
    """
    given = [(spec, answer) for spec, answer in answers if answer.assessed]
    if len({(spec.labels, spec.calibration.prevalence) for spec, _ in given}) != 1:
        return None
    log_odds = np.array(
        [
            [
                (answer.logit + spec.calibration.offset) / spec.calibration.temperature
                for spec, answer in given
            ]
        ]
    )
    own = Calibration(
        temperature=1.0,
        offset=0.0,
        prevalence=given[0][0].calibration.prevalence,
        fitted_on=given[0][0].calibration.fitted_on,
    )
    spread = calibrate_spread(measure_spread(log_odds), own)
    if spread is None:
        return None
    return Joined(compute_probability(float(log_odds.mean()), own), spread)
