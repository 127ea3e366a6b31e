"""ROC and precision-recall curves, with the operating points on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from hilum.metrics.displays.style import COLORS, dress_axes, dress_legend, prepare_axes
from hilum.metrics.intervals import draw_patients
from hilum.metrics.precision_recall import compute_precision_recall
from hilum.metrics.roc import Floats, compute_roc
from hilum.metrics.threshold import count_at_threshold

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Resamples of a band around a curve; it is looked at, not read off to the last digit.
BAND_RESAMPLES = 400
_GRID = np.linspace(0.0, 1.0, 101)


@dataclass(eq=False)
class RocCurveDisplay:
    """A ROC curve.

    false_positive_rate, true_positive_rate, thresholds
        float64, shape (K,); see :class:`hilum.metrics.RocCurve`.
    roc_auc
        Area under the curve.
    points
        Name of an operating point: its (false positive rate, true positive rate).
    band
        ``None``, or lower and upper bound of the true positive rate at 0, 0.01 ... 1 of the
        false positive rate, float64 of shape (2, 101): 95 %, pointwise, by patient.
    """

    false_positive_rate: Floats
    true_positive_rate: Floats
    thresholds: Floats
    roc_auc: float
    name: str | None = None
    points: dict[str, tuple[float, float]] = field(default_factory=dict)
    band: Floats | None = None
    figure_: Figure | None = None
    ax_: Axes | None = None
    line_: Line2D | None = None

    @classmethod
    def from_predictions(
        cls,
        labels: ArrayLike,
        scores: ArrayLike,
        *,
        name: str | None = None,
        thresholds: Mapping[str, float] | None = None,
        patients: Sequence[str] | None = None,
        ax: Axes | None = None,
        **line: Any,
    ) -> Self:
        """Compute the curve from labels and scores, and draw it.

        Parameters
        ----------
        labels, scores
            0 or 1, and a finite score that is higher where the film is more likely positive;
            each of shape (N,).
        thresholds
            Operating points to mark, by name, on the scale of ``scores``.
        patients
            Patient of each film: draws a 95 % band by patient-level bootstrap.
        ax, line
            As for :meth:`plot`.

        Raises
        ------
        DatasetError
            The input is malformed, or a class is missing.
        MissingExtraError
            matplotlib is not installed.
        """
        curve = compute_roc(labels, scores)
        points = {}
        for title, threshold in (thresholds or {}).items():
            counts = count_at_threshold(labels, scores, threshold)
            points[title] = (1.0 - counts.specificity, counts.sensitivity)
        display = cls(
            false_positive_rate=curve.false_positive_rate,
            true_positive_rate=curve.true_positive_rate,
            thresholds=curve.thresholds,
            roc_auc=curve.auc,
            name=name,
            points=points,
            band=None if patients is None else _compute_band(labels, scores, patients),
        )
        return display.plot(ax, **line)

    def plot(self, ax: Axes | None = None, **line: Any) -> Self:
        """Draw the curve on ``ax``, or on new axes; ``line`` goes to ``Axes.plot``.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        self.figure_, self.ax_ = prepare_axes(ax)
        ax = self.ax_
        dress_axes(ax, square=True)
        title = f"AUC {self.roc_auc:.3f}"
        settings: dict[str, Any] = {"color": COLORS["accent"], "linewidth": 1.8} | line
        settings.setdefault("label", f"{self.name}, {title}" if self.name else title)
        if self.band is not None:
            ax.fill_between(_GRID, *self.band, color=settings["color"], alpha=0.13, linewidth=0)
        (self.line_,) = ax.plot(self.false_positive_rate, self.true_positive_rate, **settings)
        _mark_points(ax, self.points, settings["color"])
        if not any(own.get_gid() == "chance" for own in ax.lines):
            ax.plot([0, 1], [0, 1], color=COLORS["muted"], linewidth=0.8, dashes=(2, 3),
                    gid="chance")  # fmt: skip
        ax.set(xlabel="False positive rate (1 − specificity)", ylabel="Sensitivity")
        dress_legend(ax, loc="lower right")
        return self


