"""Blurring, sampling and bending of films, many at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Planes = NDArray[np.float32]

# Films that are worked on at a time: what they take should stay near the processor.
BATCH = 64


def iterate_batches(count: int) -> Iterator[slice]:
    """Cut ``range(count)`` into slices of :data:`BATCH`."""
    for start in range(0, count, BATCH):
        yield slice(start, start + BATCH)


def blur(planes: Planes, sigma: float) -> Planes:
    """Blur with a Gaussian of ``sigma`` cells; the border is no edge to it.

    Parameters
    ----------
    planes
        Shape (..., H, W).
    """
    down, across = (_make_kernel(size, sigma) for size in planes.shape[-2:])
    blurred: Planes = (down @ planes @ across.T).astype(np.float32)
    return blurred


def _make_kernel(size: int, sigma: float) -> Planes:
    distance = np.arange(size, dtype=np.float32)[:, None] - np.arange(size, dtype=np.float32)
    weights = np.exp(-0.5 * (distance / np.float32(sigma)) ** 2)
    kernel: Planes = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return kernel


def take_band(planes: Planes, fine: float, coarse: float) -> Planes:
    """Give the detail between two blurs; ``fine`` 0 is none."""
    return (planes if fine == 0 else blur(planes, fine)) - blur(planes, coarse)


def sample(planes: Planes, rows: Planes, columns: Planes) -> Planes:
    """Read planes at fractional places, bilinearly; beyond the border the border goes on.

    Parameters
    ----------
    planes
        Shape (N, H, W).
    rows, columns
        Shape (N, h, w), in cells; 0 is the centre of the first.
    """
    count, height, width = planes.shape
    rows = np.clip(rows, 0, height - 1.001)
    columns = np.clip(columns, 0, width - 1.001)
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    below, beside = (rows - top).astype(np.float32), (columns - left).astype(np.float32)
    first = (np.arange(count, dtype=np.int32) * (height * width))[:, None, None]
    place = first + top * width + left
    flat = np.ascontiguousarray(planes).ravel()
    upper = flat[place] * (1 - beside) + flat[place + 1] * beside
    lower = flat[place + width] * (1 - beside) + flat[place + width + 1] * beside
    sampled: Planes = upper * (1 - below) + lower * below
    return sampled


def bend(planes: Planes, field: Planes) -> Planes:
    """Read each plane where a field of displacements points to.

    Parameters
    ----------
    planes
        Shape (N, H, W).
    field
        Shape (N, 2, H, W): down and across, in cells.
    """
    height, width = planes.shape[1:]
    rows = np.arange(height, dtype=np.float32)[:, None] + field[:, 0]
    columns = np.arange(width, dtype=np.float32) + field[:, 1]
    return sample(planes, rows, columns)


def invert_field(field: Planes) -> Planes:
    """Give the field that undoes another, by fixed-point iteration.

    Parameters
    ----------
    field
        Shape (2, H, W), in cells.
    """
    inverse = -field
    for _ in range(20):
        inverse = -bend(field, np.broadcast_to(inverse, (2, *inverse.shape)))
    return inverse


def resize(plane: Planes, height: int, width: int) -> Planes:
    """Resize a plane: averaged where it shrinks, by cubic curves where it grows."""
    shrinks = height < plane.shape[0]
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(image.resize((width, height), method), dtype=np.float32)


def enlarge_field(field: Planes, side: int) -> Planes:
    """Give a field of shape (2, h, h) on a grid of ``side`` cells, in its cells."""
    factor = np.float32(side / field.shape[-1])
    return np.stack([resize(one, side, side) for one in field]) * factor
