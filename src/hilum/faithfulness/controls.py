"""Maps that know nothing of the network: what they reach is what a measure gives for free."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilum.faithfulness.films import enlarge

Plane = NDArray[np.float32]

CONTROLS = ("random", "edges")


def draw_controls(film: Plane, grid: tuple[int, int], rng: np.random.Generator) -> dict[str, Plane]:
    """Draw each of :data:`CONTROLS`, at the film's size.

    Parameters
    ----------
    grid
        Height and width of the network's map, in cells: the noise is as coarse.
    """
    noise = rng.standard_normal(grid, dtype=np.float32)
    return {"random": enlarge(noise, film.shape), "edges": find_edges(film)}


def find_edges(film: Plane) -> Plane:
    """Give the length of the film's gradient: a map that looks like the film and knows nothing."""
    down, across = np.gradient(film)
    length: Plane = np.hypot(down, across).astype(np.float32)
    return length
