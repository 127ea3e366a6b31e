"""What the probabilities are worth: the reliability diagram and the histogram of scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from hilum.metrics.displays.style import COLORS, dress_axes, dress_legend, prepare_axes
from hilum.metrics.reliability import ECE_BINS, Reliability, compute_reliability
from hilum.metrics.roc import Floats, check_labels_and_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


@dataclass(eq=False)
class ReliabilityDisplay:
    """A reliability diagram: the share of positive films in each bin of probability.

    reliability
        The bins; an area of the marks stands for the films in a bin.
    ece
        Expected calibration error over those bins.
    """

    reliability: Reliability
    ece: float
    name: str | None = None
    figure_: Figure | None = None
    ax_: Axes | None = None
    line_: Line2D | None = None

    @classmethod
    def from_predictions(
        cls,
        labels: ArrayLike,
        probabilities: ArrayLike,
        *,
        name: str | None = None,
        bins: int = ECE_BINS,
        prevalence: float | None = None,
        ax: Axes | None = None,
        **line: Any,
    ) -> Self:
        """Sort the films into bins, and draw them.

        Parameters
        ----------
        labels, probabilities
            0 or 1, and a number in [0, 1], each of shape (N,).
        bins, prevalence
            As for :func:`hilum.metrics.compute_reliability`.
        ax, line
            As for :meth:`plot`.

        Raises
        ------
        DatasetError, ConfigError
            As :func:`hilum.metrics.compute_reliability`.
        MissingExtraError
            matplotlib is not installed.
        """
        found = compute_reliability(labels, probabilities, bins=bins, prevalence=prevalence)
        return cls(reliability=found, ece=found.ece, name=name).plot(ax, **line)

    def plot(self, ax: Axes | None = None, **line: Any) -> Self:
        """Draw the diagram on ``ax``, or on new axes; ``line`` goes to ``Axes.plot``.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        self.figure_, self.ax_ = prepare_axes(ax)
        ax = self.ax_
        dress_axes(ax, square=True)
        if not any(own.get_gid() == "ideal" for own in ax.lines):
            ax.plot([0, 1], [0, 1], color=COLORS["muted"], linewidth=0.8, dashes=(2, 3),
                    gid="ideal")  # fmt: skip
        found = self.reliability
        filled = found.weight > 0
        title = f"ECE {self.ece:.3f}"
        settings: dict[str, Any] = {"color": COLORS["accent"], "linewidth": 1.4} | line
        settings.setdefault("label", f"{self.name}, {title}" if self.name else title)
        x, y = found.mean_probability[filled], found.positive_share[filled]
        (self.line_,) = ax.plot(x, y, **settings)
        area = 14.0 + 240.0 * found.weight[filled] / found.weight.sum()
        ax.scatter(x, y, s=area, color=settings["color"], edgecolor=COLORS["paper"], zorder=3)
        ax.set(xlabel="Probability, mean of the bin", ylabel="Share with pneumonia")
        dress_legend(ax, loc="upper left")
        return self


@dataclass(eq=False)
class ScoreHistogramDisplay:
    """How the probabilities of the two classes lie.

    edges
        float64, shape (B + 1,).
    normal, pneumonia
        Films in each bin, shape (B,).
    thresholds
        Operating points, by name.
    """

    edges: Floats
    normal: Floats
    pneumonia: Floats
    thresholds: dict[str, float] = field(default_factory=dict)
    name: str | None = None
    figure_: Figure | None = None
    ax_: Axes | None = None

    @classmethod
    def from_predictions(
        cls,
        labels: ArrayLike,
        probabilities: ArrayLike,
        *,
        thresholds: Mapping[str, float] | None = None,
        bins: int = 40,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Count the films of each class in bins of probability, and draw them.

        Raises
        ------
        DatasetError
            The input is malformed.
        MissingExtraError
            matplotlib is not installed.
        """
        positive, values = check_labels_and_scores(labels, probabilities)
        edges = np.linspace(0.0, 1.0, bins + 1)
        normal, pneumonia = (
            np.histogram(values[side], edges)[0].astype(np.float64)
            for side in (~positive, positive)
        )
        display = cls(edges, normal, pneumonia, dict(thresholds or {}), name)
        return display.plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw pneumonia upwards and normal downwards, on ``ax`` or on new axes.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        self.figure_, self.ax_ = prepare_axes(ax)
        ax = self.ax_
        dress_axes(ax)
        width = float(self.edges[1] - self.edges[0])
        middle = (self.edges[:-1] + self.edges[1:]) / 2
        for counts, sign, color, label in (
            (self.pneumonia, 1, "positive", "pneumonia"),
            (self.normal, -1, "negative", "normal"),
        ):
            ax.bar(middle, sign * counts, width * 0.92, color=COLORS[color], label=label)
        ax.axhline(0.0, color=COLORS["ink"], linewidth=0.8)
        highest = float(max(self.pneumonia.max(), self.normal.max(), 1.0))
        # Most films lie at the two ends: a root keeps the few between them in sight.
        ax.set_yscale("function", functions=(_signed_root, _signed_square))
        ticks = [tick for tick in (1, 5, 20, 50, 100, 200, 500, 1000, 5000) if tick <= highest]
        ax.set_yticks([*(-tick for tick in reversed(ticks)), 0, *ticks])
        ax.set_yticklabels([str(abs(int(tick))) for tick in ax.get_yticks()])
        for name, threshold in self.thresholds.items():
            ax.axvline(threshold, color=COLORS["ink"], linewidth=0.9, dashes=(4, 2))
            ax.annotate(name, (threshold, 1.0), xycoords=("data", "axes fraction"), va="top",
                        xytext=(5, -2), textcoords="offset points", fontsize=8.5,
                        color=COLORS["muted"])  # fmt: skip
        ax.set(xlim=(0, 1), ylim=(-1.15 * highest, 1.15 * highest))
        ax.set(xlabel="Probability of pneumonia", ylabel="Films (root scale)")
        if self.name:
            ax.set_title(self.name)
        dress_legend(ax, loc="lower right")
        return self


def _signed_root(values: Floats) -> Floats:
    return np.sign(values) * np.sqrt(np.abs(values))


def _signed_square(values: Floats) -> Floats:
    return np.sign(values) * values**2
