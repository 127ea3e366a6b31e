"""The two figures of an audit, as SVG in the colours of the page: ranges, and AUCs."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.data.audit import CellFacts, Spread
from hilum.data.shortcut import ShortcutScore
from hilum.report.page_strokes import line, text, wrap

_WIDTH = 460
_LABEL_WIDTH = 128
_RIGHT = 24
_ROW = 24
_COLORS = {"NORMAL": "var(--negative)", "PNEUMONIA": "var(--positive)"}


def _scale(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return _LABEL_WIDTH + share * (_WIDTH - _LABEL_WIDTH - _RIGHT)


def format_measure(value: float) -> str:
    """Give a measure with as many digits as tell something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def draw_ranges(cells: Sequence[tuple[CellFacts, Spread]], title: str) -> str:
    """Draw a measure of each class in each part: whole range, middle half, median.

    Parameters
    ----------
    cells
        One row each; the measure's spread stands beside the cell that it is of.
    title
        What is measured, for those who do not see the figure.
    """
    low = min(spread.minimum for _, spread in cells)
    high = max(spread.maximum for _, spread in cells)
    body = []
    for row, (cell, spread) in enumerate(cells):
        y = 14 + row * _ROW
        color = _COLORS[cell.label]
        body.append(text(0, y + 4, f"{cell.part}, {cell.label.lower()}", color="ink"))
        ends = _scale(spread.minimum, low, high), _scale(spread.maximum, low, high)
        body.append(line(ends[0], y, ends[1], y, color, 1.2))
        left, right = _scale(spread.lower, low, high), _scale(spread.upper, low, high)
        body.append(
            f'<rect x="{left:.1f}" y="{y - 6}" width="{max(right - left, 1):.1f}" height="12" '
            f'rx="2" fill="{color}" fill-opacity="0.28"/>'
        )
        median = _scale(spread.median, low, high)
        body.append(line(median, y - 8, median, y + 8, color, 2.4))
    base = 14 + len(cells) * _ROW - 6
    body.append(line(_LABEL_WIDTH, base, _WIDTH - _RIGHT, base, "var(--line)"))
    if high > low:
        body.append(text(_LABEL_WIDTH, base + 16, format_measure(low)))
        body.append(text(_WIDTH - _RIGHT, base + 16, format_measure(high), anchor="end"))
    else:
        body.append(text(_scale(low, low, high), base + 16, format_measure(low), anchor="middle"))
    return wrap(body, _WIDTH, base + 22, title)


def draw_shortcuts(scores: Sequence[ShortcutScore]) -> str:
    """Draw the AUC of each group of features with its interval, from 0.4 to 1.

    A filled dot is cross-validated by patient; a ring is the AUC on the test part.
    """
    low, high = 0.4, 1.0
    body = []
    bottom = 10 + len(scores) * 28
    for tick in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        x = _scale(tick, low, high)
        # Chance is the line to compare with.
        stroke = "var(--muted)" if tick == 0.5 else "var(--line)"
        body.append(line(x, 0, x, bottom, stroke))
        body.append(text(x, bottom + 16, f"{tick:.1f}", anchor="middle"))
    body.append(text(_scale(0.5, low, high), bottom + 31, "chance", anchor="middle"))
    for row, score in enumerate(scores):
        y = 18 + row * 28
        body.append(text(0, y + 4, score.group, color="ink"))
        left, right = (_scale(max(end, low), low, high) for end in (score.low, score.high))
        body.append(line(left, y, right, y, "var(--accent)", 3))
        x = _scale(max(score.auc, low), low, high)
        body.append(f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="var(--accent)"/>')
        if score.transferred is not None:
            ring = _scale(max(score.transferred, low), low, high)
            body.append(
                f'<circle cx="{ring:.1f}" cy="{y}" r="5" fill="var(--paper)" '
                'stroke="var(--accent)" stroke-width="2"/>'
            )
    return wrap(body, _WIDTH, bottom + 38, "AUC of a classifier that sees only how films were made")
