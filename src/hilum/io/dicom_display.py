"""DICOM for a viewer: stored values, and every view that the file brings along."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hilum.io.dicom import open_dicom, to_luminance
from hilum.io.dicom_header import COLOUR, PixelLayout
from hilum.io.dicom_parse import Elements
from hilum.io.dicom_recipe import GreyScale, tabulate_grey
from hilum.io.dicom_values import get_integer, get_text
from hilum.io.dicom_voi import apply_voi_lut, apply_window, read_windows
from hilum.io.grey_table import display_grey, make_table
from hilum.io.limits import ReadLimits
from hilum.io.lut import read_luts
from hilum.io.raster_recipe import render_raster
from hilum.spec import WindowRecipe
from hilum.types import DisplayFilm, GreyTable
from hilum.types.display import DisplayUnit

# A table may have 65,536 entries, and nobody chooses among more views.
_MOST_VIEWS = 16
_UNITS: dict[str, DisplayUnit] = {"HU": "HU", "OD": "OD"}


def read_dicom_display(
    data: bytes, recipe: WindowRecipe, limits: ReadLimits, *, force_recipe: bool
) -> DisplayFilm:
    """Read a DICOM film as the values that it stores.

    Raises
    ------
    UnreadableImageError, UnsupportedImageError, UnsafeImageError, MissingExtraError
        See :func:`hilum.io.read_display`.
    """
    film = open_dicom(data, limits)
    if film.layout.photometric in COLOUR:
        grey, _ = to_luminance(film.frame, film.layout)
        every = np.arange(256, dtype=np.uint8)[None]
        rendering = render_raster(every, 255, recipe, force=force_recipe)
        return display_grey(grey, rendering.pixels[0])
    scale = tabulate_grey(film.frame, film.layout, film.parsed.elements, recipe, force=force_recipe)
    # Stored values counted from their least: signed ones too keep their order without a sign.
    least = -(1 << (scale.bits - 1)) if film.layout.signed else 0
    places = (scale.values.stored - least).astype(np.uint16)
    modality = np.zeros(1 << scale.bits, dtype=np.float64)
    modality[places] = scale.modality
    return DisplayFilm(
        values=places[film.frame.values],
        modality=modality,
        tables=_list_tables(scale, places, modality),
        unit=_UNITS.get((get_text(scale.elements, "RescaleType") or "").upper()),
        invert=scale.invert,
        padding=_place_padding(scale.elements, film.layout, least, len(modality)),
    )


def _list_tables(
    scale: GreyScale, places: NDArray[np.uint16], modality: NDArray[np.float64]
) -> tuple[GreyTable, ...]:
    """Give the recipe's table, then the file's own views that differ from it."""
    grey = np.zeros(len(modality), dtype=np.float32)
    grey[places] = scale.table
    first = make_table("recipe", None, modality, grey)
    others = []
    for table in _list_views(scale, places, modality):
        if np.array_equal(table.grey, grey):
            first = GreyTable("recipe", table.name, table.center, table.width, grey)
        else:
            others.append(table)
    return (first, *others[:_MOST_VIEWS])


def _list_views(
    scale: GreyScale, places: NDArray[np.uint16], modality: NDArray[np.float64]
) -> Iterator[GreyTable]:
    grey = np.zeros(len(modality), dtype=np.float32)
    signed = bool(scale.modality.min() < 0)
    for lut in read_luts(scale.elements, "VOILUTSequence", signed_input=signed):
        grey[places] = scale.finish(apply_voi_lut(scale.modality, lut, invert=scale.invert))
        yield make_table("lut", lut.explanation, modality, grey.copy())
    for window in read_windows(scale.elements)[:_MOST_VIEWS]:
        if window.usable:
            grey[places] = scale.finish(apply_window(scale.modality, window, invert=scale.invert))
            yield GreyTable("window", window.explanation, window.center, window.width, grey.copy())


def _place_padding(
    elements: Elements, layout: PixelLayout, least: int, count: int
) -> tuple[int, int] | None:
    value = get_integer(elements, "PixelPaddingValue", signed=layout.signed)
    if value is None:
        return None
    limit = get_integer(elements, "PixelPaddingRangeLimit", signed=layout.signed)
    low, high = sorted((value, value if limit is None else limit))
    low, high = max(low - least, 0), min(high - least, count - 1)
    return (low, high) if low <= high else None
