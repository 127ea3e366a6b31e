"""PNG, JPEG and TIFF: from the bytes to grey in [0, 1].

Pillow is handed one page and only what makes up a picture: its header is read here first,
within bounds, and Exif, profiles, texts and further pages are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.errors import UnreadableImageError, UnsupportedImageError
from hilum.io.decoding import translate_errors
from hilum.io.grey import grey_from_rgb
from hilum.io.jpeg_stream import DCT_PROCESSES, read_jpeg_header
from hilum.io.limits import ReadLimits
from hilum.io.png_chunks import read_png_header
from hilum.io.raster_recipe import render_raster
from hilum.io.rendering import Rendering
from hilum.io.sniff import FilmFormat
from hilum.io.tiff_structure import (
    BITS_PER_SAMPLE,
    IMAGE_LENGTH,
    IMAGE_WIDTH,
    ORIENTATION,
    PHOTOMETRIC,
    SAMPLE_FORMAT,
    choose_page,
    isolate_page,
    read_exif_orientation,
    read_tiff_structure,
)
from hilum.language import Text
from hilum.spec import WindowRecipe
from hilum.types import FilmHeader

_WHITE_IS_ZERO = 0
_SIGNED_SAMPLES = 2
# Exif orientation -> (transpose, flip rows, flip columns), applied in that order.
_TURNS: dict[int, tuple[bool, bool, bool]] = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the header says of how the file is to be read.

    bits
        Bits of a grey value as stored.
    exact_bits
        The file says ``bits`` itself; 16 is otherwise only the size of the container.
    invert
        White is zero and Pillow leaves it so.
    """

    essence: bytes
    rows: int
    columns: int
    bits: int
    orientation: int
    invert: bool = False
    exact_bits: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RasterValues:
    """What a raster file stores.

    values
        uint8 or uint16, shape (H, W), turned as the film is.
    table
        float32, the grey of each possible value in [0, 1].
    invert
        Greater values are darker.
    """

    values: NDArray[Any]
    table: NDArray[np.float32]
    invert: bool
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Grey:
    """The picture as grey: 0 is black, ``white`` is white."""

    values: NDArray[Any]
    white: int
    steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_raster(
    data: bytes,
    film_format: FilmFormat,
    recipe: WindowRecipe,
    limits: ReadLimits,
    *,
    force_recipe: bool,
) -> tuple[Rendering, FilmHeader]:
    """Read a PNG, JPEG or TIFF.

    Raises
    ------
    UnreadableImageError, UnsupportedImageError, UnsafeImageError
        See :func:`hilum.io.read_radiograph`.
    """
    plan, grey = _decode(data, film_format, limits)
    rendering = _render(grey.values, grey, plan, recipe, force_recipe)
    pixels, steps = rendering.pixels, rendering.steps
    if plan.orientation != 1:
        pixels = _turn(pixels, plan.orientation)
        steps = (*steps, f"orientation {plan.orientation}")
    warnings = (*plan.warnings, *grey.warnings, *rendering.warnings)
    header = FilmHeader(rows=plan.rows, columns=plan.columns, bits_stored=plan.bits)
    return Rendering(pixels, steps, tuple(dict.fromkeys(warnings))), header


def read_raster_values(
    data: bytes,
    film_format: FilmFormat,
    recipe: WindowRecipe,
    limits: ReadLimits,
    *,
    force_recipe: bool,
) -> RasterValues:
    """Read a PNG, JPEG or TIFF as the numbers it stores, with the grey of each.

    Raises
    ------
    UnreadableImageError, UnsupportedImageError, UnsafeImageError
        See :func:`hilum.io.read_display`.
    """
    plan, grey = _decode(data, film_format, limits)
    every = np.arange(np.iinfo(grey.values.dtype).max + 1).astype(grey.values.dtype)
    rendering = _render(every[None], grey, plan, recipe, force_recipe)
    return RasterValues(
        _turn(grey.values, plan.orientation), rendering.pixels[0], plan.invert, rendering.steps
    )


def _decode(data: bytes, film_format: FilmFormat, limits: ReadLimits) -> tuple[_Plan, _Grey]:
    plan = _PLANS[film_format](data, limits)
    with translate_errors(film_format):
        image = Image.open(BytesIO(plan.essence), formats=(film_format,))
        if image.size != (plan.columns, plan.rows):
            raise UnreadableImageError(
                Text(
                    "The header of the {film_format} contradicts itself.",
                    film_format=film_format,
                )
            )
        image.load()
        return plan, _to_grey(image, plan)


def _render(
    values: NDArray[Any], grey: _Grey, plan: _Plan, recipe: WindowRecipe, force: bool
) -> Rendering:
    """Give the grey of some values, as the whole picture's recipe has it."""
    rendering = render_raster(values, grey.white, recipe, force=force)
    pixels, steps = rendering.pixels, (*grey.steps, *rendering.steps)
    if plan.invert:
        np.subtract(np.float32(1.0), pixels, out=pixels)
        steps = (*steps, "invert WhiteIsZero")
    return Rendering(pixels, steps, rendering.warnings)


