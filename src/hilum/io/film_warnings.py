"""The warnings a film can carry: one table of codes and of what each one says."""

from __future__ import annotations

from hilum.language import Text
from hilum.types import FilmWarning

WARNINGS: dict[str, Text] = {
    # What the film shows.
    "lateral_view": Text("The header calls this a lateral view; the models know frontal films."),
    "view_unknown": Text(
        "The header does not say how the film was taken; a frontal view is assumed."
    ),
    "not_chest": Text("The header names a body part other than the chest."),
    "orientation_unusual": Text(
        "The header says that the film is mirrored or not upright; it was not turned."
    ),
    "modality_unexpected": Text("The header's modality is not one of projection radiography."),
    "unusual_sop_class": Text("The object is of a kind that rarely holds a chest radiograph."),
    "burned_in_annotation": Text("The header says that text is burned into the film."),
    "blank": Text("All pixels of the film have the same value."),
    # How it was stored.
    "for_processing": Text(
        "The object holds detector values meant for processing, not the film as presented."
    ),
    "lossy": Text("The film was compressed with loss."),
    "color_converted": Text("The file is in colour; its luminance was taken."),
    "transparency_flattened": Text("Transparent parts of the picture were laid on black."),
    "low_depth": Text("The file has fewer than 8 bits a pixel."),
    "depth_reduced": Text("The file has 16 bits a colour; 8 of them were read."),
    "depth_assumed": Text(
        "The file declares 16 bits but uses 14 or fewer; it was read at that depth."
    ),
    # How it was turned into pixels.
    "no_window": Text(
        "The header holds no window; black and white were set at percentiles of the film."
    ),
    "window_ignored": Text("The header's window cannot be used and was ignored."),
    "rescale_ignored": Text(
        "The header's rescale slope or intercept cannot be used and was ignored."
    ),
    "presentation_conflict": Text(
        "PresentationLUTShape and PhotometricInterpretation disagree; the latter was followed."
    ),
    "recipe_forced": Text(
        "The recipe has no meaning for this film and was applied because forced."
    ),
    "window_saturates": Text("The window drives a large part of the film to black or white."),
}
"""Every warning code and its message, one line a code.

``docs/reading-films.md`` tells when each one is given; a test holds the two together.
"""


def make_warning(code: str) -> FilmWarning:
    """Give the warning of that code."""
    return FilmWarning(code, WARNINGS[code])
