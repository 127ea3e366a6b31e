"""The film as grey with its evidence over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.errors import ConfigError
from hilum.report.colormaps import (
    ZERO_CODE,
    encode_evidence,
    get_colormap,
    make_color_table,
    make_opacity_table,
)

if TYPE_CHECKING:
    from hilum.types import Explanation, Radiograph

# The map is smooth: it is interpolated at this size and then enlarged, which the eye cannot
# tell from doing it at once and which is many times quicker.
_SMOOTH_SIDE_PX = 192


def draw_overlay(
    radiograph: Radiograph,
    explanation: Explanation,
    *,
    opacity: float = 0.6,
    colormap: str = "evidence",
    scale: float | None = None,
    max_side_px: int | None = None,
) -> Image.Image:
    """Draw the film with the evidence over it.

    The colour and how strongly it covers the film follow the evidence in logit units, by an
    absolute scale: films can be compared, and where there is no evidence the film shows as
    it is. Nothing is drawn where the network did not look.

    Parameters
    ----------
    opacity
        How much the strongest evidence covers the film, in [0, 1].
    colormap
        One of :data:`hilum.report.COLORMAPS`.
    scale
        Value at which colour and opacity saturate, in the map's own unit; ``None`` is
        ``explanation.scale``.
    max_side_px
        Reduce the picture so that its longer side is no more than this.

    Returns
    -------
    An RGB picture of the film's size, or smaller.

    Raises
    ------
    ConfigError
        An option is out of its range.
    """
    colors = get_colormap(colormap)
    opacities = make_opacity_table(colors, opacity)
    film = draw_film(radiograph, max_side_px=max_side_px)
    height_px, width_px = radiograph.pixels.shape
    codes = _draw_codes(
        explanation,
        film.size,
        (film.width / width_px, film.height / height_px),
        explanation.scale if scale is None else scale,
    )
    alpha = codes.point(opacities.tolist())
    codes.putpalette(make_color_table(colors).tobytes())
    overlay = film.convert("RGB")
    overlay.paste(codes.convert("RGB"), (0, 0), alpha)
    return overlay


def draw_film(radiograph: Radiograph, *, max_side_px: int | None = None) -> Image.Image:
    """Draw the film alone, in 8 bits of grey.

    Raises
    ------
    ConfigError
        ``max_side_px`` is less than one.
    """
    if max_side_px is not None and max_side_px < 1:
        raise ConfigError(f"max_side_px must be 1 or more, not {max_side_px}.")
    height_px, width_px = radiograph.pixels.shape
    longest = max(height_px, width_px)
    pixels = radiograph.pixels
    if max_side_px is not None and longest > max_side_px:
        size = (
            max(1, round(width_px * max_side_px / longest)),
            max(1, round(height_px * max_side_px / longest)),
        )
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    # Pixels are in [0, 1] and the reduction only averages, so nothing leaves 0..255.
    return Image.fromarray((pixels * np.float32(255.0) + np.float32(0.5)).astype(np.uint8))


def _draw_codes(
    explanation: Explanation, size: tuple[int, int], zoom: tuple[float, float], scale: float
) -> Image.Image:
    """Draw the map as 8-bit codes over a picture of ``size``; zero outside of its box.

    Parameters
    ----------
    zoom
        Px of the picture for one px of the film, across and down.
    """
    left, top, right, bottom = (edge * zoom[axis % 2] for axis, edge in enumerate(explanation.box))
    rows, columns = explanation.values.shape
    # The part of the picture that the map covers, in whole px ...
    x0, y0 = max(0, round(left)), max(0, round(top))
    x1, y1 = min(size[0], round(right)), min(size[1], round(bottom))
    codes = Image.new("L", size, ZERO_CODE)
    if x1 <= x0 or y1 <= y0:
        return codes
    # ... and the part of the map that lies there, in cells.
    cells_across, cells_down = columns / (right - left), rows / (bottom - top)
    part = (
        min(max((x0 - left) * cells_across, 0.0), columns),
        min(max((y0 - top) * cells_down, 0.0), rows),
        min(max((x1 - left) * cells_across, 0.0), columns),
        min(max((y1 - top) * cells_down, 0.0), rows),
    )
    smooth_size = (min(x1 - x0, _SMOOTH_SIDE_PX), min(y1 - y0, _SMOOTH_SIDE_PX))
    smooth = _interpolate(explanation.values, smooth_size, part)
    encoded = Image.fromarray(encode_evidence(smooth, scale))
    codes.paste(encoded.resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR), (x0, y0))
    return codes


def _interpolate(
    values: NDArray[np.float32], size: tuple[int, int], part: tuple[float, float, float, float]
) -> NDArray[np.float32]:
    """Interpolate a part of the map smoothly and never beyond the cells around.

    The bicubic of picture libraries swings below zero beside a strong cell and would paint
    evidence of the other sign where there is none. This one (cubic Hermite with level
    tangents) meets every cell's value at its centre and stays between neighbours.
    """
    rows, columns = values.shape
    down = _weigh_cells(rows, part[1], part[3], size[1])
    across = _weigh_cells(columns, part[0], part[2], size[0])
    return np.asarray(down @ values @ across.T, dtype=np.float32)


def _weigh_cells(cells: int, start: float, end: float, samples: int) -> NDArray[np.float32]:
    """Give the weight of each cell for samples between two places, shape (samples, cells)."""
    places = start + (np.arange(samples) + 0.5) * (end - start) / samples
    # In units of cells, counted from the centre of the first; level beyond the outer centres.
    places = np.clip(places - 0.5, 0.0, cells - 1.0)
    share = np.clip(1.0 - np.abs(places[:, None] - np.arange(cells)), 0.0, 1.0)
    return (share * share * (3.0 - 2.0 * share)).astype(np.float32)
