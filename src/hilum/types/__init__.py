"""What flows between the rooms: a radiograph, and what a network said of it."""

from __future__ import annotations

from hilum.types.display import DisplayFilm, GreyTable, SuggestedWindow
from hilum.types.explanation import EVIDENCE_SCALE, SPREAD_SCALE, Explanation, Region
from hilum.types.film import FilmHeader, FilmWarning, Format, Radiograph
from hilum.types.prediction import NOT_ASSESSED, UNCERTAIN, Prediction, Spread, SpreadOver

__all__ = [
    "EVIDENCE_SCALE",
    "NOT_ASSESSED",
    "SPREAD_SCALE",
    "UNCERTAIN",
    "DisplayFilm",
    "Explanation",
    "FilmHeader",
    "FilmWarning",
    "Format",
    "GreyTable",
    "Prediction",
    "Radiograph",
    "Region",
    "Spread",
    "SpreadOver",
    "SuggestedWindow",
]
