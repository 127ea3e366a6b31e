"""From whole numbers to grey in [0, 1], and from colour to grey."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.errors import UnsupportedImageError
from hilum.language import Text

# Rows a step: a step's table indices stay in the processor's cache.
_STEP_PX = 1 << 17
# A pixel is coloured when its largest and smallest channel differ by more than this (of 255).
# Chroma that JPEG leaves on a grey picture stays below; a coloured annotation is well above.
_COLOUR_STEP = 32
# Up to this share a picture is grey with stray pixels; up to the next, a film with coloured
# annotations or a tint that remains to be warned of; beyond, it is no film.
_STRAY_SHARE = 0.001
_COLOUR_SHARE = 0.25


def look_up(values: NDArray[Any], table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give ``table[values]`` without a copy of ``values`` as 64-bit indices.

    Parameters
    ----------
    values
        Unsigned integers, shape (H, W), each below ``len(table)``.
    """
    film = np.empty(values.shape, dtype=np.float32)
    rows, columns = values.shape
    step = max(1, _STEP_PX // columns)
    index = np.empty((min(step, rows), columns), dtype=np.intp)
    for top in range(0, rows, step):
        part = values[top : top + step]
        index[: len(part)] = part
        # "clip" lets NumPy write straight into `film`; no index is out of range.
        table.take(index[: len(part)], out=film[top : top + step], mode="clip")
    return film


def scale_to_unit(values: NDArray[Any], white: int) -> NDArray[np.float32]:
    """Divide by the value of white; greater values become 1.

    Parameters
    ----------
    values
        uint8 or uint16, shape (H, W).
    """
    film: NDArray[np.float32] = np.divide(values, np.float32(white), dtype=np.float32)
    if white < np.iinfo(values.dtype).max:
        np.minimum(film, np.float32(1.0), out=film)
    return film


def sample_rows(values: NDArray[Any], target_px: int = 1 << 18) -> NDArray[Any]:
    """Give an even sample of at least ``target_px`` pixels, or all of a smaller film.

    The sample is symmetric in no way that depends on the values, so the percentiles of a
    film and of its negative mirror each other exactly.
    """
    step = max(1, int((values.size / target_px) ** 0.5))
    return values[step // 2 :: step, step // 2 :: step]


def grey_from_rgb(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bool]:
    """Take the luminance of a colour picture.

    Parameters
    ----------
    rgb
        uint8, shape (H, W, 3).

    Returns
    -------
    luminance
        uint8, shape (H, W), ITU-R BT.601 as in Pillow; equal channels keep their value.
    colored
        Whether there was colour to speak of.

    Raises
    ------
    UnsupportedImageError
        More than a quarter of the pixels are coloured: it is no radiograph.
    """
    rows, columns = rgb.shape[:2]
    grey = np.empty((rows, columns), dtype=np.uint8)
    step, coloured = max(1, _STEP_PX // columns), 0
    for top in range(0, rows, step):
        red, green, blue = np.moveaxis(rgb[top : top + step], -1, 0)
        brightest = np.maximum(np.maximum(red, green), blue)
        darkest = np.minimum(np.minimum(red, green), blue)
        coloured += int(np.count_nonzero(brightest - darkest > _COLOUR_STEP))
        weighted = red * np.uint32(19595) + green * np.uint32(38470) + blue * np.uint32(7471)
        grey[top : top + step] = (weighted + np.uint32(0x8000)) >> np.uint32(16)
    share = coloured / (rows * columns)
    if share > _COLOUR_SHARE:
        raise UnsupportedImageError(
            Text(
                "The picture is in colour ({share:.0%} of its pixels); a radiograph is grey.",
                share=share,
            )
        )
    return grey, share > _STRAY_SHARE
