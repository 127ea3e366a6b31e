"""Pictures of a prediction: film and evidence, the legend of the colours, a PDF of one page."""

from __future__ import annotations

from hilum.report.colormaps import COLORMAPS, DEFAULT_SCALE, Colormap, choose_colormap, choose_scale
from hilum.report.legend import draw_legend
from hilum.report.overlay import draw_film, draw_overlay
from hilum.report.panel import draw_panel
from hilum.report.pdf import draw_pdf, write_pdf
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
    "draw_pdf",
    "draw_svg",
    "write_pdf",
]
