"""Radiographs made from arrays, without a file behind them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.types import FilmHeader, FilmWarning, Radiograph


def make_radiograph(
    pixels: NDArray[Any],
    *,
    recipe: str = "radiograph_v1",
    source: str | None = None,
    warnings: tuple[FilmWarning, ...] = (),
    **header: Any,
) -> Radiograph:
    """Give a radiograph with these pixels, as :func:`hilum.io.read_radiograph` would."""
    film = np.ascontiguousarray(pixels, dtype=np.float32)
    if film is pixels:
        film = film.copy()
    film.setflags(write=False)
    facts = {"rows": film.shape[0], "columns": film.shape[1], "bits_stored": 16} | header
    return Radiograph(film, "ARRAY", recipe, FilmHeader(**facts), source=source, warnings=warnings)


def draw_noise(height_px: int = 90, width_px: int = 70, *, seed: int = 0) -> NDArray[np.float32]:
    """Draw pixels in [0, 1], each its own."""
    return np.random.default_rng(seed).random((height_px, width_px), dtype=np.float32)
