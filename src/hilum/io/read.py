"""``read_radiograph``: the one road from a file to a :class:`~hilum.types.Radiograph`."""

from __future__ import annotations

import hashlib

import numpy as np

from hilum.errors import UnreadableImageError
from hilum.io.film_warnings import make_warning
from hilum.io.limits import DEFAULT_LIMITS, ReadLimits
from hilum.io.rendering import Rendering
from hilum.io.sniff import FilmFormat, sniff_format
from hilum.io.source import Source, read_source
from hilum.language import Text
from hilum.spec import RADIOGRAPH_V1, WindowRecipe
from hilum.types import FilmHeader, Radiograph


def read_radiograph(
    source: Source,
    *,
    recipe: WindowRecipe = RADIOGRAPH_V1,
    force_recipe: bool = False,
    limits: ReadLimits = DEFAULT_LIMITS,
    name: str | None = None,
) -> Radiograph:
    """Read one film: DICOM, PNG, JPEG or TIFF.

    The content of the file decides what it is, never its name. Bounds are checked before
    anything is decoded. What the file does not say clearly, or what a reader of the result
    should know, is in :attr:`~hilum.types.Radiograph.warnings`; ``docs/reading-films.md`` lists
    every case.

    Parameters
    ----------
    source
        A path, bytes, or a binary file object, which is read from where it stands.
    recipe
        How stored values become grey. A model is given films in the recipe it was trained with.
    force_recipe
        Apply ``hu_window`` to a film that is not in Hounsfield units, and mark the result.
    limits
        Bounds on what a file may ask for.
    name
        Name for :attr:`~hilum.types.Radiograph.source`, instead of the path.

    Raises
    ------
    UnreadableImageError
        The file is absent, damaged, truncated or no image.
    UnsupportedImageError
        It is sound, but not a film that hilum reads (a CT slice, several frames, colour), or the
        recipe has no meaning for it.
    UnsafeImageError
        It exceeds a bound.
    MissingExtraError
        Its compression needs an extra that is not installed.
    """
    data, given_name = read_source(source, limits)
    digest = hashlib.sha256(data).hexdigest()
    film_format = sniff_format(data)
    try:
        rendering, header = _read(data, film_format, recipe, limits, force_recipe)
    except MemoryError as error:
        raise UnreadableImageError(Text("There is not enough memory to read the film.")) from error
    pixels, codes = rendering.pixels, rendering.warnings
    # A coarse sample tells nearly every film from a blank one; only then is each pixel asked.
    if np.ptp(pixels[::61, ::61]) == 0 and np.ptp(pixels) == 0:
        codes = (*codes, "blank")
    pixels.setflags(write=False)
    return Radiograph(
        pixels=pixels,
        format=film_format,
        recipe=str(recipe),
        header=header,
        recipe_steps=rendering.steps,
        source=name if name is not None else given_name,
        sha256=digest,
        warnings=tuple(make_warning(code) for code in codes),
    )


def _read(
    data: bytes, film_format: FilmFormat, recipe: WindowRecipe, limits: ReadLimits, force: bool
) -> tuple[Rendering, FilmHeader]:
    # Each reader is imported when a film of its kind comes: a JPEG needs nothing of DICOM.
    if film_format == "DICOM":
        from hilum.io.dicom import read_dicom

        return read_dicom(data, recipe, limits, force_recipe=force)
    from hilum.io.raster import read_raster

    return read_raster(data, film_format, recipe, limits, force_recipe=force)
