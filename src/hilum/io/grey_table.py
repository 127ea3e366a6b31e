"""Tables from stored values to grey, and the windows that they amount to."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.types import DisplayFilm, GreyTable


def make_table(
    kind: Literal["recipe", "window", "lut"],
    name: str | None,
    modality: NDArray[np.float64],
    grey: NDArray[np.float32],
) -> GreyTable:
    """Give a table with the window that comes nearest to it.

    That is the range of modality values that are neither black nor white; of a table of black and
    white alone, the whole range.
    """
    between = modality[(grey > 0.0) & (grey < 1.0)]
    ends = between if between.size > 1 else modality
    low, high = float(ends.min()), float(ends.max())
    return GreyTable(kind, name, (low + high) / 2.0, high - low, grey)


def display_grey(
    values: NDArray[Any], grey: NDArray[np.float32], *, invert: bool = False
) -> DisplayFilm:
    """Give the display of a picture whose stored values are its modality values.

    Parameters
    ----------
    values
        uint8 or uint16, shape (H, W).
    grey
        Of each value.
    """
    modality = np.arange(len(grey), dtype=np.float64)
    table = make_table("recipe", None, modality, grey)
    return DisplayFilm(
        np.ascontiguousarray(values, dtype=np.uint16), modality, (table,), invert=invert
    )
