"""What the pixels around a hole suggest for it: noisy linear imputation (Rong 2022).

Each missing pixel is the weighted mean of its eight neighbours, missing or not, of which those
beside it count twice those across the corner. That is a large linear system; it is solved by
relaxation, from a start that coarser copies of the film give.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

_BESIDE, _ACROSS = 1.0 / 6.0, 1.0 / 12.0
_SWEEPS = 60
# As in the paper: without it the smoothness of a filled hole would tell that it is one.
_NOISE = 0.01


def impute(film: Plane, missing: Mask, rng: np.random.Generator) -> Plane:
    """Fill the missing pixels of a film.

    Parameters
    ----------
    film
        float32, shape (H, W), in [0, 1].
    missing
        Shape (H, W). Where all are missing the film's mean stands for them.

    Returns
    -------
    float32, shape (H, W), in [0, 1]; pixels that are not missing are as they were.
    """
    if not missing.any():
        return film
    known = (~missing).astype(np.float32)
    filled = solve_means(film * known + film.mean() * (1.0 - known), missing)
    noise = rng.standard_normal(film.shape, dtype=np.float32) * np.float32(_NOISE)
    return np.where(missing, np.clip(filled + noise, 0.0, 1.0), film)


def solve_means(film: Plane, missing: Mask) -> Plane:
    """Make each missing pixel the weighted mean of its neighbours, to about 0.01 on average.

    Pixels beyond the border do not count: the weights of the others make up for them.
    """
    height, width = film.shape
    if min(height, width) >= 8 and not missing.all():
        coarse, still_missing = _halve(film, missing)
        coarse = solve_means(coarse, still_missing) if still_missing.any() else coarse
        start = _double(coarse, film.shape)
        film = np.where(missing, start, film)
    weights = _add_neighbours(np.ones_like(film))
    for _ in range(_SWEEPS):
        film = np.where(missing, _add_neighbours(film) / weights, film)
    return film


def _halve(film: Plane, missing: Mask) -> tuple[Plane, Mask]:
    """Give the mean of the known pixels of each 2x2, and where there is none."""
    rows, columns = -(-film.shape[0] // 2), -(-film.shape[1] // 2)
    pad = ((0, 2 * rows - film.shape[0]), (0, 2 * columns - film.shape[1]))
    known = np.pad((~missing).astype(np.float32), pad)
    values = np.pad(film, pad) * known
    blocks = (rows, 2, columns, 2)
    count = known.reshape(blocks).sum(axis=(1, 3))
    total = values.reshape(blocks).sum(axis=(1, 3))
    mean = float(total.sum() / max(float(count.sum()), 1.0))
    filled = np.where(count > 0, total / np.maximum(count, 1.0), np.float32(mean))
    return filled.astype(np.float32), count == 0


def _double(film: Plane, shape: tuple[int, ...]) -> Plane:
    doubled = np.repeat(np.repeat(film, 2, axis=0), 2, axis=1)
    return doubled[: shape[0], : shape[1]]


def _add_neighbours(film: Plane) -> Plane:
    """Give the weighted sum of each pixel's neighbours; nothing stands beyond the border."""
    padded = np.pad(film, 1)
    beside = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    across = padded[:-2, :-2] + padded[:-2, 2:] + padded[2:, :-2] + padded[2:, 2:]
    summed: Plane = np.float32(_BESIDE) * beside + np.float32(_ACROSS) * across
    return summed
