"""The curves of ``hilum faithfulness``, as SVG in the colours of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from hilum.report.page_strokes import line, text, wrap

_WIDTH, _HEIGHT = 460, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 10, 34
# Solid and coloured for methods, dashed and grey for controls.
_COLORS = ("accent", "positive", "negative", "ink")
_CONTROLS = {"random": "2 4", "edges": "7 4"}


def draw_curves(curves: Mapping[str, Sequence[float]], done: str) -> str:
    """Draw the mean probability of films of which more and more is ``done``, for each map."""
    steps = len(next(iter(curves.values())))
    ticks = [(share, f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    body = _draw_axes(ticks, (0.0, 1.0), f"share of the film that is {done}")
    for number, (name, values) in enumerate(curves.items()):
        points = [(index / (steps - 1), value) for index, value in enumerate(values)]
        body += _draw_line(points, (0.0, 1.0), number, name)
    return wrap(body, _WIDTH, _place_legend(body, list(curves)), f"Probability, {done}")


def draw_layers(found: Mapping[str, Sequence[tuple[str, tuple[float, float, float]]]]) -> str:
    """Draw the rank correlation of maps with the true ones, layer after layer shuffled."""
    names = [name for name, _ in next(iter(found.values()))]
    last = max(len(names) - 1, 1)
    span = (-0.5, 1.0)
    ticks = [(index / last, name) for index, name in enumerate(names)]
    body = _draw_axes(ticks, span, "")
    for number, (method, layers) in enumerate(found.items()):
        points = [(index / last, value) for index, (_, (value, _, _)) in enumerate(layers)]
        body += _draw_line(points, span, number, method)
    return wrap(
        body, _WIDTH, _place_legend(body, list(found)), "Rank correlation by layers shuffled"
    )


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float, span: tuple[float, float]) -> float:
    share = (value - span[0]) / (span[1] - span[0])
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _draw_axes(
    ticks: Sequence[tuple[float, str]], span: tuple[float, float], title: str
) -> list[str]:
    body = []
    low, high = span
    for step in range(round((high - low) / 0.25) + 1):
        value = low + 0.25 * step
        stroke = "var(--muted)" if value == 0.0 else "var(--line)"
        body.append(line(_LEFT, _y(value, span), _WIDTH - _RIGHT, _y(value, span), stroke))
        body.append(text(_LEFT - 4, _y(value, span) + 4, f"{value:g}", anchor="end", size=10))
    for share, name in ticks:
        anchor = "start" if share == 0.0 else "end" if share == 1.0 else "middle"
        body.append(text(_x(share), _HEIGHT - _BOTTOM + 13, name, anchor=anchor, size=10))
    if title:
        body.append(text(_x(0.5), _HEIGHT - 6, title, anchor="middle", size=11))
    return body


def _draw_line(
    points: Sequence[tuple[float, float]], span: tuple[float, float], number: int, name: str
) -> list[str]:
    places = " ".join(f"{_x(share):.1f},{_y(value, span):.1f}" for share, value in points)
    color, dashes = _style(number, name)
    return [
        f'<polyline points="{places}" fill="none" stroke="var(--{color})" stroke-width="2"'
        f"{dashes}><title>{escape(name)}</title></polyline>"
    ]


def _style(number: int, name: str) -> tuple[str, str]:
    if name in _CONTROLS:
        return "muted", f' stroke-dasharray="{_CONTROLS[name]}"'
    return _COLORS[number % len(_COLORS)], ""


def _place_legend(body: list[str], names: Sequence[str]) -> float:
    """Add the legend below the figure; give the height of all."""
    for number, name in enumerate(names):
        x, y = _LEFT + (number % 3) * 140, _HEIGHT + 12 + 16 * (number // 3)
        color, dashes = _style(number, name)
        body.append(
            f'<line x1="{x}" y1="{y - 4}" x2="{x + 22}" y2="{y - 4}" stroke="var(--{color})" '
            f'stroke-width="2"{dashes}/>'
        )
        body.append(text(x + 28, y, name, color="ink", size=11))
    return _HEIGHT + 20 + 16 * ((len(names) - 1) // 3)
