"""A map between the centres of its cells: what pictures, contours and regions all look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hilum.types import Explanation

# About so many samples along a side; the map is smooth, and more would add nothing to see.
_SIDE = 192


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A map, sampled evenly over its box and at the centre of every cell.

    values
        float32, shape (rows, columns).
    box
        ``(left, top, right, bottom)`` in px of the film, as ``Explanation.box``.
    """

    values: NDArray[np.float32]
    box: tuple[float, float, float, float]

    def locate(
        self, rows: NDArray[np.floating], columns: NDArray[np.floating]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give x and y in px of the film of places that are counted in samples.

        A sample's centre lies half a sample from its edge, so sample 0 is not at the box's
        edge; places beyond the box are moved to it.
        """
        left, top, right, bottom = self.box
        high, wide = self.values.shape
        x = left + np.clip((columns + 0.5) / wide, 0.0, 1.0) * (right - left)
        y = top + np.clip((rows + 0.5) / high, 0.0, 1.0) * (bottom - top)
        return x, y


def sample_surface(explanation: Explanation) -> Surface:
    """Sample a map so finely that lines between samples look smooth.

    Each cell has an odd number of samples a side, so its own value is among them and the
    greatest sample is the greatest cell.
    """
    rows, columns = (cells * _count_samples(cells) for cells in explanation.values.shape)
    part = (0.0, 0.0, float(explanation.values.shape[1]), float(explanation.values.shape[0]))
    return Surface(interpolate_map(explanation.values, (columns, rows), part), explanation.box)


def interpolate_map(
    values: NDArray[np.float32], size: tuple[int, int], part: tuple[float, float, float, float]
) -> NDArray[np.float32]:
    """Interpolate a part of the map smoothly and never beyond the cells around.

    The bicubic of picture libraries swings below zero beside a strong cell and would show
    evidence of the other sign where there is none. This one (cubic Hermite with level
    tangents) meets every cell's value at its centre and stays between neighbours.

    Parameters
    ----------
    values
        float32, shape (h, w).
    size
        Samples across and down.
    part
        ``(left, top, right, bottom)`` in cells of the map.
    """
    rows, columns = values.shape
    down = _weigh_cells(rows, part[1], part[3], size[1])
    across = _weigh_cells(columns, part[0], part[2], size[0])
    return np.asarray(down @ values @ across.T, dtype=np.float32)


def _count_samples(cells: int) -> int:
    """Give how many samples a cell has along one side: an odd number."""
    most = max(1, _SIDE // cells)
    return most if most % 2 else most - 1


def _weigh_cells(cells: int, start: float, end: float, samples: int) -> NDArray[np.float32]:
    """Give the weight of each cell for samples between two places, shape (samples, cells)."""
    places = start + (np.arange(samples) + 0.5) * (end - start) / samples
    # In units of cells, counted from the centre of the first; level beyond the outer centres.
    places = np.clip(places - 0.5, 0.0, cells - 1.0)
    share = np.clip(1.0 - np.abs(places[:, None] - np.arange(cells)), 0.0, 1.0)
    return (share * share * (3.0 - 2.0 * share)).astype(np.float32)
