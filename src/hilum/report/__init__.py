"""Pictures of a prediction: the film with its evidence, and the legend of the colours."""

from __future__ import annotations

from hilum.report.colormaps import COLORMAPS, DEFAULT_SCALE, Colormap, choose_colormap, choose_scale
from hilum.report.legend import draw_legend
from hilum.report.overlay import draw_film, draw_overlay
from hilum.report.panel import draw_panel
from hilum.report.svg import draw_svg

__all__ = [
    "COLORMAPS",
    "DEFAULT_SCALE",
    "Colormap",
    "choose_colormap",
    "choose_scale",
    "draw_film",
    "draw_legend",
    "draw_overlay",
    "draw_panel",
    "draw_svg",
]
