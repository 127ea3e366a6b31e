"""Colours and axes that all displays share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilum.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Ink on paper. A report swaps these very values for those of its dark side, so each is unique.
COLORS: dict[str, str] = {
    "paper": "#fbfaf7",
    "raised": "#f2f0ea",
    "line": "#d9d5cb",
    "ink": "#23272a",
    "muted": "#62676b",
    "accent": "#2f6b4d",
    # As on the evidence overlay: orange speaks for pneumonia, blue against it.
    "positive": "#b4551a",
    "negative": "#2f66a3",
    # Of a decision.
    "right": "#2c7a3f",
    "wrong": "#b3261e",
    "third": "#7a4f9a",
    "fourth": "#8a6d12",
}
# One for each model in a figure; they differ in lightness too, and lines in their dashes.
SERIES = tuple(COLORS[name] for name in ("accent", "positive", "negative", "third", "fourth"))
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (1, 1)))

RC_PARAMS: Any = {
    # Text stays text: it can be searched, read aloud and set in the page's own letters.
    "svg.fonttype": "none",
    # The same figure is the same file.
    "svg.hashsalt": "hilum",
    "axes.facecolor": "none",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def prepare_axes(ax: Axes | None) -> tuple[Figure, Axes]:
    """Give ``ax`` with its figure, or a new one of ``pyplot`` where there is none.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    if ax is None:
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise MissingExtraError("lab", "draw figures") from error
        _, ax = plt.subplots()
    figure: Any = ax.figure
    return figure, ax


def dress_axes(ax: Axes, *, square: bool = False) -> None:
    """Quiet the frame and the ticks; with ``square`` both axes run from 0 to 1, to scale."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(COLORS["line"])
    ax.tick_params(colors=COLORS["muted"], length=3)
    ax.xaxis.label.set_color(COLORS["ink"])
    ax.yaxis.label.set_color(COLORS["ink"])
    ax.title.set_color(COLORS["ink"])
    ax.grid(True, color=COLORS["line"], linewidth=0.5)
    ax.set_axisbelow(True)
    if square:
        ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")


def dress_legend(ax: Axes, **place: Any) -> None:
    """Draw the legend, if anything on ``ax`` has a name."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(labelcolor=COLORS["ink"], frameon=False, **place)
