"""All that the viewer says, in one mapping, so that it can be said in each language."""

from __future__ import annotations

from collections.abc import Mapping

from hilum.app.parts import say
from hilum.language import Text

VIEWER_WORDS: Mapping[str, Text] = {
    "controls": Text("Display"),
    "layout": Text("Layout"),
    "side": Text("Side by side"),
    "wipe": Text("Wipe"),
    "overlay": Text("Evidence only"),
    "tool": Text("Dragging"),
    "move": Text("Move"),
    "window": Text("Window"),
    "zoom": Text("Zoom"),
    "zoom_in": Text("Zoom in"),
    "zoom_out": Text("Zoom out"),
    "fit": Text("Fit"),
    "percent": Text("{value} %", value="{value}"),
    "opacity": Text("Opacity of the evidence"),
    "divider": Text("Divider"),
    "outlines": Text("Outline regions"),
    "stage": Text("Film. Arrow keys move it, plus and minus zoom, 0 fits it."),
    "film": Text("Film"),
    "evidence": Text("Film with evidence"),
    "wipe_title": Text("Film on the left, with evidence on the right of the line"),
    "window_controls": Text("Window"),
    "preset": Text("Window"),
    "as_read": Text("As read by the model"),
    "file_window": Text("Window {number} of the file", number="{number}"),
    "file_lut": Text("VOI LUT {number} of the file", number="{number}"),
    "full_range": Text("Full range"),
    "percentiles": Text("Percentiles 0.5 to 99.5"),
    "dark_areas": Text("Dark areas (lungs)"),
    "bright_areas": Text("Bright areas (heart, spine)"),
    "free": Text("Free"),
    "center": Text("Centre"),
    "width": Text("Width"),
    "in_unit": Text(" ({unit})", unit="{unit}"),
    "invert": Text("Invert"),
    "window_reset": Text("Reset window"),
    "window_note": Text(
        "Window and inversion change the display only, never the answer: the network "
        "reads the film in its own way."
    ),
    "help": Text(
        "Wheel or pinch to zoom, drag to move, double click to fit. Drag with the right "
        "button, or choose Window, to set it: to the right wider, up brighter."
    ),
    "regions": Text("Regions"),
    "loading": Text("The film is coming …"),
    "failed": Text("This browser cannot show the film. Use a current one."),
}
"""Words in braces are filled in by the viewer: as parameters they stand for themselves."""


def say_viewer_words() -> dict[str, str]:
    """Give all of them in the visitor's language."""
    return {name: say(words) for name, words in VIEWER_WORDS.items()}
