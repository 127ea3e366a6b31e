"""DICOM: from the bytes to grey in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.io.codecs import DecodedFrame
from hilum.io.dicom_header import (
    COLOUR,
    PixelLayout,
    build_film_header,
    check_is_film,
    list_header_warnings,
    read_layout,
)
from hilum.io.dicom_parse import Elements, ParsedDicom, parse_dicom
from hilum.io.dicom_pixels import find_codec, read_frame
from hilum.io.dicom_recipe import render_grey
from hilum.io.dicom_values import get_text
from hilum.io.grey import grey_from_rgb
from hilum.io.limits import ReadLimits
from hilum.io.raster_recipe import render_raster
from hilum.io.rendering import Rendering
from hilum.spec import WindowRecipe
from hilum.types import FilmHeader


@dataclass(frozen=True, slots=True)
class DicomFilm:
    """A DICOM film, decoded, with the codes of what its header has to be warned of."""

    parsed: ParsedDicom
    layout: PixelLayout
    header: FilmHeader
    frame: DecodedFrame
    warnings: tuple[str, ...]


def read_dicom(
    data: bytes, recipe: WindowRecipe, limits: ReadLimits, *, force_recipe: bool
) -> tuple[Rendering, FilmHeader]:
    """Read a DICOM film: validate, decode, then apply the recipe.

    Raises
    ------
    UnreadableImageError, UnsupportedImageError, UnsafeImageError, MissingExtraError
        See :func:`hilum.io.read_radiograph`.
    """
    film = open_dicom(data, limits)
    rendering = _render(film.frame, film.layout, film.parsed.elements, recipe, force_recipe)
    warnings = (*film.warnings, *rendering.warnings)
    # One code once: a film for processing says so in its SOP class and in its intent.
    return Rendering(rendering.pixels, rendering.steps, tuple(dict.fromkeys(warnings))), film.header


def open_dicom(data: bytes, limits: ReadLimits) -> DicomFilm:
    """Validate and decode a DICOM film, without a recipe.

    Raises
    ------
    UnreadableImageError, UnsupportedImageError, UnsafeImageError, MissingExtraError
        See :func:`hilum.io.read_radiograph`.
    """
    parsed = parse_dicom(data, limits)
    sop_class_uid, codes = check_is_film(parsed)
    layout = read_layout(parsed, limits)
    codec = find_codec(parsed.transfer_syntax_uid)
    header = build_film_header(parsed, sop_class_uid, layout)
    frame = read_frame(parsed, layout, limits)
    lossy = codec.lossy or get_text(parsed.elements, "LossyImageCompression") == "01"
    warnings = (*codes, *list_header_warnings(parsed, header), *(("lossy",) if lossy else ()))
    return DicomFilm(parsed, layout, header, frame, warnings)


def _render(
    frame: DecodedFrame,
    layout: PixelLayout,
    elements: Elements,
    recipe: WindowRecipe,
    force: bool,
) -> Rendering:
    if layout.photometric not in COLOUR:
        return render_grey(frame, layout, elements, recipe, force=force)
    grey, codes = to_luminance(frame, layout)
    step = f"luminance of {layout.photometric}"
    rendering = render_raster(grey, 255, recipe, force=force)
    return Rendering(rendering.pixels, (step, *rendering.steps), (*codes, *rendering.warnings))


def to_luminance(
    frame: DecodedFrame, layout: PixelLayout
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Give the luminance of a colour frame, 0 to 255, and the codes of what was lost.

    Raises
    ------
    UnsupportedImageError
        The picture is in colour.
    """
    rgb, codes = _to_rgb_8_bit(frame, layout)
    grey, colored = grey_from_rgb(rgb)
    return grey, (*codes, "color_converted") if colored else codes


def _to_rgb_8_bit(
    frame: DecodedFrame, layout: PixelLayout
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    bits = frame.bits or layout.bits_stored
    codes: tuple[str, ...] = ()
    values = frame.values
    if values.dtype.itemsize == 2:
        values, codes = values >> np.uint16(max(bits - 8, 0)), ("depth_reduced",)
    rgb = np.ascontiguousarray(values, dtype=np.uint8)
    if layout.photometric.startswith("YBR_FULL") and not frame.rgb:
        from PIL import Image

        rgb = np.asarray(Image.fromarray(rgb, "YCbCr").convert("RGB"))
    return rgb, codes
