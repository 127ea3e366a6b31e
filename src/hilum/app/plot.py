"""Charts as SVG in the page's own colours and letters: a plane with axes, and what stands on it.

They are drawn here and not by a charting library since each change of a slider draws one anew:
a few kilobytes, set into the page as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from hilum.app.parts import say, wrap_data

Point = tuple[float, float]

# The colours are the page's: custom properties reach through the shadow root.
_STYLE = """
figure { margin: 0; }
svg { display: block; width: 100%; height: auto; font-family: inherit; font-size: 13px;
  overflow: visible; }
text { fill: var(--muted); font-variant-numeric: tabular-nums; }
.strong { fill: var(--text); }
.halo { paint-order: stroke; stroke: var(--ground); stroke-width: 4px; stroke-linejoin: round; }
.grid { stroke: var(--line); stroke-width: 1; fill: none; }
.frame { stroke: var(--muted); stroke-width: 1; fill: none; }
.ground { fill: var(--ground); stroke: var(--line); }
.chance { stroke: var(--muted); stroke-width: 1; stroke-dasharray: 2 4; fill: none; }
.curve { stroke: var(--accent); stroke-width: 2; fill: none; stroke-linejoin: round; }
.area { fill: var(--accent); opacity: 0.09; }
.guide { stroke: var(--text); stroke-width: 1; stroke-dasharray: 4 3; opacity: 0.75; fill: none; }
.range { stroke: var(--text); stroke-width: 1.6; fill: none; }
.leader { stroke: var(--muted); stroke-width: 1; fill: none; }
.dot { fill: var(--accent); stroke: var(--ground); stroke-width: 1.5; }
.own { fill: var(--text); stroke: var(--ground); stroke-width: 1.5; }
.zone { fill: var(--muted); opacity: 0.3; }
.span { stroke: var(--text); stroke-width: 5; stroke-linecap: round; opacity: 0.45; fill: none; }
.ring { fill: var(--ground); stroke: var(--text); stroke-width: 2.2; }
.positive { fill: var(--positive); } .negative { fill: var(--negative); }
.line0 { stroke: var(--accent); fill: var(--accent); }
.line1 { stroke: var(--positive); fill: var(--positive); }
.line2 { stroke: var(--negative); fill: var(--negative); }
.line3 { stroke: var(--text); fill: var(--text); }
.line4 { stroke: var(--muted); fill: var(--muted); }
path[class^="line"] { fill: none; stroke-width: 2; stroke-linejoin: round; }
.mark { stroke: var(--ground); stroke-width: 1.5; }
.d1 { stroke-dasharray: 9 4; } .d2 { stroke-dasharray: 3 3; } .d3 { stroke-dasharray: 11 3 3 3; }
.d4 { stroke-dasharray: 1.5 3.5; }
"""
# The SVG is made of texts that are escaped; parsing it as XML lets nothing else in.
_SCRIPT = """
export default function show({ data: [data], parentElement }) {
  const drawn = new DOMParser().parseFromString(data.svg, "image/svg+xml").documentElement;
  parentElement.querySelector("figure").replaceChildren(document.importNode(drawn, true));
}
"""
_mount_plot = st.components.v2.component(
    "hilum.plot", html="<figure></figure>", css=_STYLE, js=_SCRIPT
)

SERIES = 5


def show_plot(parts: Iterable[str], size: tuple[int, int], words: str, *, key: str) -> None:
    """Show a chart.

    Parameters
    ----------
    parts
        SVG, by the functions of this module.
    size
        Width and height of the plane they are drawn on; on the page it is as wide as its place.
    words
        What the chart shows, for people who do not see it.
    """
    width, height = size
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{tell(words)}">{"".join(parts)}</svg>'
    )
    _mount_plot(key=key, data=wrap_data({"svg": svg}))


def tell(text: str) -> str:
    """Say a text in the visitor's language, escaped, a figure on the line of its sign."""
    return escape(say(text)).replace(" %", "\u00a0%").replace("≥ ", "≥\u00a0")


@dataclass(frozen=True, slots=True)
class Plane:
    """Where values lie on a drawing.

    box
        Left, top, right and bottom, in px of the drawing.
    x, y
        The values at the left and right, and at the bottom and top.
    """

    box: tuple[float, float, float, float]
    x: Point = (0.0, 1.0)
    y: Point = (0.0, 1.0)

    def place(self, x: float, y: float) -> Point:
        """Give the place of a value; it may lie outside of the plane."""
        left, top, right, bottom = self.box
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return left + across * (right - left), bottom - up * (bottom - top)

    def holds(self, x: float, y: float) -> bool:
        """Tell whether a value lies on the plane."""
        return self.x[0] <= x <= self.x[1] and self.y[0] <= y <= self.y[1]

    def clamp(self, x: float, y: float) -> Point:
        """Give the value on the plane that lies next to one."""
        return min(max(x, self.x[0]), self.x[1]), min(max(y, self.y[0]), self.y[1])

    def draw_rect(self, style: str) -> str:
        """Draw the plane's edge."""
        left, top, right, bottom = self.box
        return (
            f'<rect class="{style}" x="{left:g}" y="{top:g}" width="{right - left:g}" '
            f'height="{bottom - top:g}"/>'
        )

    def draw_path(self, points: Iterable[Point], style: str, *, closed: bool = False) -> str:
        """Draw a line through values."""
        placed = (self.place(x, y) for x, y in points)
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
        return f'<path class="{style}" d="M{path}{"Z" if closed else ""}"/>'

    def clip(self, name: str, parts: Iterable[str]) -> str:
        """Draw parts as far as they lie on the plane; ``name`` is that of the clip."""
        inside = "".join(parts)
        return (
            f'<clipPath id="{name}">{self.draw_rect("clip")}</clipPath>'
            f'<g clip-path="url(#{name})">{inside}</g>'
        )


