"""What a threshold on the probability does, and how good the probability is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hilum.errors import DatasetError
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
    def balanced_accuracy(self) -> float:
        """Mean of sensitivity and specificity: the accuracy if both classes were as frequent."""
        return (self.sensitivity + self.specificity) / 2

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
        """Share of the films called positive that are positive (PPV at these films' mix)."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def npv(self) -> float:
        """Share of the films called negative that are negative, at these films' mix."""
        return _ratio(self.true_negative, self.true_negative + self.false_negative)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and sensitivity."""
        return self.compute_f_beta(1.0)

    def compute_f_beta(self, beta: float) -> float:
        """F-beta: sensitivity counts ``beta`` times as much as precision (van Rijsbergen 1979)."""
        square = beta**2
        found = (1.0 + square) * self.true_positive
        return _ratio(found, found + square * self.false_negative + self.false_positive)

    def compute_ppv(self, prevalence: float) -> float:
        """Give the positive predictive value where ``prevalence`` of the films are positive.

        Bayes' rule on sensitivity and specificity; it assumes that those two stay as they are
        when the mix changes.

        Raises
        ------
        DatasetError
            The prevalence is not between 0 and 1.
        """
        _check_prevalence(prevalence)
        true = self.sensitivity * prevalence
        return _ratio(true, true + (1.0 - self.specificity) * (1.0 - prevalence))

    def compute_npv(self, prevalence: float) -> float:
        """Give the negative predictive value where ``prevalence`` of the films are positive.

        Raises
        ------
        DatasetError
            The prevalence is not between 0 and 1.
        """
        _check_prevalence(prevalence)
        true = self.specificity * (1.0 - prevalence)
        return _ratio(true, true + (1.0 - self.sensitivity) * prevalence)


def _check_prevalence(prevalence: float) -> None:
    if not 0.0 < prevalence < 1.0:
        raise DatasetError(f"A prevalence lies between 0 and 1, not at {prevalence:g}.")


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
