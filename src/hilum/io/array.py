"""A film that is already an array in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.errors import UnreadableImageError, UnsupportedImageError
from hilum.io.film_warnings import make_warning
from hilum.io.grey import grey_from_rgb, scale_to_unit
from hilum.io.limits import DEFAULT_LIMITS, ReadLimits
from hilum.language import Text
from hilum.spec import RADIOGRAPH_V1
from hilum.types import FilmHeader, Radiograph


def radiograph_from_array(
    array: NDArray[Any],
    *,
    white: float | None = None,
    invert: bool = False,
    limits: ReadLimits = DEFAULT_LIMITS,
    name: str | None = None,
) -> Radiograph:
    """Make a film of an array.

    Parameters
    ----------
    array
        Shape (H, W), or (H, W, 3) for RGB. Integers are taken as grey from 0 to ``white``;
        floating-point numbers must lie in [0, 1], or in [0, ``white``].
    white
        The value of white. By default 255 for uint8, 65,535 for uint16, 1 for floats.
    invert
        The array is bright where the film is transparent to the eye (MONOCHROME1).
    name
        A name for :attr:`~hilum.types.Radiograph.source`.

    Raises
    ------
    UnreadableImageError
        The array has no pixels, or numbers that are not finite.
    UnsupportedImageError
        Its shape or type is not one of a film, or its values leave [0, ``white``].
    UnsafeImageError
        It has more pixels than ``limits`` allow.
    """
    array = np.asarray(array)
    codes: tuple[str, ...] = ()
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if not array.size or array.ndim not in (2, 3):
        raise UnreadableImageError(
            Text("A film is an array of shape (H, W) or (H, W, 3) with pixels.")
        )
    limits.check_size(array.shape[0], array.shape[1])
    if array.ndim == 3:
        if array.shape[2] != 3 or array.dtype != np.uint8:
            raise UnsupportedImageError(Text("A colour array is uint8 of shape (H, W, 3)."))
        array, colored = grey_from_rgb(array)
        codes = ("color_converted",) if colored else ()
    pixels, bits = _scale(array, white)
    if invert:
        pixels = np.float32(1.0) - pixels
    pixels = np.ascontiguousarray(pixels, dtype=np.float32)
    if float(pixels.min()) == float(pixels.max()):
        codes = (*codes, "blank")
    pixels.setflags(write=False)
    return Radiograph(
        pixels=pixels,
        format="ARRAY",
        recipe=str(RADIOGRAPH_V1),
        header=FilmHeader(rows=pixels.shape[0], columns=pixels.shape[1], bits_stored=bits),
        recipe_steps=("scale",) + (("invert",) if invert else ()),
        source=name,
        warnings=tuple(make_warning(code) for code in codes),
    )


def _scale(array: NDArray[Any], white: float | None) -> tuple[NDArray[np.float32], int]:
    if white is not None and not (np.isfinite(white) and white > 0):
        raise UnsupportedImageError(Text("The value of white is a finite number above 0."))
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
        white = 1.0 if white is None else white
    if array.dtype in (np.uint8, np.uint16) and white is None:
        return scale_to_unit(array, int(np.iinfo(array.dtype).max)), 8 * array.dtype.itemsize
    if array.dtype.kind not in "uif" or (array.dtype.kind != "f" and white is None):
        raise UnsupportedImageError(
            Text(
                "Say the value of white for an array of {dtype}: white=...",
                dtype=str(array.dtype),
            )
        )
    if not np.isfinite(array).all():
        raise UnreadableImageError(Text("The array holds numbers that are not finite."))
    top = 1.0 if white is None else float(white)
    if array.min() < 0 or array.max() > top:
        raise UnsupportedImageError(
            Text(
                "The values of the array leave the range 0 to {top:g}.",
                top=float(top),
            )
        )
    bits = 32 if array.dtype.kind == "f" else max(1, int(np.ceil(np.log2(top + 1))))
    return np.divide(array, top).astype(np.float32), bits