def _turn(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    transpose, flip_rows, flip_columns = _TURNS[orientation]
    turned = pixels.T if transpose else pixels
    turned = turned[::-1] if flip_rows else turned
    return np.ascontiguousarray(turned[:, ::-1] if flip_columns else turned)


def _plan_png(data: bytes, limits: ReadLimits) -> _Plan:
    header = read_png_header(data, limits)
    if header.frames > 1:
        raise UnsupportedImageError(Text("The PNG is animated; a film has one frame."))
    exact = header.significant_bits is not None and header.significant_bits <= header.depth
    bits = header.significant_bits if exact and header.significant_bits else header.depth
    codes: tuple[str, ...] = ()
    if header.depth < 8 and header.color_type == 0:
        codes = ("low_depth",)
    elif header.depth == 16 and header.color_type != 0:
        codes = ("depth_reduced",)
    return _Plan(
        header.essence,
        header.rows,
        header.columns,
        bits if header.color_type == 0 else min(bits, 8),
        read_exif_orientation(header.exif, limits),
        exact_bits=exact,
        warnings=codes,
    )


def _plan_jpeg(data: bytes, limits: ReadLimits) -> _Plan:
    header = read_jpeg_header(data, limits)
    if header.precision != 8 or header.process not in DCT_PROCESSES:
        raise UnsupportedImageError(
            Text(
                "The JPEG is of a kind that is not read outside DICOM ({precision} bits, "
                "process {process:#x}); baseline and progressive JPEG of 8 bits are.",
                precision=header.precision,
                process=header.process,
            )
        )
    essence = data
    if len(header.essence) > 1:
        essence = b"".join(data[part] for part in header.essence)
    orientation = read_exif_orientation(header.exif, limits)
    return _Plan(essence, header.rows, header.columns, 8, orientation)


def _plan_tiff(data: bytes, limits: ReadLimits) -> _Plan:
    structure = read_tiff_structure(data, limits)
    page = choose_page(structure, len(data), limits)
    if page is None:
        raise UnsupportedImageError(
            Text(
                "The TIFF has {count} pages; a film has one. Save it as a file alone.",
                count=len(structure.pages),
            )
        )
    bits = max(page.values.get(BITS_PER_SAMPLE, (1,)))
    gray = page.first(PHOTOMETRIC, 1) in (_WHITE_IS_ZERO, 1)
    sample_format = page.first(SAMPLE_FORMAT, 1)
    if gray and sample_format == _SIGNED_SAMPLES:
        raise UnsupportedImageError(
            Text(
                "The TIFF holds signed numbers, which say nothing of black and white. "
                "Scale them and use hilum.io.radiograph_from_array.",
            )
        )
    codes: tuple[str, ...] = ()
    if bits < 8:
        codes = ("low_depth",)
    elif bits == 16 and not gray:
        codes = ("depth_reduced",)
    orientation = page.first(ORIENTATION, 1)
    # Pillow inverts WhiteIsZero itself, except where a sample is wider than 8 bits.
    invert = bits > 8 and page.values.get(PHOTOMETRIC) == (_WHITE_IS_ZERO,)
    return _Plan(
        isolate_page(data, structure, page),
        page.first(IMAGE_LENGTH, 0),
        page.first(IMAGE_WIDTH, 0),
        bits if gray else min(bits, 8),
        orientation if 1 <= orientation <= 8 else 1,
        invert=invert,
        exact_bits=bits not in (16, 32),
        warnings=codes,
    )


_PLANS = {"PNG": _plan_png, "JPEG": _plan_jpeg, "TIFF": _plan_tiff}


def _to_grey(image: Image.Image, plan: _Plan) -> _Grey:
    mode = image.mode
    if mode == "L" and "transparency" not in image.info:
        return _Grey(np.asarray(image), 255)
    if mode in ("I;16", "I;16B", "I;16L", "I;16N"):
        return _settle_depth(np.asarray(image).astype(np.uint16, copy=False), plan)
    if mode == "1":
        return _Grey(np.asarray(image).astype(np.uint8), 1, warnings=("low_depth",))
    if mode == "F":
        return _read_float(np.asarray(image))
    if mode == "I":
        raise UnsupportedImageError(
            Text(
                "The file holds 32-bit numbers, which say nothing of black and white. "
                "Scale them and use hilum.io.radiograph_from_array.",
            )
        )
    codes: list[str] = []
    if image.has_transparency_data:
        image, transparent = _flatten(image)
        codes += ["transparency_flattened"] if transparent else []
    grey, colored = grey_from_rgb(np.asarray(image.convert("RGB")))
    codes += ["color_converted"] if colored else []
    return _Grey(grey, 255, (f"luminance of {mode}",), tuple(codes))


def _settle_depth(values: NDArray[np.uint16], plan: _Plan) -> _Grey:
    """Find the value of white in a picture with 16 bits a pixel."""
    if plan.exact_bits and plan.bits < 16:
        # PNG stretches fewer bits over all 16 (sBIT); a TIFF of 12 bits leaves them as they are.
        return _Grey(values, 65_535 if plan.essence.startswith(b"\x89PNG") else 4_095)
    used = int(values.max()).bit_length()
    if used > 14:
        return _Grey(values, 65_535)
    # Detectors give 10, 12 or 14 bits. Divided by 65,535 such a film would be black.
    bits = next(bits for bits in (8, 10, 12, 14) if used <= bits)
    return _Grey(values, (1 << bits) - 1, warnings=("depth_assumed",))


def _read_float(values: NDArray[np.float32]) -> _Grey:
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise UnsupportedImageError(
            Text(
                "The TIFF holds floating-point numbers outside [0, 1], which say nothing "
                "of black and white. Scale them and use hilum.io.radiograph_from_array.",
            )
        )
    return _Grey(np.round(values * np.float32(65_535)).astype(np.uint16), 65_535, ("float x65535",))


def _flatten(image: Image.Image) -> tuple[Image.Image, bool]:
    """Lay a picture with transparency on black."""
    image = image.convert("RGBA")
    if image.getchannel("A").getextrema() == (255, 255):
        return image, False
    black = Image.new("RGBA", image.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, image), True
