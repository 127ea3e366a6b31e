"""What a threshold does: the confusion matrix at one, and the figures at all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from hilum.metrics.displays.style import COLORS, DASHES, dress_axes, dress_legend, prepare_axes
from hilum.metrics.roc import Floats
from hilum.metrics.threshold import ThresholdCounts, count_at_threshold

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(eq=False)
class ConfusionMatrixDisplay:
    """A confusion matrix: rows are what the films show, columns what was said.

    counts
        The four numbers.
    words
        The negative and the positive class in words.
    """

    counts: ThresholdCounts
    words: tuple[str, str] = ("normal", "pneumonia")
    name: str | None = None
    figure_: Figure | None = None
    ax_: Axes | None = None

    @classmethod
    def from_predictions(
        cls,
        labels: ArrayLike,
        probabilities: ArrayLike,
        *,
        threshold: float = 0.5,
        words: tuple[str, str] = ("normal", "pneumonia"),
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Count the decisions at ``threshold`` (at or above it is positive), and draw them.

        Raises
        ------
        DatasetError
            The input is malformed.
        MissingExtraError
            matplotlib is not installed.
        """
        counts = count_at_threshold(labels, probabilities, threshold)
        return cls(counts=counts, words=words, name=name).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the matrix on ``ax``, or on new axes.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        self.figure_, self.ax_ = prepare_axes(ax)
        ax, counts = self.ax_, self.counts
        cells = np.array(
            [
                [counts.true_negative, counts.false_positive],
                [counts.false_negative, counts.true_positive],
            ]
        )
        rows = cells.sum(axis=1, keepdims=True)
        shares = np.divide(cells, rows, out=np.zeros_like(cells), where=rows > 0)
        for row, column in np.ndindex(2, 2):
            right = row == column
            ax.fill_between(
                [column, column + 1],
                row,
                row + 1,
                color=COLORS["right" if right else "wrong"],
                alpha=0.06 + 0.3 * float(shares[row, column]),
                linewidth=0,
            )
            middle = (column + 0.5, row + 0.5)
            ax.annotate(f"{cells[row, column]:g}", middle, xytext=(0, 3), ha="center",
                        textcoords="offset points", fontsize=16, color=COLORS["ink"])  # fmt: skip
            ax.annotate(f"{shares[row, column]:.1%}", middle, xytext=(0, -13), ha="center",
                        textcoords="offset points", fontsize=9, color=COLORS["muted"])  # fmt: skip
        ax.set(xlim=(0, 2), ylim=(2, 0), aspect="equal", xlabel="said", ylabel="is")
        ax.set_xticks([0.5, 1.5], self.words)
        ax.set_yticks([0.5, 1.5], self.words, rotation=90, va="center")
        ax.tick_params(length=0, colors=COLORS["ink"])
        for side in ax.spines.values():
            side.set_visible(False)
        for label in (ax.xaxis.label, ax.yaxis.label):
            label.set_color(COLORS["muted"])
        if self.name:
            ax.set_title(self.name, color=COLORS["ink"])
        return self


SWEEP_FIGURES = ("sensitivity", "specificity", "precision", "f1")


@dataclass(eq=False)
class ThresholdSweepDisplay:
    """Figures at every threshold.

    thresholds
        float64, shape (K,), rising from 0 to 1.
    figures
        Name of a figure (a property of :class:`hilum.metrics.ThresholdCounts`): its values,
        float64 of shape (K,), nan where it is undefined.
    points
        Operating points, by name.
    """

    thresholds: Floats
    figures: dict[str, Floats]
    points: dict[str, float] = field(default_factory=dict)
    name: str | None = None
    figure_: Figure | None = None
    ax_: Axes | None = None

    @classmethod
    def from_predictions(
        cls,
        labels: ArrayLike,
        probabilities: ArrayLike,
        *,
        figures: Sequence[str] = SWEEP_FIGURES,
        thresholds: Mapping[str, float] | None = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Compute figures at the thresholds 0, 0.005 ... 1, and draw them.

        Raises
        ------
        DatasetError
            The input is malformed.
        MissingExtraError
            matplotlib is not installed.
        """
        grid = np.linspace(0.0, 1.0, 201)
        counts = [count_at_threshold(labels, probabilities, at) for at in grid.tolist()]
        values = {figure: np.array([getattr(own, figure) for own in counts]) for figure in figures}
        return cls(grid, values, dict(thresholds or {}), name).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the figures on ``ax``, or on new axes.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        self.figure_, self.ax_ = prepare_axes(ax)
        ax = self.ax_
        dress_axes(ax)
        colors = [COLORS[name] for name in ("positive", "negative", "accent", "muted", "third")]
        for index, (figure, values) in enumerate(self.figures.items()):
            title = "F1" if figure == "f1" else figure.replace("_", " ")
            ax.plot(
                self.thresholds,
                values,
                color=colors[index % len(colors)],
                linestyle=DASHES[index % len(DASHES)],
                linewidth=1.6,
                label=title,
            )
        for name, threshold in self.points.items():
            ax.axvline(threshold, color=COLORS["ink"], linewidth=0.9, dashes=(4, 2))
            ax.annotate(name, (threshold, 0.0), xycoords=("data", "axes fraction"),
                        xytext=(5, 6), textcoords="offset points", fontsize=8.5,
                        color=COLORS["muted"])  # fmt: skip
        ax.set(xlim=(0, 1), ylim=(-0.01, 1.01), xlabel="Threshold on the probability")
        if self.name:
            ax.set_title(self.name)
        dress_legend(ax, loc="lower center", ncols=2)
        return self
