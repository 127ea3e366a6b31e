"""Where things are in a chest radiograph, and how they come and go, without a network."""

from __future__ import annotations

from hilum.anatomy.levelling import level_region
from hilum.anatomy.lungs import find_lungs
from hilum.anatomy.masks import grow_region, shrink_region
from hilum.anatomy.opacities import PlantedFilm, plant_opacity

__all__ = [
    "PlantedFilm",
    "find_lungs",
    "grow_region",
    "level_region",
    "plant_opacity",
    "shrink_region",
]
