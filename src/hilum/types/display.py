"""A film as it is stored, with the ways to show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

DisplayUnit = Literal["HU", "OD"]
WindowName = Literal["full_range", "percentiles", "dark_areas", "bright_areas"]


@dataclass(frozen=True, slots=True, eq=False)
class GreyTable:
    """One way from stored values to grey.

    kind
        ``"recipe"``: as read for a model; ``"window"`` and ``"lut"``: a further view of the file.
    name
        What the file calls it; ``None`` where it does not.
    center, width
        The window, in modality units; of a table that is none, the range in which it is neither
        black nor white.
    grey
        float32, shape (n,), in [0, 1]: of each value of :attr:`DisplayFilm.values`; bright is
        dense.
    """

    kind: Literal["recipe", "window", "lut"]
    name: str | None
    center: float
    width: float
    grey: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SuggestedWindow:
    """A window that fits the film: linear, ``center`` and ``width`` in modality units."""

    name: WindowName
    center: float
    width: float


@dataclass(frozen=True, slots=True, eq=False)
class DisplayFilm:
    """A film in the depth in which it is stored, to be windowed by a viewer.

    Whatever is shown of it, an answer is made of :attr:`hilum.types.Radiograph.pixels` alone.

    values
        uint16, shape (H, W), read-only, each below ``n`` and in the order of the file's stored
        values, counted from the least that they can be; turned as the film is.
    modality
        float64, shape (n,): what each value is in modality units, by the Modality LUT or the
        rescale.
    tables
        Ways to show it. The first is the recipe's: ``tables[0].grey[values]`` equals
        ``Radiograph.pixels``.
    unit
        Of modality values, where the file says one that has a meaning; ``None`` is arbitrary.
    invert
        Greater values are darker (MONOCHROME1, WhiteIsZero).
    padding
        First and last of the values that are the surround and not the film, shown black; ``None``
        where there are none.
    """

    values: NDArray[np.uint16]
    modality: NDArray[np.float64]
    tables: tuple[GreyTable, ...]
    unit: DisplayUnit | None = None
    invert: bool = False
    padding: tuple[int, int] | None = None