def _compute_band(labels: ArrayLike, scores: ArrayLike, patients: Sequence[str]) -> Floats:
    drawn = draw_patients(patients, np.asarray(labels).tolist(), resamples=BAND_RESAMPLES)
    curves = []
    for weights in drawn:
        curve = compute_roc(labels, scores, weights)
        # At a step, the upper end: np.interp takes the last of equal abscissae.
        curves.append(np.interp(_GRID, curve.false_positive_rate, curve.true_positive_rate))
    return np.percentile(np.stack(curves), [2.5, 97.5], axis=0)


def _mark_points(ax: Axes, points: Mapping[str, tuple[float, float]], color: str) -> None:
    for name, (x, y) in points.items():
        ax.plot([x], [y], "o", color=color, markersize=5.5, markeredgecolor=COLORS["paper"])
        ax.annotate(
            name,
            (x, y),
            xytext=(7, -4),
            textcoords="offset points",
            va="top",
            fontsize=8.5,
            color=COLORS["muted"],
        )


@dataclass(eq=False)
class PrecisionRecallDisplay:
    """A precision-recall curve.

    precision, recall, thresholds
        float64, shape (K,); see :class:`hilum.metrics.PrecisionRecallCurve`.
    average_precision
        Area under the curve, without interpolation.
    prevalence
        Share of positive films: the precision of calling every film positive.
    points
        Name of an operating point: its (recall, precision).
    """

    precision: Floats
    recall: Floats
    thresholds: Floats
    average_precision: float
    prevalence: float
    name: str | None = None
    points: dict[str, tuple[float, float]] = field(default_factory=dict)
    figure_: Figure | None = None
    ax_: Axes | None = None
    line_: Line2D | None = None

    @classmethod
    def from_predictions(
        cls,
        labels: ArrayLike,
        scores: ArrayLike,
        *,
        name: str | None = None,
        thresholds: Mapping[str, float] | None = None,
        ax: Axes | None = None,
        **line: Any,
    ) -> Self:
        """Compute the curve from labels and scores, and draw it.

        Parameters
        ----------
        labels, scores, thresholds, ax, line
            As for :meth:`RocCurveDisplay.from_predictions`.

        Raises
        ------
        DatasetError
            The input is malformed, or there is no positive film.
        MissingExtraError
            matplotlib is not installed.
        """
        curve = compute_precision_recall(labels, scores)
        points = {}
        for title, threshold in (thresholds or {}).items():
            counts = count_at_threshold(labels, scores, threshold)
            points[title] = (counts.sensitivity, counts.precision)
        display = cls(
            precision=curve.precision,
            recall=curve.recall,
            thresholds=curve.thresholds,
            average_precision=curve.average_precision,
            prevalence=float(np.mean(np.asarray(labels))),
            name=name,
            points=points,
        )
        return display.plot(ax, **line)

    def plot(self, ax: Axes | None = None, **line: Any) -> Self:
        """Draw the curve on ``ax``, or on new axes; ``line`` goes to ``Axes.step``.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        self.figure_, self.ax_ = prepare_axes(ax)
        ax = self.ax_
        dress_axes(ax, square=True)
        title = f"AP {self.average_precision:.3f}"
        settings: dict[str, Any] = {"color": COLORS["accent"], "linewidth": 1.8} | line
        settings.setdefault("label", f"{self.name}, {title}" if self.name else title)
        # The curve starts at recall 0 with the precision of its first step.
        recall = np.concatenate([[0.0], self.recall])
        precision = np.concatenate([self.precision[:1], self.precision])
        (self.line_,) = ax.step(recall, precision, where="pre", **settings)
        _mark_points(ax, self.points, settings["color"])
        if not any(own.get_gid() == "chance" for own in ax.lines):
            ax.axhline(self.prevalence, color=COLORS["muted"], linewidth=0.8, dashes=(2, 3),
                       gid="chance")  # fmt: skip
        ax.set(xlabel="Recall (sensitivity)", ylabel="Precision")
        dress_legend(ax, loc="lower left")
        return self
