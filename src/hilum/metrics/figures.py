"""The figures of a set of films, together: what NumPy computes for every install.

:mod:`hilum.metrics.sklearn_figures` has the same two functions on scikit-learn; a test holds
the two to the same numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilum.metrics.precision_recall import compute_average_precision
from hilum.metrics.reliability import ECE_BINS, compute_ece
from hilum.metrics.roc import compute_auc
from hilum.metrics.threshold import compute_brier, count_at_threshold

SET_FIGURES = ("roc_auc", "average_precision", "brier", "ece")
POINT_FIGURES = (
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "precision",
    "npv",
    "f1",
)

Floats = NDArray[np.float64]


def compute_set_figures(
    labels: NDArray[np.int_],
    scores: Floats,
    probabilities: Floats,
    weights: Floats | None = None,
) -> dict[str, float]:
    """Give ``SET_FIGURES``: what needs no threshold.

    Parameters
    ----------
    labels, scores, probabilities, weights
        Each of shape (N,). Films are ranked by ``scores`` (far out, probabilities round to
        equal numbers and logits do not); Brier score and calibration are of ``probabilities``.

    Raises
    ------
    DatasetError
        The input is malformed, or a class is missing.
    """
    return {
        "roc_auc": compute_auc(labels, scores, weights),
        "average_precision": compute_average_precision(labels, scores, weights),
        "brier": compute_brier(labels, probabilities, weights),
        "ece": compute_ece(labels, probabilities, weights, bins=ECE_BINS),
    }


def compute_point_figures(
    labels: NDArray[np.int_],
    probabilities: Floats,
    threshold: float,
    weights: Floats | None = None,
) -> dict[str, float]:
    """Give ``POINT_FIGURES`` at a threshold; nan where a figure does not exist.

    Raises
    ------
    DatasetError
        The input is malformed.
    """
    counts = count_at_threshold(labels, probabilities, threshold, weights)
    return {figure: getattr(counts, figure) for figure in POINT_FIGURES}
