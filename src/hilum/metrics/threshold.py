"""What a threshold on the probability does, and how good the probability is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hilum.metrics.roc import check_labels_and_scores, fill_weights


def _ratio(part: float, whole: float) -> float:
    # A figure with an empty denominator does not exist; nan says so and cannot be mistaken.
    return part / whole if whole > 0 else float("nan")


@dataclass(frozen=True, slots=True)
class ThresholdCounts:
    """The confusion matrix at one threshold. Counts are weights where films are weighted."""

    true_positive: float
    false_positive: float
    true_negative: float
    false_negative: float

    @property
    def accuracy(self) -> float:
        """Share of films that are decided rightly."""
        right = self.true_positive + self.true_negative
        return _ratio(right, right + self.false_positive + self.false_negative)

    @property
    def sensitivity(self) -> float:
        """Share of the positive films that are called positive (recall)."""
        return _ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def specificity(self) -> float:
        """Share of the negative films that are called negative."""
        return _ratio(self.true_negative, self.true_negative + self.false_positive)

    @property
    def precision(self) -> float:
        """Share of the films called positive that are positive."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and sensitivity."""
        return _ratio(
            2 * self.true_positive,
            2 * self.true_positive + self.false_positive + self.false_negative,
        )


def count_at_threshold(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    weights: ArrayLike | None = None,
) -> ThresholdCounts:
    """Count right and wrong decisions when ``score >= threshold`` means positive.

    Raises
    ------
    DatasetError
        Labels or scores are malformed.
    """
    positive, values = check_labels_and_scores(labels, scores)
    weight = fill_weights(weights, values)
    called = values >= threshold
    return ThresholdCounts(
        true_positive=float(weight[called & positive].sum()),
        false_positive=float(weight[called & ~positive].sum()),
        true_negative=float(weight[~called & ~positive].sum()),
        false_negative=float(weight[~called & positive].sum()),
    )


def compute_brier(
    labels: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Mean squared distance of the probability from the label (Brier 1950).

    Raises
    ------
    DatasetError
        Labels or probabilities are malformed.
    """
    positive, values = check_labels_and_scores(labels, probabilities)
    weight = fill_weights(weights, values)
    return float(np.average((values - positive) ** 2, weights=weight))
