"""Figures in the manner of scikit-learn: values are stored, ``plot`` draws them.

::

    display = RocCurveDisplay.from_predictions(labels, scores, name="mine")
    display.roc_auc           # the values are there, drawn or not
    display.plot(ax=axes)     # draw them again, elsewhere

``from_predictions`` draws at once. matplotlib (extra ``lab``) is imported when something is
drawn, never before.
"""

from __future__ import annotations

from hilum.metrics.displays.calibration import ReliabilityDisplay, ScoreHistogramDisplay
from hilum.metrics.displays.curves import PrecisionRecallDisplay, RocCurveDisplay
from hilum.metrics.displays.films import FilmGalleryDisplay, FilmTitle
from hilum.metrics.displays.thresholds import ConfusionMatrixDisplay, ThresholdSweepDisplay

__all__ = [
    "ConfusionMatrixDisplay",
    "FilmGalleryDisplay",
    "FilmTitle",
    "PrecisionRecallDisplay",
    "ReliabilityDisplay",
    "RocCurveDisplay",
    "ScoreHistogramDisplay",
    "ThresholdSweepDisplay",
]
