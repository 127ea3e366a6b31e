"""Curves, figures and their intervals, from labels and scores. NumPy only."""

from __future__ import annotations

from hilum.metrics.intervals import bootstrap_by_patient
from hilum.metrics.roc import RocCurve, compute_auc, compute_roc
from hilum.metrics.threshold import ThresholdCounts, compute_brier, count_at_threshold

__all__ = [
    "RocCurve",
    "ThresholdCounts",
    "bootstrap_by_patient",
    "compute_auc",
    "compute_brier",
    "compute_roc",
    "count_at_threshold",
]
