"""The figures of :mod:`hilum.metrics.figures` as scikit-learn computes them (extra ``lab``)."""

from __future__ import annotations

import importlib.util

import numpy as np
from numpy.typing import NDArray

from hilum.errors import DatasetError, MissingExtraError
from hilum.metrics.reliability import ECE_BINS

Floats = NDArray[np.float64]


def has_sklearn() -> bool:
    """Tell whether scikit-learn is installed, without importing it."""
    return importlib.util.find_spec("sklearn") is not None


def compute_set_figures(
    labels: NDArray[np.int_],
    scores: Floats,
    probabilities: Floats,
    weights: Floats | None = None,
) -> dict[str, float]:
    """Give ``SET_FIGURES``; see :func:`hilum.metrics.figures.compute_set_figures`.

    Raises
    ------
    MissingExtraError
        scikit-learn is not installed.
    DatasetError
        A class is missing.
    """
    try:
        from sklearn import metrics
    except ImportError as error:
        raise MissingExtraError("lab", "compute figures with scikit-learn") from error
    if set(np.unique(labels).tolist()) != {0, 1}:
        raise DatasetError("An evaluation needs films of both classes.")
    # calibration_curve takes no weights: the same bins by hand, on the curve's own rule.
    edges = np.linspace(0.0, 1.0, ECE_BINS + 1)
    index = np.searchsorted(edges[1:-1], probabilities)
    own = np.ones_like(probabilities) if weights is None else weights
    gaps = np.bincount(index, own * (probabilities - labels), minlength=ECE_BINS)
    return {
        "roc_auc": float(metrics.roc_auc_score(labels, scores, sample_weight=weights)),
        "average_precision": float(
            metrics.average_precision_score(labels, scores, sample_weight=weights)
        ),
        "brier": float(metrics.brier_score_loss(labels, probabilities, sample_weight=weights)),
        "ece": float(np.abs(gaps).sum() / own.sum()),
    }


def compute_point_figures(
    labels: NDArray[np.int_],
    probabilities: Floats,
    threshold: float,
    weights: Floats | None = None,
) -> dict[str, float]:
    """Give ``POINT_FIGURES``; see :func:`hilum.metrics.figures.compute_point_figures`.

    Raises
    ------
    MissingExtraError
        scikit-learn is not installed.
    """
    try:
        from sklearn import metrics
    except ImportError as error:
        raise MissingExtraError("lab", "compute figures with scikit-learn") from error
    called = (probabilities >= threshold).astype(int)
    given = {"sample_weight": weights}
    ratio = {**given, "zero_division": np.nan}
    sensitivity = metrics.recall_score(labels, called, **ratio)
    specificity = metrics.recall_score(labels, called, pos_label=0, **ratio)
    figures = {
        "accuracy": metrics.accuracy_score(labels, called, **given),
        # Not balanced_accuracy_score: it leaves a missing class out and warns.
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "precision": metrics.precision_score(labels, called, **ratio),
        "npv": metrics.precision_score(labels, called, pos_label=0, **ratio),
        "f1": metrics.f1_score(labels, called, **ratio),
    }
    return {figure: float(value) for figure, value in figures.items()}