def draw_axes(
    plane: Plane,
    x_ticks: Sequence[tuple[float, str]],
    y_ticks: Sequence[tuple[float, str]],
    *,
    x_title: str,
    y_title: str,
) -> str:
    """Draw the grid of a plane with its figures, and what they are."""
    left, top, right, bottom = plane.box
    parts = []
    for value, name in x_ticks:
        x, _ = plane.place(value, plane.y[0])
        parts.append(f'<path class="grid" d="M{x:.1f} {top:g}V{bottom:g}"/>')
        parts.append(draw_text(x, bottom + 17, name, anchor="middle"))
    for value, name in y_ticks:
        _, y = plane.place(plane.x[0], value)
        parts.append(f'<path class="grid" d="M{left:g} {y:.1f}H{right:g}"/>')
        parts.append(draw_text(left - 7, y + 4.5, name, anchor="end"))
    parts.append(draw_text((left + right) / 2, bottom + 38, x_title, anchor="middle"))
    middle = (top + bottom) / 2
    parts.append(
        f'<text text-anchor="middle" transform="translate(13 {middle:.1f}) rotate(-90)">'
        f"{tell(y_title)}</text>"
    )
    return "".join(parts)


def draw_text(x: float, y: float, text: str, *, anchor: str = "start", style: str = "") -> str:
    """Write a text; ``y`` is its base line."""
    named = f' class="{style}"' if style else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{tell(text)}</text>'


# Marks are told apart by their shape, and not by colour alone.
_SHAPES = (
    "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0 -5 0Z",
    "M-4.7 -4.7H4.7V4.7H-4.7Z",
    "M0 -6L5.6 4.4H-5.6Z",
    "M0 -6.6L6.6 0L0 6.6L-6.6 0Z",
    "M-2 -6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z",
)
DISC, SQUARE, TRIANGLE, DIAMOND, CROSS = range(len(_SHAPES))


def draw_mark(x: float, y: float, shape: int, style: str, *, turn: float = 0.0) -> str:
    """Draw a mark around a place of the drawing; ``turn`` in degrees, clockwise."""
    turned = f" rotate({turn:g})" if turn else ""
    return (
        f'<path class="{style}" transform="translate({x:.1f} {y:.1f}){turned}" '
        f'd="{_SHAPES[shape]}"/>'
    )


def spread_labels(
    marks: Sequence[tuple[Point, str]], *, step: float, bottom: float
) -> list[tuple[Point, str]]:
    """Give each mark's label a line of its own, beside the mark or below it.

    Parameters
    ----------
    step
        Height of a line.
    bottom
        Labels begin no lower than that; where they would, all move up.
    """
    order = sorted(range(len(marks)), key=lambda index: marks[index][0][1])
    rows: list[float] = []
    for index in order:
        wanted = marks[index][0][1]
        rows.append(wanted if not rows else max(wanted, rows[-1] + step))
    for number in range(len(rows) - 1, -1, -1):
        limit = bottom if number == len(rows) - 1 else rows[number + 1] - step
        rows[number] = min(rows[number], limit)
    placed: list[tuple[Point, str]] = [((0.0, 0.0), "")] * len(marks)
    for row, index in zip(rows, order, strict=True):
        (x, _), text = marks[index]
        placed[index] = ((x, row), text)
    return placed


def draw_labels(
    marks: Sequence[tuple[Point, str]], *, step: float = 17.0, bottom: float, right: float
) -> str:
    """Write the labels of marks to their right, with a line to those that had to move.

    ``right``: where a label would run beyond it, it stands left of its mark.
    """
    parts = []
    # Below their marks, where a curve that rises does not run.
    wanted = [((x, y + 12.0), text) for (x, y), text in marks]
    placed = spread_labels(wanted, step=step, bottom=bottom)
    for (mark, text), ((_, row), _) in zip(marks, placed, strict=True):
        # A letter is about 6.6 px wide here; Hangul about twice that.
        said = say(text)
        wide = sum(6.8 if letter.isascii() else 12.5 for letter in said)
        leftward = mark[0] + 10 + wide > right
        x = mark[0] + (-10 if leftward else 10)
        if row - mark[1] > 14.0 or row < mark[1]:
            near = x + (3 if leftward else -3)
            parts.append(
                f'<path class="leader" d="M{mark[0]:.1f} {mark[1]:.1f}L{near:.1f} {row:.1f}"/>'
            )
        anchor = "end" if leftward else "start"
        parts.append(draw_text(x, row + 4.5, text, anchor=anchor, style="strong halo"))
    return "".join(parts)
