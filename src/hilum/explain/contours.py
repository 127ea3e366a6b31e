"""Lines along which a map has one value, by marching squares (Lorensen & Cline 1987, in 2-D)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hilum.errors import ConfigError
from hilum.explain.surface import sample_surface

if TYPE_CHECKING:
    from hilum.types import Explanation

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """One line.

    level
        Value of the map along it, in the map's unit; below zero it bounds evidence against the
        target.
    points
        float64, shape (n, 2): x and y in px of the film.
    closed
        Whether it returns to its beginning; otherwise it ends at the border of the map.
    """

    level: float
    points: Points
    closed: bool


def trace_contours(
    explanation: Explanation, levels: Iterable[float], *, against: bool | None = None
) -> list[Contour]:
    """Trace a map at stated levels.

    Lines bound the same smooth surface that the overlay shows and
    :meth:`hilum.types.Explanation.regions` cuts.

    Parameters
    ----------
    levels
        Absolute, in the map's unit and above zero.
    against
        Whether lines are traced at the negative of each level too; ``None``: of signed maps.

    Raises
    ------
    ConfigError
        A level is not a number above zero.
    """
    check_levels(levels := tuple(levels))
    signs = (1.0, -1.0) if (explanation.signed if against is None else against) else (1.0,)
    surface = sample_surface(explanation)
    # Beyond the outer samples the surface is level: one more ring takes lines to the very edge.
    ringed = np.pad(surface.values, 1, mode="edge")
    contours = []
    for sign in signs:
        for level in levels:
            for line, closed in trace_plane(sign * ringed, level):
                x, y = surface.locate(line[:, 0] - 1.0, line[:, 1] - 1.0)
                contours.append(Contour(sign * level, np.stack([x, y], axis=1), closed))
    return contours


def check_levels(levels: Iterable[float]) -> None:
    """Refuse levels that are not numbers above zero.

    Raises
    ------
    ConfigError
        There is one.
    """
    for level in levels:
        if not (np.isfinite(level) and level > 0.0):
            raise ConfigError(
                f"A level must be a number above zero, in the map's unit, not {level:g}."
            )


def trace_plane(plane: NDArray[np.float32], level: float) -> list[tuple[Points, bool]]:
    """Trace the border of what lies above a level.

    Where two places above the level touch at a corner alone, they stay apart, as in
    :func:`hilum.anatomy.label_parts`.

    Returns
    -------
    For each line its places as (row, column), float64, shape (n, 2), and whether it is closed.
    """
    following = _link_crossings(plane > level)
    lines = []
    # Lines that begin at the border first: what is left then are rings.
    begins = following.keys() - set(following.values())
    for start in [*sorted(begins), *following]:
        if start not in following:
            continue
        line = [start]
        while line[-1] in following:
            line.append(following.pop(line[-1]))
        lines.append((_place_crossings(plane, level, line), line[0] == line[-1]))
    return lines


def _list_steps(case: int) -> list[tuple[int, int]]:
    """Give the sides of a square that lines join, from the corners that lie above the level.

    Corners and sides are counted clockwise from the upper left: side ``k`` lies between corner
    ``k`` and the next. Each run of corners above is cut off by one line, from the side at its
    end to the side before its beginning, so lines of neighbouring squares run on.
    """
    above = [bool(case & 1 << corner) for corner in range(4)]
    steps = []
    for first in range(4):
        if not above[first] or above[first - 1]:
            continue
        last = first
        while above[(last + 1) % 4]:
            last = (last + 1) % 4
        steps.append((last, (first - 1) % 4))
    return steps


_STEPS = {case: _list_steps(case) for case in range(1, 15)}


def _link_crossings(above: NDArray[np.bool_]) -> dict[int, int]:
    """Say for each crossing of a side which one follows.

    A crossing's number is twice that of the upper or left end of its side, and one more where
    the side runs down.
    """
    columns = above.shape[1]
    cases = above[:-1, :-1] + 2 * above[:-1, 1:] + 4 * above[1:, 1:] + 8 * above[1:, :-1]
    # Of the upper, right, lower and left side of the square whose upper left corner is 0.
    sides = (0, 3, 2 * columns, 1)
    following: dict[int, int] = {}
    for case, steps in _STEPS.items():
        rows, places = np.nonzero(cases == case)
        corners = 2 * (rows * columns + places)
        for start, end in steps:
            following.update(
                zip((corners + sides[start]).tolist(), (corners + sides[end]).tolist(), strict=True)
            )
    return following


def _place_crossings(plane: NDArray[np.float32], level: float, line: list[int]) -> Points:
    """Give (row, column) of crossings, by the values at both ends of their sides."""
    numbers = np.asarray(line)
    rows, columns = np.divmod(numbers // 2, plane.shape[1])
    downs = numbers % 2
    first = plane[rows, columns].astype(np.float64)
    second = plane[rows + downs, columns + 1 - downs].astype(np.float64)
    share = (level - first) / (second - first)
    return np.stack([rows + share * downs, columns + share * (1 - downs)], axis=1)
