"""All that the viewer says, in one mapping, so that it can be said in another language."""

from __future__ import annotations

from collections.abc import Mapping

VIEWER_WORDS: Mapping[str, str] = {
    "controls": "View",
    "layout": "Layout",
    "side": "Side by side",
    "wipe": "Wipe",
    "overlay": "Evidence only",
    "tool": "Dragging",
    "move": "Move",
    "window": "Window",
    "zoom": "Zoom",
    "zoom_in": "Zoom in",
    "zoom_out": "Zoom out",
    "fit": "Fit",
    "percent": "{value} %",
    "opacity": "Opacity of the evidence",
    "divider": "Divider",
    "outlines": "Outline regions",
    "stage": "Film. Arrow keys move it, plus and minus zoom, 0 fits it.",
    "film": "Film",
    "evidence": "Film with evidence",
    "wipe_title": "Film on the left, with evidence on the right of the line",
    "window_controls": "Window",
    "preset": "Window",
    "as_read": "As read by the model",
    "file_window": "Window {number} of the file",
    "file_lut": "VOI LUT {number} of the file",
    "full_range": "Full range",
    "percentiles": "Percentiles 0.5 to 99.5",
    "dark_areas": "Dark areas (lungs)",
    "bright_areas": "Bright areas (heart, spine)",
    "free": "Free",
    "center": "Centre",
    "width": "Width",
    "in_unit": " ({unit})",
    "invert": "Invert",
    "window_reset": "Reset window",
    "window_note": (
        "Window and inversion change the display only, never the answer: the network reads the "
        "film in its own way."
    ),
    "help": (
        "Wheel or pinch to zoom, drag to move, double click to fit. Drag with the right button, or "
        "choose Window, to set it: to the right wider, up brighter."
    ),
    "regions": "Regions",
    "loading": "The film is coming …",
    "failed": "This browser cannot show the film. Use a current one.",
}
"""English. Words in braces are filled in by the viewer and stay as they are."""
