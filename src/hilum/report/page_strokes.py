"""The strokes and letters of figures that are written by hand, in the colours of the page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    color: str = "muted",
    size: float = 12,
) -> str:
    """Write ``words`` at a place; ``color`` is one of the style sheet's names."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" '
        f'fill="var(--{color})">{escape(words)}</text>'
    )


def line(x1: float, y1: float, x2: float, y2: float, stroke: str, width: float = 1) -> str:
    """Draw a line; ``stroke`` is taken as it is."""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{stroke}" stroke-width="{width:g}"/>'
    )


def wrap(body: Sequence[str], width: float, height: float, title: str) -> str:
    """Make an ``<svg>`` of elements; ``title`` is for those who do not see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}">{"".join(body)}</svg>'
    )
