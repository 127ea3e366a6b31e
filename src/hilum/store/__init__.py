"""The journal of analyses: what was asked, answered, how quickly, and what readers said of it.

It keeps figures and codes: no identity, no pixels, no file names. Whoever does not open one
keeps none.
"""

from __future__ import annotations

from hilum.errors import MissingExtraError
from hilum.language import Text

try:
    import platformdirs as _platformdirs  # noqa: F401
    import sqlalchemy as _sqlalchemy  # noqa: F401
except ImportError as error:
    raise MissingExtraError("store", Text("keep a journal of analyses")) from error

from hilum.store.analysis import OUTCOMES, VERDICTS, Analysis, Feedback, Outcome, Verdict
from hilum.store.connect import find_default_path
from hilum.store.export import (
    ANALYSIS_COLUMNS,
    EXPORT_FORMATS,
    EXPORTED,
    FEEDBACK_COLUMNS,
    Exported,
    ExportFormat,
    export_journal,
    write_journal,
)
from hilum.store.figures import DayCounts, DayLatency, Latency, ModelUse, OutcomeCounts
from hilum.store.journal import Journal, open_journal
from hilum.store.scores import ScoreComparison, ScoreHistogram
from hilum.store.selection import EVERYTHING, Selection
from hilum.store.wording import describe_drift

__all__ = [
    "ANALYSIS_COLUMNS",
    "EVERYTHING",
    "EXPORTED",
    "EXPORT_FORMATS",
    "FEEDBACK_COLUMNS",
    "OUTCOMES",
    "VERDICTS",
    "Analysis",
    "DayCounts",
    "DayLatency",
    "ExportFormat",
    "Exported",
    "Feedback",
    "Journal",
    "Latency",
    "ModelUse",
    "Outcome",
    "OutcomeCounts",
    "ScoreComparison",
    "ScoreHistogram",
    "Selection",
    "Verdict",
    "describe_drift",
    "export_journal",
    "find_default_path",
    "open_journal",
    "write_journal",
]
