"""How far several models agree on one film."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hilum.types import NOT_ASSESSED, UNCERTAIN, Prediction

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
