"""From a :class:`~hilum.types.Radiograph` to the network's input: the only road there is.

Training, evaluation, every backend, the page and every worker call :func:`preprocess`.
Training takes its two steps apart (:func:`resize_film`, then augmentation, then
:func:`normalize_film`); with augmentation off that is the same arithmetic, to the last bit.
Between the two it keeps films as whole numbers of 8 bits, which a film that has them already at
the network's size does not feel; any other one is rounded by at most 1/510.
"""

from __future__ import annotations

import nanoarrow
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.errors import SpecMismatchError, UnsupportedImageError
from hilum.language import Text
from hilum.spec import InputSpec
from hilum.types import Radiograph

Box = tuple[float, float, float, float]

# A film whose deviation is below one 16-bit step is blank: it is centred, not amplified.
_BLANK_STD = 1.0 / 65535.0


def compute_box(height_px: int, width_px: int, spec: InputSpec) -> Box:
    """Give the part of a film of this size that the network sees.

    Returns
    -------
    (left, top, right, bottom) in px of the film; outside the film where it is padded.
    """
    if spec.resize == "squash":
        return (0.0, 0.0, float(width_px), float(height_px))
    if spec.resize == "letterbox":
        columns, rows, left, top = _fit_letterbox(height_px, width_px, spec)
        across, down = width_px / columns, height_px / rows
        return (
            -left * across,
            -top * down,
            (spec.width_px - left) * across,
            (spec.height_px - top) * down,
        )
    assert spec.shortest_side_px is not None  # the spec's own validation
    across = down = min(height_px, width_px) / spec.shortest_side_px
    if spec.resize == "squash_crop":
        across, down = width_px / spec.shortest_side_px, height_px / spec.shortest_side_px
    half_w, half_h = spec.width_px * across / 2, spec.height_px * down / 2
    return (
        width_px / 2 - half_w,
        height_px / 2 - half_h,
        width_px / 2 + half_w,
        height_px / 2 + half_h,
    )


def resize_film(radiograph: Radiograph, spec: InputSpec) -> NDArray[np.float32]:
    """Bring a film to the network's size, antialiased.

    Bilinear with a support that grows with the reduction (Pillow's ``BILINEAR``), in
    float32: no second rounding to 8 bits.

    Returns
    -------
    float32, shape (height_px, width_px), in [0, 1].

    Raises
    ------
    SpecMismatchError
        The film was read with another recipe than the one the model was trained with.
    UnsupportedImageError
        The film is thinner than one pixel of the network's input allows.
    """
    if radiograph.recipe != str(spec.recipe):
        raise SpecMismatchError(
            Text(
                "The model was trained on films read with the recipe {recipe}, and this "
                "film was read with {read_with}. Read it with the model's recipe.",
                recipe=str(spec.recipe),
                read_with=radiograph.recipe,
            )
        )
    height_px, width_px = radiograph.pixels.shape
    target = (spec.width_px, spec.height_px)
    if (width_px, height_px) == target and spec.shortest_side_px is None:
        return radiograph.pixels
    image = _lend_to_pillow(radiograph.pixels)
    left, top, right, bottom = compute_box(height_px, width_px, spec)
    if spec.resize == "letterbox":
        return _letterbox(image, spec)
    if right - left < 1 or bottom - top < 1:
        raise UnsupportedImageError(
            Text(
                "A film of {width_px}x{height_px} px is too small to be read.",
                width_px=width_px,
                height_px=height_px,
            )
        )
    # Rounding in `left + width` may step outside the film by one ulp, which Pillow refuses.
    box = (max(left, 0.0), max(top, 0.0), min(right, width_px), min(bottom, height_px))
    resized = image.resize(target, Image.Resampling.BILINEAR, box=box)
    return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)


def _lend_to_pillow(pixels: NDArray[np.float32]) -> Image.Image:
    """Show pixels to Pillow without a copy, where ``Image.fromarray`` makes two."""
    height_px, width_px = pixels.shape
    values = np.ascontiguousarray(pixels)
    column = nanoarrow.c_array_from_buffers(nanoarrow.float32(), values.size, [None, values])
    return Image.fromarrow(column, "F", (width_px, height_px))


def _fit_letterbox(height_px: int, width_px: int, spec: InputSpec) -> tuple[int, int, int, int]:
    """Give columns and rows of the film in the input, and the padding left of and above it."""
    scale = min(spec.width_px / width_px, spec.height_px / height_px)
    columns = max(1, min(spec.width_px, round(width_px * scale)))
    rows = max(1, min(spec.height_px, round(height_px * scale)))
    return columns, rows, (spec.width_px - columns) // 2, (spec.height_px - rows) // 2


def _letterbox(image: Image.Image, spec: InputSpec) -> NDArray[np.float32]:
    columns, rows, left, top = _fit_letterbox(image.height, image.width, spec)
    resized = image.resize((columns, rows), Image.Resampling.BILINEAR)
    film = np.zeros((spec.height_px, spec.width_px), dtype=np.float32)
    film[top : top + rows, left : left + columns] = np.clip(np.asarray(resized), 0.0, 1.0)
    return film


def normalize_film(film: NDArray[np.float32], spec: InputSpec) -> NDArray[np.float32]:
    """Turn a resized film into the network's input.

    Parameters
    ----------
    film
        float32, shape (height_px, width_px), in [0, 1].

    Returns
    -------
    float32, shape (1, channels, height_px, width_px), contiguous.
    """
    if spec.normalization == "fixed":
        assert spec.mean is not None  # the spec's own validation
        assert spec.std is not None
        mean = np.asarray(spec.mean, dtype=np.float32)[:, None, None]
        std = np.asarray(spec.std, dtype=np.float32)[:, None, None]
    else:
        # float64 sums: the result does not depend on how NumPy splits the reduction.
        mean = np.full((1, 1, 1), film.mean(dtype=np.float64), dtype=np.float32)
        std = np.full((1, 1, 1), max(film.std(dtype=np.float64), _BLANK_STD), dtype=np.float32)
    planes = np.broadcast_to(film, (spec.channels, *film.shape))
    return np.ascontiguousarray(((planes - mean) / std)[None], dtype=np.float32)


def preprocess(radiograph: Radiograph, spec: InputSpec) -> NDArray[np.float32]:
    """Turn a film into the network's input, as the model's spec says.

    Returns
    -------
    float32, shape (1, channels, height_px, width_px).

    Raises
    ------
    SpecMismatchError, UnsupportedImageError
        See :func:`resize_film`.
    """
    return normalize_film(resize_film(radiograph, spec), spec)
