"""The film as grey with its evidence over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from hilum.errors import ConfigError
from hilum.explain import interpolate_map, trace_contours
from hilum.report.colormaps import (
    ZERO_CODE,
    choose_colormap,
    encode_evidence,
    get_colormap,
    make_color_table,
    make_opacity_table,
)
from hilum.report.lines import paint_contours

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
    colormap: str | None = None,
    scale: float | None = None,
    contours: Sequence[float] = (),
    max_side_px: int | None = None,
) -> Image.Image:
    """Draw the film with the evidence over it.

    The colour and how strongly it covers the film follow the evidence in its own unit, by an
    absolute scale: films can be compared, and where there is no evidence the film shows as
    it is. Nothing is drawn where the network did not look.

    Parameters
    ----------
    opacity
        How much the strongest evidence covers the film, in [0, 1].
    colormap
        One of :data:`hilum.report.COLORMAPS`; ``None`` is ``"evidence"`` for signed maps and
        ``"strength"`` for others.
    scale
        Value at which colour and opacity saturate, in the map's own unit; ``None`` is
        ``explanation.scale``.
    contours
        Levels in the map's own unit, absolute and above zero, along which lines are drawn:
        solid around evidence for the target, dashed around evidence against it.
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
    colors = get_colormap(choose_colormap(explanation, colormap))
    opacities = make_opacity_table(colors, opacity)
    film = draw_film(radiograph, max_side_px=max_side_px)
    codes = draw_codes(radiograph, explanation, film.size, scale)
    alpha = codes.point(opacities.tolist())
    codes.putpalette(make_color_table(colors).tobytes())
    overlay = film.convert("RGB")
    overlay.paste(codes.convert("RGB"), (0, 0), alpha)
    # Lines against the target belong to colours against it.
    against = explanation.signed and colors.against is not None
    lines = trace_contours(explanation, contours, against=against)
    paint_contours(overlay, lines, measure_zoom(radiograph, film.size))
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


def measure_zoom(radiograph: Radiograph, size: tuple[int, int]) -> tuple[float, float]:
    """Give the px of a picture of ``size`` for one px of the film, across and down."""
    height_px, width_px = radiograph.pixels.shape
    return size[0] / width_px, size[1] / height_px


def draw_codes(
    radiograph: Radiograph, explanation: Explanation, size: tuple[int, int], scale: float | None
) -> Image.Image:
    """Draw the map as 8-bit codes over a picture of ``size``; zero outside of its box.

    Raises
    ------
    ConfigError
        ``scale`` is not a positive number.
    """
    zoom = measure_zoom(radiograph, size)
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
    smooth = interpolate_map(explanation.values, smooth_size, part)
    encoded = Image.fromarray(
        encode_evidence(smooth, explanation.scale if scale is None else scale)
    )
    codes.paste(encoded.resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR), (x0, y0))
    return codes
