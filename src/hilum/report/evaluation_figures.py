"""Every figure of an evaluation, drawn once: for the page, as SVG and as PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hilum.errors import MissingExtraError
from hilum.evaluation import Candidate
from hilum.files import write_whole
from hilum.metrics import count_at_threshold
from hilum.metrics.displays import (
    ConfusionMatrixDisplay,
    FilmGalleryDisplay,
    PrecisionRecallDisplay,
    ReliabilityDisplay,
    RocCurveDisplay,
    ScoreHistogramDisplay,
    ThresholdSweepDisplay,
)
from hilum.metrics.displays.style import COLORS, DASHES, RC_PARAMS, SERIES
from hilum.metrics.roc import compute_roc
from hilum.report.evaluation_films import ShownFilm
from hilum.report.lettering import register_font

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PNG_DPI = 200
# Beyond this, lines lie on top of each other and a legend fills the figure.
MAX_OVERLAID = len(SERIES)
# The corner of the ROC plane that is drawn larger: false positive rate up to, sensitivity from.
_CORNER = (0.3, 0.7)
_CORNER_AUC = 0.9
_MATRICES_A_ROW = 3


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """A figure of a report.

    name
        Name of its files, without an ending.
    title
        What it shows, in a line.
    svg, png
        Files of their own, on paper; :func:`hilum.report.html.embed_svg` sets the SVG in a page.
    """

    name: str
    title: str
    svg: str
    png: bytes


def draw_figures(candidates: Sequence[Candidate]) -> dict[str, DrawnFigure]:
    """Draw all figures of the candidates, by name.

    ``roc``, ``precision-recall`` and ``reliability`` hold all candidates (the first
    ``MAX_OVERLAID``); ``confusion-N``, ``sweep-N`` and ``scores-N`` are of candidate N, from 1.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
    except ImportError as error:
        raise MissingExtraError("lab", "write a report") from error
    with rc_context({**RC_PARAMS, "font.family": register_font()}):
        return {figure.name: figure for figure in _draw_each(candidates)}


def _draw_each(candidates: Sequence[Candidate]) -> Iterator[DrawnFigure]:
    shown = list(enumerate(candidates[:MAX_OVERLAID]))
    alone = len(candidates) == 1

    def draw_roc(ax: Axes) -> None:
        for index, candidate in shown:
            own = candidate.predictions
            RocCurveDisplay.from_predictions(
                own.labels,
                own.scores,
                name=None if alone else own.name,
                patients=own.patients if alone else None,
                ax=ax,
                **_style_line(index),
            )
        corner = _add_corner(ax, [candidate for _, candidate in shown])
        for index, candidate in shown:
            thresholds = candidate.thresholds if alone else {"": candidate.threshold}
            _mark_thresholds(ax, corner, candidate, thresholds, SERIES[index])

    def draw_precision_recall(ax: Axes) -> None:
        for index, candidate in shown:
            own = candidate.predictions
            PrecisionRecallDisplay.from_predictions(
                own.labels,
                own.scores,
                name=None if alone else own.name,
                ax=ax,
                **_style_line(index),
            )

    def draw_reliability(ax: Axes) -> None:
        for index, candidate in shown:
            own = candidate.predictions
            ReliabilityDisplay.from_predictions(
                own.labels,
                own.probabilities,
                name=None if alone else own.name,
                ax=ax,
                **_style_line(index),
            )

    yield _draw("roc", "ROC curve", draw_roc, (5.2, 5.0))
    yield _draw("precision-recall", "Precision and recall", draw_precision_recall, (5.2, 5.0))
    yield _draw("reliability", "Reliability of the probabilities", draw_reliability, (5.2, 5.0))
    for number, candidate in enumerate(candidates, start=1):
        yield from _draw_own(number, candidate)


def _draw_own(number: int, candidate: Candidate) -> Iterator[DrawnFigure]:
    own, name = candidate.predictions, candidate.name
    default = {candidate.default_point: candidate.threshold}
    columns = min(len(candidate.points), _MATRICES_A_ROW)
    rows = math.ceil(len(candidate.points) / columns)

    def draw_matrices(figure: Figure) -> None:
        places = figure.subplots(rows, columns, squeeze=False).ravel()
        for place in places[len(candidate.points) :]:
            place.set_axis_off()
        for place, (point, threshold) in zip(places, candidate.thresholds.items(), strict=False):
            ConfusionMatrixDisplay.from_predictions(
                own.labels, own.probabilities, threshold=threshold, name=point, ax=place
            )

    def draw_sweep(ax: Axes) -> None:
        ThresholdSweepDisplay.from_predictions(
            own.labels, own.probabilities, thresholds=default, ax=ax
        )

    def draw_scores(ax: Axes) -> None:
        ScoreHistogramDisplay.from_predictions(
            own.labels, own.probabilities, thresholds=default, ax=ax
        )

    width = 2.9 * len(candidate.points)
    yield _save(f"confusion-{number}", f"Confusion matrices of {name}", draw_matrices, (width, 3.0))
    yield _draw(f"sweep-{number}", f"Thresholds of {name}", draw_sweep, (7.2, 3.9))
    yield _draw(f"scores-{number}", f"Probabilities of {name}", draw_scores, (5.2, 5.0))


