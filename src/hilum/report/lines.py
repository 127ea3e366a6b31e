"""Contours as ink: smooth-edged lines, white with a dark edge, dashed where against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from hilum.explain import Contour

INK, EDGE = "#ffffff", "#000000"
# Lengths of a dash and of the gap behind it, in widths of the line.
DASH = (4.5, 3.5)
# Over white bone and over black air alike, one of the two is seen.
EDGE_WIDTHS = 2.5
EDGE_OPACITY = 0.8

# Lines are drawn larger and reduced, which smooths their edges; a picture that is this large
# needs that no more.
_MOST_DRAWN_PX = 4096
_MOST_ENLARGED = 4


def measure_line(size: tuple[int, int]) -> float:
    """Give how wide lines are in a picture of this size, in px."""
    return max(1.6, max(size) / 480)


def paint_contours(
    picture: Image.Image, contours: Sequence[Contour], zoom: tuple[float, float]
) -> None:
    """Draw contours into an RGB picture.

    Parameters
    ----------
    zoom
        Px of the picture for one px of the film, across and down.
    """
    if not contours:
        return
    width_px = measure_line(picture.size)
    lines = [
        line
        for contour in contours
        for line in _cut(contour.points * zoom, width_px, dashed=contour.level < 0)
    ]
    edge = _draw_mask(picture.size, lines, EDGE_WIDTHS * width_px)
    picture.paste(EDGE, (0, 0), edge.point([round(EDGE_OPACITY * code) for code in range(256)]))
    picture.paste(INK, (0, 0), _draw_mask(picture.size, lines, width_px))


def _draw_mask(
    size: tuple[int, int], lines: Sequence[NDArray[np.float64]], width_px: float
) -> Image.Image:
    enlarged = max(1, min(_MOST_ENLARGED, _MOST_DRAWN_PX // max(size)))
    mask = Image.new("L", (size[0] * enlarged, size[1] * enlarged))
    pen = ImageDraw.Draw(mask)
    for line in lines:
        # Pillow counts from the middle of a pixel.
        places = line * enlarged - 0.5
        pen.line(places.ravel().tolist(), 255, max(1, round(width_px * enlarged)), joint="curve")
    return mask.reduce(enlarged)


def _cut(
    points: NDArray[np.float64], width_px: float, *, dashed: bool
) -> Iterator[NDArray[np.float64]]:
    """Cut a line into its dashes; one that is not dashed is left whole."""
    if not dashed:
        yield points
        return
    steps = np.hypot(*np.diff(points, axis=0).T)
    reached = np.concatenate([[0.0], np.cumsum(steps)])
    dash, gap = (width_px * length for length in DASH)
    for start in np.arange(0.0, reached[-1], dash + gap):
        end = min(start + dash, reached[-1])
        between = reached[(reached > start) & (reached < end)]
        places = np.concatenate([[start], between, [end]])
        yield np.stack([np.interp(places, reached, axis) for axis in points.T], axis=1)
