"""Names for places in a film: thirds of the lungs, and the patient's right and left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.anatomy import find_lungs
from hilum.language import Text

if TYPE_CHECKING:
    from hilum.explain.surface import Surface
    from hilum.types import FilmHeader, Radiograph

Mask = NDArray[np.bool_]
Plane = NDArray[np.float32]
Places = NDArray[np.floating[Any]]
Box = tuple[float, float, float, float]

# Below this size lungs are not looked for.
_SMALLEST_FILM_PX = 32
# A third or a side is named where this share of a region's evidence lies there.
_NAMED_SHARE = 0.25
# With less of its area in the lungs than this, a region lies outside of them.
_TOUCHED_SHARE = 0.05
# From one third to another, in the lungs and on the map.
_LUNG_ZONES: Mapping[tuple[int, int], Text] = {
    (0, 0): Text("upper zone"),
    (1, 1): Text("mid zone"),
    (2, 2): Text("lower zone"),
    (0, 1): Text("upper and mid zones"),
    (1, 2): Text("mid and lower zones"),
    (0, 2): Text("upper to lower zones"),
}
_MAP_THIRDS: Mapping[tuple[int, int], Text] = {
    (0, 0): Text("upper third"),
    (1, 1): Text("mid third"),
    (2, 2): Text("lower third"),
    (0, 1): Text("upper and mid thirds"),
    (1, 2): Text("mid and lower thirds"),
    (0, 2): Text("upper to lower thirds"),
}


@dataclass(frozen=True, slots=True)
class Turn:
    """How a film has to be turned to show an upright patient from the front.

    transpose, flip_rows, flip_columns
        Applied in this order.
    sides_known
        Whether the header says which side is the patient's right.
    frontal
        Whether lungs may be looked for: the header does not say that the film shows the patient
        from the side.
    """

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False
    sides_known: bool = False
    frontal: bool = True

    def turn_film(self, pixels: Plane) -> Plane:
        """Give the film upright."""
        upright = pixels.T if self.transpose else pixels
        upright = upright[::-1] if self.flip_rows else upright
        return upright[:, ::-1] if self.flip_columns else upright

    def turn_places(self, x: Places, y: Places, size: tuple[int, int]) -> tuple[Places, Places]:
        """Give where places of the film lie across and down in the upright one of ``size``."""
        across, down = (y, x) if self.transpose else (x, y)
        return (
            size[0] - across if self.flip_columns else across,
            size[1] - down if self.flip_rows else down,
        )


def read_turn(header: FilmHeader) -> Turn:
    """Read PatientOrientation (0020,0020), PS3.3 C.7.6.1.1.1.

    Reading a film does not turn it by this element, so it holds for the film's pixels. Where it
    is absent, or says nothing of head and side, the film is taken as upright.
    """
    if header.patient_orientation is None:
        return Turn()
    # The first letter is the main direction, along a row and down a column.
    along, down = (direction[0] for direction in header.patient_orientation)
    if along in "LR" and down in "HF":
        return Turn(False, down == "H", along == "R", sides_known=True)
    if along in "HF" and down in "LR":
        return Turn(True, along == "H", down == "R", sides_known=True)
    if along in "AP" and down in "HF":
        return Turn(flip_rows=down == "H", frontal=False)
    return Turn()


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """Where each sample of a surface lies.

    third
        0, 1, 2 are upper, mid and lower; -1 is above and 3 is below the lungs.
    left_half
        Whether it lies on the left of the upright film, which is the patient's right.
    lungs
        Whether it lies in the lungs; ``None`` where they were not found.
    on_film
        Whether it lies on the film and not in the padding around it.
    sides_known
        Whether the header says which side is the patient's right.
    """

    third: NDArray[np.intp]
    left_half: Mask
    lungs: Mask | None
    on_film: Mask
    sides_known: bool

    def name(self, region: Mask, weights: Plane) -> Text:
        """Name where a region lies, in words that begin in lower case.

        Parameters
        ----------
        region
            Of the surface's shape, not empty.
        weights
            Evidence of each sample, above zero within the region.
        """
        if self.on_film[region].mean() < 0.5:
            return Text("outside of the film, in the padding")
        evidence = weights[region] / weights[region].sum(dtype=np.float64)
        third = self.third[region]
        above, *within, below = (float(evidence[third == number].sum()) for number in range(-1, 4))
        side = self._name_side(float(evidence[self.left_half[region]].sum()))
        if self.lungs is None:
            thirds = _name_thirds(within, _MAP_THIRDS)
            return Text("{zone} of the map, {side}", zone=thirds, side=side)
        inside = float(self.lungs[region].mean())
        if inside >= 0.5:
            return Text("{zone}, {side}", zone=_name_thirds(within, _LUNG_ZONES), side=side)
        if max(above, below) > 0.5:
            level = Text("above them") if above > below else Text("below them")
        else:
            level = Text("level with their {zone}", zone=_name_thirds(within, _LUNG_ZONES))
        if inside >= _TOUCHED_SHARE:
            return Text("mostly outside of the lungs, {level}, {side}", level=level, side=side)
        return Text("outside of the lungs, {level}, {side}", level=level, side=side)

    def _name_side(self, left: float) -> Text:
        if min(left, 1.0 - left) >= _NAMED_SHARE:
            return Text("both sides")
        if self.sides_known:
            return Text("patient's right") if left > 0.5 else Text("patient's left")
        return Text("image left") if left > 0.5 else Text("image right")


def find_zones(surface: Surface, radiograph: Radiograph | None) -> Zones:
    """Find the zones of a surface's samples.

    Thirds are those of the lungs' height where lungs are found, and otherwise of what the map
    covers of the film; the sides meet in the middle of the same. Without a film the map is taken
    as upright, and all of it as film.
    """
    rows, columns = surface.values.shape
    x, y = np.meshgrid(*surface.locate(np.arange(rows) + 0.0, np.arange(columns) + 0.0))
    if radiograph is None:
        on_film = np.ones(surface.values.shape, dtype=bool)
        return _divide(x, y, surface.box, None, on_film, sides_known=False)
    turn = read_turn(radiograph.header)
    upright = turn.turn_film(radiograph.pixels)
    height, width = upright.shape
    across, down = turn.turn_places(x, y, (width, height))
    on_film = (across >= 0) & (across < width) & (down >= 0) & (down < height)
    lungs = None
    if turn.frontal and min(upright.shape) >= _SMALLEST_FILM_PX:
        lungs = find_lungs(upright)
    if lungs is None or not lungs.any():
        covered = (
            max(float(across.min()), 0.0),
            max(float(down.min()), 0.0),
            min(float(across.max()), width),
            min(float(down.max()), height),
        )
        return _divide(across, down, covered, None, on_film, sides_known=turn.sides_known)
    places = np.clip(down.astype(int), 0, height - 1), np.clip(across.astype(int), 0, width - 1)
    return _divide(
        across,
        down,
        _bound_lungs(lungs),
        lungs[places] & on_film,
        on_film,
        sides_known=turn.sides_known,
    )


def _divide(
    across: Places,
    down: Places,
    bounds: Box,
    lungs: Mask | None,
    on_film: Mask,
    *,
    sides_known: bool,
) -> Zones:
    left, top, right, bottom = bounds
    third = np.clip(np.floor(3.0 * (down - top) / (bottom - top)), -1, 3).astype(np.intp)
    if lungs is None:
        third = np.clip(third, 0, 2)
    return Zones(third, across < (left + right) / 2, lungs, on_film, sides_known)


def _bound_lungs(lungs: Mask) -> Box:
    """Give the box around the lungs of an upright film."""
    rows, columns = np.flatnonzero(lungs.any(axis=1)), np.flatnonzero(lungs.any(axis=0))
    left, right = float(columns[0]), float(columns[-1] + 1)
    width = lungs.shape[1]
    if left >= width // 2 or right <= width // 2:
        # One lung alone says nothing of the midline; that of the film has to do.
        left, right = 0.0, float(width)
    return (left, float(rows[0]), right, float(rows[-1] + 1))


def _name_thirds(shares: list[float], names: Mapping[tuple[int, int], Text]) -> Text:
    """Name the thirds that hold much of a region: ``upper zone``, ``mid and lower zones``."""
    total = sum(shares)
    named = [number for number, share in enumerate(shares) if share >= _NAMED_SHARE * total]
    # What holds less may lie between two that are named.
    return names[named[0], named[-1]]