def _mark_thresholds(
    ax: Axes,
    corner: Axes | None,
    candidate: Candidate,
    thresholds: Mapping[str, float],
    color: str,
) -> None:
    """Mark operating points on the curve, and in its corner where they lie there."""
    own = candidate.predictions
    mark: dict[str, Any] = {"color": color, "markersize": 6, "markeredgecolor": COLORS["paper"]}
    for name, threshold in thresholds.items():
        # Thresholds are on the probability, and the curve may be of logits: the rates are the same.
        counts = count_at_threshold(own.labels, own.probabilities, threshold)
        place = (1.0 - counts.specificity, counts.sensitivity)
        ax.plot(*place, "o", **mark)
        named = ax
        if corner is not None and place[0] <= _CORNER[0] and place[1] >= _CORNER[1]:
            corner.plot(*place, "o", **mark)
            named = corner
        named.annotate(name, place, xytext=(6, -5), textcoords="offset points", va="top",
                       fontsize=8.5, color=COLORS["muted"])  # fmt: skip


def _add_corner(ax: Axes, candidates: Sequence[Candidate]) -> Axes | None:
    """Draw the upper left corner larger, where good models do all they do."""
    curves = [compute_roc(own.predictions.labels, own.predictions.scores) for own in candidates]
    if min(curve.auc for curve in curves) < _CORNER_AUC:
        return None
    corner = ax.inset_axes((0.42, 0.24, 0.5, 0.5))
    for index, curve in enumerate(curves):
        rates = (curve.false_positive_rate, curve.true_positive_rate)
        corner.plot(*rates, linewidth=1.6, **_style_line(index))
    corner.set(xlim=(0, _CORNER[0]), ylim=(_CORNER[1], 1.005), facecolor=COLORS["paper"])
    corner.tick_params(colors=COLORS["muted"], labelsize=7.5, length=2)
    corner.grid(True, color=COLORS["line"], linewidth=0.4)
    for side in corner.spines.values():
        side.set_color(COLORS["line"])
    return corner


def _style_line(index: int) -> dict[str, Any]:
    return {"color": SERIES[index % len(SERIES)], "linestyle": DASHES[index % len(DASHES)]}


def _draw(
    name: str, title: str, draw: Callable[[Axes], None], size_in: tuple[float, float]
) -> DrawnFigure:
    return _save(name, title, lambda figure: draw(figure.subplots()), size_in)


def _save(
    name: str, title: str, draw: Callable[[Figure], object], size_in: tuple[float, float]
) -> DrawnFigure:
    from matplotlib.figure import Figure

    # A figure of its own and not pyplot's: no window system, and nothing is left behind.
    figure = Figure(figsize=size_in)
    draw(figure)
    figure.set_facecolor(COLORS["paper"])
    text, picture = io.StringIO(), io.BytesIO()
    # No date: the same figure is the same file.
    metadata = {"Date": None, "Creator": "hilum", "Title": title}
    figure.savefig(text, format="svg", metadata=metadata)
    figure.savefig(picture, format="png", dpi=PNG_DPI)
    return DrawnFigure(name, title, text.getvalue(), picture.getvalue())


def write_figures(figures: Sequence[DrawnFigure], folder: Path) -> None:
    """Write PNG and SVG of every figure into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for figure in figures:
        for ending, content in (("svg", figure.svg.encode()), ("png", figure.png)):
            write_whole(folder / f"{figure.name}.{ending}", content)


def draw_gallery(name: str, title: str, films: Sequence[ShownFilm]) -> DrawnFigure:
    """Draw a sheet of films as a figure of its own.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
    except ImportError as error:
        raise MissingExtraError("lab", "draw figures") from error
    pixels = [np.asarray(film.pictures[0].convert("RGB")) for film in films]
    display = FilmGalleryDisplay(films=pixels, titles=[film.title for film in films])
    rows = math.ceil(len(films) / display.columns)
    columns = min(len(films), display.columns)
    with rc_context({**RC_PARAMS, "font.family": register_font()}):
        return _save(name, title, display.plot, (2.3 * columns, 2.55 * rows))
