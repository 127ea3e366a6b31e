"""Precision against recall, and the average precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hilum.errors import DatasetError
from hilum.metrics.roc import Floats, check_labels_and_scores, fill_weights


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecallCurve:
    """One point for every distinct score that has weight, from the strictest to the mildest.

    thresholds
        float64, shape (K,), falling. A film is called positive when its score is at least the
        threshold.
    precision, recall
        float64, shape (K,); recall rises to 1.
    """

    thresholds: Floats
    precision: Floats
    recall: Floats

    @property
    def average_precision(self) -> float:
        """Mean of the precision over the steps of recall, without interpolation.

        The trapezoid would be too kind here (Davis & Goadrich 2006); this is the sum that
        scikit-learn computes.
        """
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))


def compute_precision_recall(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
) -> PrecisionRecallCurve:
    """Compute the precision-recall curve of ``scores`` against ``labels``.

    Parameters
    ----------
    labels, scores, weights
        As in :func:`hilum.metrics.compute_roc`.

    Raises
    ------
    DatasetError
        The input is malformed, or no positive film has weight.
    """
    positive, values = check_labels_and_scores(labels, scores)
    weight = fill_weights(weights, values)
    order = np.argsort(-values, kind="stable")
    values, positive, weight = values[order], positive[order], weight[order]
    if not positive.any():
        raise DatasetError("A precision-recall curve needs positive films.")
    ends = np.flatnonzero(np.append(np.diff(values) != 0, True))
    true_positive = np.cumsum(weight * positive)[ends]
    called = np.cumsum(weight)[ends]
    if true_positive[-1] <= 0:
        raise DatasetError("A precision-recall curve needs positive films, with weight.")
    # Films without weight before the first that has some: nothing is called, no precision.
    counted = called > 0
    return PrecisionRecallCurve(
        thresholds=values[ends][counted],
        precision=true_positive[counted] / called[counted],
        recall=true_positive[counted] / true_positive[-1],
    )


def compute_average_precision(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Area under the precision-recall curve, as average precision.

    It depends on the share of positive films: a classifier that knows nothing has that share.

    Raises
    ------
    DatasetError
        As :func:`compute_precision_recall`.
    """
    return compute_precision_recall(labels, scores, weights).average_precision
