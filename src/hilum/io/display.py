"""``read_display``: a film with its stored values, for a viewer with windows of its own."""

from __future__ import annotations

import numpy as np

from hilum.errors import UnreadableImageError
from hilum.io.grey_table import display_grey
from hilum.io.limits import DEFAULT_LIMITS, ReadLimits
from hilum.io.sniff import FilmFormat, sniff_format
from hilum.io.source import Source, read_source
from hilum.spec import RADIOGRAPH_V1, WindowRecipe
from hilum.types import DisplayFilm, Radiograph, SuggestedWindow
from hilum.types.display import WindowName

# Quantiles of the film's density, from black to white. In a chest film the air of the lungs lies
# in the darker half; heart, spine and diaphragm lie in the brighter one. Each window reaches into
# the other half, so that neither is lost in black or white.
_QUANTILES: tuple[tuple[WindowName, float, float], ...] = (
    ("full_range", 0.0, 1.0),
    ("percentiles", 0.005, 0.995),
    ("dark_areas", 0.02, 0.75),
    ("bright_areas", 0.25, 0.998),
)


def read_display(
    source: Source,
    *,
    recipe: WindowRecipe = RADIOGRAPH_V1,
    force_recipe: bool = False,
    limits: ReadLimits = DEFAULT_LIMITS,
) -> DisplayFilm:
    """Read one film as the values that it stores, with every way to show them.

    It takes the same road as :func:`hilum.io.read_radiograph`, with the same bounds; the first
    table is the recipe's and gives the same pixels to the last bit.

    Parameters
    ----------
    source, recipe, force_recipe, limits
        As for :func:`hilum.io.read_radiograph`.

    Raises
    ------
    UnreadableImageError, UnsupportedImageError, UnsafeImageError, MissingExtraError
        As for :func:`hilum.io.read_radiograph`.
    """
    data, _ = read_source(source, limits)
    film_format = sniff_format(data)
    try:
        film = _read(data, film_format, recipe, limits, force_recipe)
    except MemoryError as error:
        raise UnreadableImageError("There is not enough memory to read the film.") from error
    film.values.setflags(write=False)
    return film


def display_from_radiograph(radiograph: Radiograph) -> DisplayFilm:
    """Give a film whose file is not at hand: its pixels in 16 bits, as read."""
    values = np.rint(radiograph.pixels * np.float32(65_535)).astype(np.uint16)
    values.setflags(write=False)
    grey = np.arange(65_536, dtype=np.float32) / np.float32(65_535)
    return display_grey(values, grey)


def suggest_windows(film: DisplayFilm) -> tuple[SuggestedWindow, ...]:
    """Give windows that show a radiograph well, from its own histogram without padding.

    The whole range; all but its outer half per cent; the darker part, where lungs lie, and the
    brighter one, where heart, spine and bones lie. A film of one value has none.
    """
    counts = np.bincount(film.values.ravel(), minlength=len(film.modality))
    if film.padding is not None:
        counts[film.padding[0] : film.padding[1] + 1] = 0
    seen = np.flatnonzero(counts)
    if not seen.size:
        return ()
    density = -film.modality[seen] if film.invert else film.modality[seen]
    order = np.argsort(density, kind="stable")
    modality = film.modality[seen][order]
    reached = np.cumsum(counts[seen][order])
    windows = []
    for name, first, last in _QUANTILES:
        places = np.searchsorted(reached, [first * reached[-1], last * reached[-1]])
        ends = modality[np.minimum(places, len(modality) - 1)]
        low, high = float(ends.min()), float(ends.max())
        if high > low:
            windows.append(SuggestedWindow(name, (low + high) / 2.0, high - low))
    return tuple(windows)


def _read(
    data: bytes, film_format: FilmFormat, recipe: WindowRecipe, limits: ReadLimits, force: bool
) -> DisplayFilm:
    if film_format == "DICOM":
        from hilum.io.dicom_display import read_dicom_display

        return read_dicom_display(data, recipe, limits, force_recipe=force)
    from hilum.io.raster import read_raster_values

    raster = read_raster_values(data, film_format, recipe, limits, force_recipe=force)
    return display_grey(raster.values, raster.table, invert=raster.invert)
