"""Which maps deserve belief: measured on films where the answer is known."""

from __future__ import annotations

from hilum.faithfulness.films import LabelledFilm
from hilum.faithfulness.localisation import Found, Located, locate_planted, summarise
from hilum.faithfulness.shortcuts import Shortcuts, measure_shortcuts

__all__ = [
    "Found",
    "LabelledFilm",
    "Located",
    "Shortcuts",
    "locate_planted",
    "measure_shortcuts",
    "summarise",
]
