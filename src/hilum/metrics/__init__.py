"""Curves, figures, tests and their intervals, from labels and scores. NumPy only.

The displays draw with matplotlib (extra ``lab``), which they import when they draw.
"""

from __future__ import annotations

from hilum.metrics.intervals import (
    bootstrap_by_patient,
    compute_wilson_interval,
    draw_patients,
)
from hilum.metrics.paired_tests import (
    AucDifference,
    DecisionDifference,
    adjust_holm,
    compare_auc,
    compare_decisions,
)
from hilum.metrics.precision_recall import (
    PrecisionRecallCurve,
    compute_average_precision,
    compute_precision_recall,
)
from hilum.metrics.reliability import Reliability, compute_ece, compute_reliability
from hilum.metrics.roc import RocCurve, compute_auc, compute_roc
from hilum.metrics.threshold import ThresholdCounts, compute_brier, count_at_threshold

__all__ = [
    "AucDifference",
    "DecisionDifference",
    "PrecisionRecallCurve",
    "Reliability",
    "RocCurve",
    "ThresholdCounts",
    "adjust_holm",
    "bootstrap_by_patient",
    "compare_auc",
    "compare_decisions",
    "compute_auc",
    "compute_average_precision",
    "compute_brier",
    "compute_ece",
    "compute_precision_recall",
    "compute_reliability",
    "compute_roc",
    "compute_wilson_interval",
    "count_at_threshold",
    "draw_patients",
]
