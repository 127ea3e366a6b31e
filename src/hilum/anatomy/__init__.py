"""Where things are in a chest radiograph, and how they come and go, without a network."""

from __future__ import annotations

from hilum.anatomy.levelling import level_region
from hilum.anatomy.lungs import find_lungs
from hilum.anatomy.markers import find_markers
from hilum.anatomy.masks import grow_region, label_parts, shrink_region
from hilum.anatomy.opacities import PlantedFilm, plant_opacity

__all__ = [
    "PlantedFilm",
    "find_lungs",
    "find_markers",
    "grow_region",
    "label_parts",
    "level_region",
    "plant_opacity",
    "shrink_region",
]
