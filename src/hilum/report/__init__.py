"""Pictures of a prediction: the film with its evidence, and the legend of the colours."""

from __future__ import annotations

from hilum.report.colormaps import COLORMAPS, DEFAULT_SCALE, Colormap
from hilum.report.legend import draw_legend
from hilum.report.overlay import draw_film, draw_overlay

__all__ = ["COLORMAPS", "DEFAULT_SCALE", "Colormap", "draw_film", "draw_legend", "draw_overlay"]
