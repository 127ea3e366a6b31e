"""Which maps deserve belief: measured on films where the answer is known."""

from __future__ import annotations

from hilum.faithfulness.fidelity import Fidelity, measure_fidelity, summarise_fidelity
from hilum.faithfulness.films import LabelledFilm
from hilum.faithfulness.findings import Findings, measure_faithfulness
from hilum.faithfulness.localisation import Found, Located, locate_planted, summarise_located
from hilum.faithfulness.markers import Markers, measure_markers
from hilum.faithfulness.shortcuts import Shortcuts, measure_shortcuts
from hilum.faithfulness.stability import Stability, measure_stability

__all__ = [
    "Fidelity",
    "Findings",
    "Found",
    "LabelledFilm",
    "Located",
    "Markers",
    "Shortcuts",
    "Stability",
    "locate_planted",
    "measure_faithfulness",
    "measure_fidelity",
    "measure_markers",
    "measure_shortcuts",
    "measure_stability",
    "summarise_fidelity",
    "summarise_located",
]
