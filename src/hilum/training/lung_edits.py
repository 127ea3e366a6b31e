"""What is done to the lungs of training films before they are augmented.

A network that is shown whole films and one label each may learn whatever goes with the label:
how children with pneumonia are held, dressed and exposed. So some films show nothing but the
lungs; some show everything but the lungs, and are to be answered with even odds; and into some
films of healthy lungs an opacity is planted, whose place is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.anatomy import find_lungs, grow_region, level_region, plant_opacity
from hilum.training.recipe import AugmentationSection

Plane = NDArray[np.float32]
Kind = Literal["none", "lungs_levelled", "lungs_only", "planted"]

# Of a film; less is no pair of lungs, and such a film is left as it is.
_SMALLEST_SHARE = 0.08
# As fractions of the film's width: by how much the lungs may be outgrown.
_LEVELLED_MARGIN = (0.0, 0.07)
_KEPT_MARGIN = (0.015, 0.11)
_DIAMETERS = (0.1, 0.35)
_DEPTHS = (0.4, 2.0)
# Of its greatest difference after augmentation, what still belongs to an opacity; and how great
# that must be, in greys, for the network to be asked for it.
_EDGE = 0.4
_VISIBLE = 0.08

# Cells along each side of the grid on which a planted opacity's place is told.
REGION_GRID = 14


@dataclass(frozen=True, slots=True)
class Edit:
    """A film and what was done to it."""

    film: Plane
    kind: Kind


class LungEdits:
    """The lungs of training films, found once, and what a recipe asks to do to them."""

    def __init__(self, section: AugmentationSection) -> None:
        self._section = section
        self._lungs: list[NDArray[np.uint8] | None] = []

    @property
    def wanted(self) -> bool:
        """Whether the recipe asks for any edit."""
        section = self._section
        return section.lungs_only + section.lungs_levelled + section.planted > 0

    def add(self, film: Plane) -> None:
        """Find the lungs of the next film."""
        lungs = find_lungs(film)
        share = float(lungs.mean())
        self._lungs.append(np.packbits(lungs) if share >= _SMALLEST_SHARE else None)

    def edit(self, film: Plane, index: int, label: int, rng: np.random.Generator) -> Edit:
        """Change a film as the recipe says, or leave it.

        Parameters
        ----------
        film
            float32, shape (H, W), in [0, 1]: the one of this index, before augmentation.
        """
        packed = self._lungs[index]
        draw, plants = rng.random(), rng.random()
        section = self._section
        if packed is None:
            return Edit(film, "none")
        lungs = np.unpackbits(packed, count=film.size).reshape(film.shape).astype(bool)
        if draw < section.lungs_levelled:
            region = grow_region(lungs, round(rng.uniform(*_LEVELLED_MARGIN) * film.shape[1]))
            return Edit(level_region(film, region), "lungs_levelled")
        if draw < section.lungs_levelled + section.lungs_only:
            region = ~grow_region(lungs, round(rng.uniform(*_KEPT_MARGIN) * film.shape[1]))
            return Edit(level_region(film, region), "lungs_only")
        if label == 0 and plants < section.planted:
            planted = plant_opacity(
                film,
                lungs,
                shape="cloud",
                diameter=float(np.exp(rng.uniform(*np.log(_DIAMETERS)))),
                depth=float(np.exp(rng.uniform(*np.log(_DEPTHS)))),
                rng=rng,
            )
            return Edit(planted.pixels, "planted")
        return Edit(film, "none")


def find_planted(film: Plane, plain: Plane) -> Plane | None:
    """Find where a planted opacity has come to lie, and whether it can be seen.

    Parameters
    ----------
    film, plain
        The film with and without it, both augmented alike.

    Returns
    -------
    float32, shape (REGION_GRID, REGION_GRID): the share of each cell that it covers. ``None``
    where it is too faint or has left the film.
    """
    difference = film - plain
    greatest = float(difference.max())
    if greatest < _VISIBLE:
        return None
    region = Image.fromarray((difference > _EDGE * greatest).astype(np.float32))
    shares: Plane = np.asarray(region.resize((REGION_GRID, REGION_GRID), Image.Resampling.BOX))
    return shares
