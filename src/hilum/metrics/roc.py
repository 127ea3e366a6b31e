"""The receiver operating characteristic and the area under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.errors import DatasetError

Floats = NDArray[np.float64]


def check_labels_and_scores(
    labels: ArrayLike, scores: ArrayLike
) -> tuple[NDArray[np.bool_], Floats]:
    """Give labels as booleans and scores as float64, both of shape (N,).

    Raises
    ------
    DatasetError
        The shapes differ, a label is neither 0 nor 1, or a score is not finite.
    """
    label_values = np.asarray(labels)
    score_values = np.asarray(scores, dtype=np.float64)
    if label_values.ndim != 1 or label_values.shape != score_values.shape:
        raise DatasetError(
            f"Labels and scores must be two lists of one length, not of shapes "
            f"{label_values.shape} and {score_values.shape}."
        )
    # Not np.isin: this runs once for every draw of every interval, and isin takes most of it.
    if label_values.dtype != bool and not ((label_values == 0) | (label_values == 1)).all():
        raise DatasetError("Labels must be 0 (negative) or 1 (positive).")
    if not np.isfinite(score_values).all():
        raise DatasetError("Scores must be finite numbers.")
    return label_values.astype(bool), score_values


def fill_weights(weights: ArrayLike | None, values: Floats) -> Floats:
    """Give the weight of each film as float64; 1 for every film where none are given."""
    return np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """One point for every distinct score, from "none positive" to "all positive".

    thresholds
        float64, shape (K,), falling; the first is ``inf``. A film is positive when its score
        is at least the threshold.
    true_positive_rate, false_positive_rate
        float64, shape (K,), rising from 0 to 1.
    """

    thresholds: Floats
    true_positive_rate: Floats
    false_positive_rate: Floats

    @property
    def auc(self) -> float:
        """Area under the curve, by the trapezoidal rule."""
        return float(np.trapezoid(self.true_positive_rate, self.false_positive_rate))


def compute_roc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> RocCurve:
    """Compute the ROC curve of ``scores`` against ``labels``.

    Parameters
    ----------
    labels
        0 or 1, shape (N,).
    scores
        Finite; higher means more likely positive. Shape (N,).
    weights
        Weight of each film, at least 0, shape (N,); 1 for every film if left out.

    Raises
    ------
    DatasetError
        The input is malformed, or one of the classes is missing (or has no weight).
    """
    positive, values = check_labels_and_scores(labels, scores)
    weight = fill_weights(weights, values)
    if positive.all() or not positive.any():
        raise DatasetError("An ROC curve needs films of both classes.")
    order = np.argsort(-values, kind="stable")
    values, positive, weight = values[order], positive[order], weight[order]
    # The last film of each run of equal scores: ties move the curve together.
    ends = np.flatnonzero(np.append(np.diff(values) != 0, True))
    true_positive = np.cumsum(weight * positive)[ends]
    false_positive = np.cumsum(weight * ~positive)[ends]
    if true_positive[-1] <= 0 or false_positive[-1] <= 0:
        raise DatasetError("An ROC curve needs films of both classes, each with some weight.")
    return RocCurve(
        thresholds=np.concatenate([[np.inf], values[ends]]),
        true_positive_rate=np.concatenate([[0.0], true_positive / true_positive[-1]]),
        false_positive_rate=np.concatenate([[0.0], false_positive / false_positive[-1]]),
    )


def compute_auc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Area under the ROC curve: the probability that a positive film outscores a negative one.

    Raises
    ------
    DatasetError
        As :func:`compute_roc`.
    """
    return compute_roc(labels, scores, weights).auc
