"""The curves of validation films: ROC of one model or several, reliability, and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hilum.app.plot import (
    DIAMOND,
    DISC,
    SERIES,
    TRIANGLE,
    Plane,
    Point,
    draw_axes,
    draw_labels,
    draw_mark,
    draw_text,
    show_plot,
)
from hilum.app.wording import format_percent, name_operating_point
from hilum.decision import ThresholdFigures, ValidationRoc
from hilum.language import Text, recall
from hilum.metrics import RocCurve, compute_reliability
from hilum.spec import ModelSpec

Floats = NDArray[np.float64]

_SIZE = (470, 420)
_BOX = (58.0, 12.0, 456.0, 364.0)
# The corner of the ROC plane that is drawn large, and the curve that deserves it; as in reports.
_CORNER: tuple[Point, Point] = ((0.0, 0.3), (0.7, 1.0))
_CORNER_AUC = 0.9
# The whole plane stands small where a good curve leaves the corner's plane empty.
_INSET = (310.0, 204.0, 440.0, 334.0)
_SPECIFICITY = Text("False alarms: normal films called positive (1 − specificity)")
_SENSITIVITY = Text("Sensitivity")


@dataclass(frozen=True, slots=True)
class _Pane:
    """A plane, and whether it is the corner."""

    plane: Plane
    is_corner: bool


def _choose_pane(curves: Sequence[RocCurve]) -> _Pane:
    if min(curve.auc for curve in curves) < _CORNER_AUC:
        return _Pane(Plane(_BOX), is_corner=False)
    return _Pane(Plane(_BOX, *_CORNER), is_corner=True)


def _list_ticks(ends: Point) -> list[tuple[float, str]]:
    step = 0.05 if ends[1] - ends[0] < 0.5 else 0.2
    values = np.arange(ends[0], ends[1] + step / 2, step)
    return [(float(value), Text("{percent:.0f} %", percent=100 * value)) for value in values]


def _thin(curve: RocCurve) -> list[Point]:
    """Give the corners of the staircase alone."""
    x, y = curve.false_positive_rate, curve.true_positive_rate
    steps = np.arctan2(np.diff(y), np.diff(x))
    kept = np.concatenate([[True], np.abs(np.diff(steps)) > 1e-9, [True]])
    return list(zip(x[kept].tolist(), y[kept].tolist(), strict=True))


def show_roc(
    spec: ModelSpec,
    roc: ValidationRoc,
    *,
    own: float | None = None,
    chosen: ThresholdFigures | None = None,
    key: str,
) -> None:
    """Show a model's ROC curve with its operating points.

    Parameters
    ----------
    own
        The probability of the film that is open: it is marked where it would be the threshold.
    chosen
        A threshold with its figures, drawn with its intervals.
    """
    curve = roc.curve
    pane = _choose_pane([curve])
    line = _thin(curve)
    points = {
        name: (1.0 - point.specificity, point.sensitivity)
        for name, point in spec.operating_points.items()
    }
    own_point = None if own is None else _find_place(roc.measure_at(own))
    parts = [_draw_plane(pane.plane)]
    under = [*line, (1.0, 0.0), (0.0, 0.0)]
    drawn = [
        pane.plane.draw_path(under, "area", closed=True),
        pane.plane.draw_path([(0.0, 0.0), (1.0, 1.0)], "chance"),
        pane.plane.draw_path(line, "curve"),
    ]
    if chosen is not None:
        drawn.append(_draw_ranges(pane.plane, chosen))
    parts.append(pane.plane.clip("plane", drawn))
    if pane.is_corner:
        parts.append(_draw_inset([line], points, own_point, chosen))
    marks, labels = _draw_points(pane.plane, points, own_point, own)
    parts.append(draw_labels(labels, bottom=_BOX[3] - 12, right=_BOX[2]))
    parts += marks
    if chosen is not None and pane.plane.holds(*_find_place(chosen)):
        x, y = pane.plane.place(*_find_place(chosen))
        parts.append(f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="5.5"/>')
    show_plot(parts, _SIZE, _describe_roc(spec, roc, own, chosen), key=key)


def _find_place(figures: ThresholdFigures) -> Point:
    return 1.0 - figures.specificity.value, figures.sensitivity.value


def _draw_plane(plane: Plane) -> str:
    return draw_axes(
        plane,
        _list_ticks(plane.x),
        _list_ticks(plane.y),
        x_title=_SPECIFICITY,
        y_title=_SENSITIVITY,
    )


def _draw_ranges(plane: Plane, figures: ThresholdFigures) -> str:
    """Draw the intervals of a threshold, and lines from there to the axes."""
    x, y = _find_place(figures)
    high, low = figures.sensitivity.high, figures.sensitivity.low
    right, left = 1.0 - figures.specificity.low, 1.0 - figures.specificity.high
    return (
        plane.draw_path([(x, plane.y[0]), (x, y), (plane.x[0], y)], "guide")
        + plane.draw_path([(x, low), (x, high)], "range")
        + plane.draw_path([(left, y), (right, y)], "range")
    )


def _draw_inset(
    lines: Sequence[Sequence[Point]],
    points: Mapping[str, Point],
    own: Point | None,
    chosen: ThresholdFigures | None,
) -> str:
    """Draw the whole plane, small, with the corner that is shown large."""
    plane = Plane(_INSET)
    (left, right), (low, high) = _CORNER
    corner = [(left, low), (right, low), (right, high), (left, high)]
    parts = [plane.draw_rect("ground")]
    parts += [
        plane.draw_path(line, "curve" if len(lines) == 1 else _style(number))
        for number, line in enumerate(lines)
    ]
    parts.append(plane.draw_path(corner, "frame", closed=True))
    parts.append(draw_text(_INSET[2] - 7, _INSET[3] - 8, Text("whole curve"), anchor="end"))
    if not points:
        return "".join(parts)
    if own is not None:
        parts.append(draw_mark(*plane.place(*own), DIAMOND, "own"))
    if chosen is not None:
        x, y = plane.place(*_find_place(chosen))
        parts.append(f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
    return "".join(parts)


def _draw_points(
    plane: Plane, points: Mapping[str, Point], own_point: Point | None, own: float | None
) -> tuple[list[str], list[tuple[Point, str]]]:
    """Draw operating points and the open film; give their labels as well."""
    marks: list[str] = []
    labels: list[tuple[Point, str]] = []
    for name, (x, y) in points.items():
        if plane.holds(x, y):
            place = plane.place(x, y)
            marks.append(draw_mark(*place, DISC, "dot"))
            labels.append((place, name_operating_point(name)))
    if own_point is not None and own is not None:
        words = Text("This film, {probability}", probability=format_percent(own))
        place = plane.place(*plane.clamp(*own_point))
        if plane.holds(*own_point):
            marks.append(draw_mark(*place, DIAMOND, "own"))
        else:
            # An arrow at the edge, to where it lies on the whole plane.
            down = own_point[1] < plane.y[0]
            marks.append(draw_mark(*place, TRIANGLE, "own", turn=180.0 if down else 90.0))
        labels.append((place, words))
    return marks, labels


def _describe_roc(
    spec: ModelSpec, roc: ValidationRoc, own: float | None, chosen: ThresholdFigures | None
) -> str:
    if chosen is not None:
        return Text(
            "ROC curve of {model} on {films} validation films. At a threshold of {threshold}: "
            "sensitivity {sensitivity}, specificity {specificity}.",
            model=spec.name,
            films=roc.films,
            threshold=format_percent(chosen.threshold),
            sensitivity=format_percent(chosen.sensitivity.value),
            specificity=format_percent(chosen.specificity.value),
        )
    return Text(
        "ROC curve of {model} on {films} validation films, with its operating points.",
        model=spec.name,
        films=roc.films,
    )


def _style(number: int) -> str:
    kind = number % SERIES
    return f"line{kind} d{kind}"


def show_rocs(models: Sequence[tuple[ModelSpec, ValidationRoc]], *, key: str) -> None:
    """Show the curves of several models in one plane, each with its default operating point.

    Models are told apart by colour, by the dashes of their line and by the shape of their mark.
    """
    shown = models[:SERIES]
    curves = [roc.curve for _, roc in shown]
    pane = _choose_pane(curves)
    lines = [_thin(curve) for curve in curves]
    drawn = [pane.plane.draw_path([(0.0, 0.0), (1.0, 1.0)], "chance")]
    drawn += [pane.plane.draw_path(line, _style(number)) for number, line in enumerate(lines)]
    parts = [_draw_plane(pane.plane), pane.plane.clip("plane", drawn)]
    if pane.is_corner:
        parts.append(_draw_inset(lines, {}, None, None))
    for number, (spec, _) in enumerate(shown):
        point = spec.operating_points[spec.default_operating_point]
        x, y = 1.0 - point.specificity, point.sensitivity
        if pane.plane.holds(x, y):
            style = f"mark line{number % SERIES}"
            parts.append(draw_mark(*pane.plane.place(x, y), number % SERIES, style))
    top = _SIZE[1] + 12
    for number, ((spec, _), curve) in enumerate(zip(shown, curves, strict=True)):
        y = top + 22 * number
        parts.append(f'<path class="{_style(number)}" d="M58 {y}H104"/>')
        parts.append(draw_mark(81, y, number % SERIES, f"mark line{number % SERIES}"))
        auc = spec.validation_auc.get("clean", curve.auc)
        name = Text("{model}, AUC {auc:.3f}", model=spec.name, auc=auc)
        parts.append(draw_text(116, y + 4.5, name, style="strong"))
    size = (_SIZE[0], int(top + 22 * len(shown)))
    words = Text(
        "ROC curves on the validation films of {models}",
        models=", ".join(spec.name for spec, _ in shown),
    )
    show_plot(parts, size, words, key=key)


def show_reliability(spec: ModelSpec, roc: ValidationRoc, *, key: str) -> None:
    """Show whether probabilities mean what they say: the share of positive films by probability."""
    found = compute_reliability(
        roc.labels, roc.probabilities, bins=10, prevalence=spec.calibration.prevalence
    )
    plane = Plane(_BOX)
    filled = found.weight > 0
    bins = list(
        zip(
            found.mean_probability[filled].tolist(),
            found.positive_share[filled].tolist(),
            (found.weight[filled] / found.weight.sum()).tolist(),
            strict=True,
        )
    )
    parts = [
        draw_axes(
            plane,
            _list_ticks((0.0, 1.0)),
            _list_ticks((0.0, 1.0)),
            x_title=Text("Probability that the model gave, mean of ten bins"),
            y_title=Text("Share of {label}", label=recall(spec.labels.positive)),
        ),
        plane.draw_path([(0.0, 0.0), (1.0, 1.0)], "chance"),
        plane.draw_path([(x, y) for x, y, _ in bins], "curve"),
    ]
    for x, y, share in bins:
        across, up = plane.place(x, y)
        radius = 3.0 + 17.0 * share**0.5
        parts.append(f'<circle class="dot" cx="{across:.1f}" cy="{up:.1f}" r="{radius:.1f}"/>')
    words = Text("Reliability of the probabilities of {model}", model=spec.name)
    show_plot(parts, _SIZE, words, key=key)


# Probabilities that the axis of scores names.
_NAMED = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
_MOST_LOG_ODDS = 12.0
_BIN = 0.5


def show_scores(
    spec: ModelSpec,
    roc: ValidationRoc,
    *,
    own: float | None = None,
    threshold: float | None = None,
    height_px: int = _SIZE[1],
    key: str,
) -> None:
    """Show how the films of both classes score: positive ones upwards, the others downwards.

    The axis is in log odds, where films that are told apart well still lie apart. The scale of the
    bars is a root's, so that few films are seen beside many.

    Parameters
    ----------
    own
        The probability of the film that is open.
    threshold
        Drawn over all; ``None`` is the model's own.
    """
    scores = _to_log_odds(roc.probabilities)
    edges = np.arange(np.floor(scores.min()), np.ceil(scores.max()) + _BIN, _BIN)
    ends = (float(edges[0]), float(edges[-1]))
    counts = [np.histogram(scores[side], edges)[0] for side in (roc.labels, ~roc.labels)]
    most = float(np.sqrt(max(int(one.max()) for one in counts)))
    left, top, right, _ = _BOX
    plane = Plane((left, top, right, height_px - 56.0), ends, (-most * 1.05, most * 1.12))
    step = [step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if step**0.5 <= most][-1]
    ticks = [(0.0, "0")]
    ticks += [(sign * step**0.5, str(step)) for sign in (1, -1)]
    ticks += [(sign * (step / 5) ** 0.5, str(step // 5)) for sign in (1, -1) if step >= 5]
    named = [(float(_to_log_odds(one)), one) for one in _NAMED]
    parts = [
        draw_axes(
            plane,
            [
                (at, Text("{percent:g} %", percent=100 * one))
                for at, one in named
                if ends[0] <= at <= ends[1]
            ],
            ticks,
            x_title=Text("Probability of {label}", label=recall(spec.labels.positive)),
            y_title=Text("Films"),
        )
    ]
    for one, sign, style in ((counts[0], 1, "positive"), (counts[1], -1, "negative")):
        for (low, high), count in zip(pairwise(edges), one, strict=True):
            if count:
                parts.append(_draw_bar(plane, (low, high), sign * float(count) ** 0.5, style))
    parts.append(plane.draw_path([(ends[0], 0.0), (ends[1], 0.0)], "frame"))
    parts.append(draw_text(left + 8, top + 15, recall(spec.labels.positive), style="strong halo"))
    below = height_px - 64.0
    parts.append(
        draw_text(right - 8, below, recall(spec.labels.negative), anchor="end", style="strong halo")
    )
    if threshold is None:
        threshold = spec.operating_points[spec.default_operating_point].threshold
    at = float(np.clip(_to_log_odds(threshold), *ends))
    parts.append(plane.draw_path([(at, plane.y[0]), (at, plane.y[1])], "guide"))
    if own is not None:
        x, y = plane.place(float(np.clip(_to_log_odds(own), *ends)), 0.0)
        parts.append(draw_mark(x, y, DIAMOND, "own"))
    words = Text(
        "How the validation films score with {model}: {positive} above, {negative} below",
        model=spec.name,
        positive=recall(spec.labels.positive),
        negative=recall(spec.labels.negative),
    )
    show_plot(parts, (_SIZE[0], height_px), words, key=key)


def _to_log_odds(probabilities: Floats | float) -> Floats:
    inside = np.clip(probabilities, 1e-12, 1.0 - 1e-12)
    odds: Floats = np.log(inside / (1.0 - inside))
    return np.clip(odds, -_MOST_LOG_ODDS, _MOST_LOG_ODDS)


def _draw_bar(plane: Plane, ends: Point, height: float, style: str) -> str:
    x0, y0 = plane.place(ends[0], 0.0)
    x1, y1 = plane.place(ends[1], height)
    return (
        f'<rect class="{style}" x="{x0 + 0.7:.1f}" y="{min(y0, y1):.1f}" '
        f'width="{x1 - x0 - 1.4:.1f}" height="{abs(y1 - y0):.1f}"/>'
    )
