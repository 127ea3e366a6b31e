"""Rows of a journal as text for other programs: CSV, or JSON lines."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any, Literal, get_args

from hilum.errors import ConfigError
from hilum.files import replacing
from hilum.store.analysis import Analysis
from hilum.store.selection import EVERYTHING, Selection

if TYPE_CHECKING:
    from hilum.store.journal import Journal

Row = Mapping[str, Any]

ExportFormat = Literal["csv", "jsonl"]
Exported = Literal["analyses", "feedback"]

EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
EXPORTED: tuple[Exported, ...] = get_args(Exported)

# What a spreadsheet takes for the beginning of a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

ANALYSIS_COLUMNS = tuple(Analysis.__dataclass_fields__)
FEEDBACK_COLUMNS = (
    "feedback_id",
    "feedback_time",
    "verdict",
    "last",
    *(name for name in ANALYSIS_COLUMNS if not name.startswith("feedback")),
)


def export_journal(
    journal: Journal,
    path: str | os.PathLike[str],
    *,
    what: Exported = "analyses",
    form: ExportFormat = "csv",
    selection: Selection = EVERYTHING,
) -> int:
    """Write rows of a journal to a file that is there whole or not at all; give their number.

    Parameters
    ----------
    what, form, selection
        See :func:`write_journal`.

    Raises
    ------
    ConfigError
        There is no such form, nothing such to export, or the file cannot be written.
    JournalError
        The journal cannot be read.
    """
    try:
        with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            count = write_journal(journal, file, what=what, form=form, selection=selection)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"{os.fspath(path)} cannot be written: {reason}.") from error
    return count


def write_journal(
    journal: Journal,
    file: IO[str],
    *,
    what: Exported = "analyses",
    form: ExportFormat = "csv",
    selection: Selection = EVERYTHING,
) -> int:
    """Write rows of a journal to an open text file, the oldest first; give their number.

    Rows are read and written page by page, so memory does not grow with the journal.

    Parameters
    ----------
    what
        ``"analyses"``, with the columns :data:`ANALYSIS_COLUMNS`; or ``"feedback"``: all that was
        said, each with its analysis, with the columns :data:`FEEDBACK_COLUMNS`.
    form
        ``"csv"``, with a header; or ``"jsonl"``, one JSON object a line.
    selection
        Which analyses.

    Raises
    ------
    ConfigError
        There is no such form, or nothing such to export.
    JournalError
        The journal cannot be read.
    OSError
        The file cannot be written.
    """
    if form not in EXPORT_FORMATS:
        raise ConfigError(f"The form of an export is one of {', '.join(EXPORT_FORMATS)}.")
    if what not in EXPORTED:
        raise ConfigError(f"What can be exported is {' or '.join(EXPORTED)}.")
    rows: Iterator[Row]
    if what == "feedback":
        columns, rows = FEEDBACK_COLUMNS, _list_feedback(journal, selection)
    else:
        columns = ANALYSIS_COLUMNS
        rows = (analysis.to_dict() for analysis in journal.iterate(selection))
    writer = csv.writer(file)
    if form == "csv":
        writer.writerow(columns)
    count = 0
    for row in rows:
        count += 1
        if form == "csv":
            writer.writerow([_write_cell(row[name]) for name in columns])
        else:
            line = json.dumps({name: row[name] for name in columns}, allow_nan=False)
            file.write(f"{line}\n")
    return count


def _list_feedback(journal: Journal, selection: Selection) -> Iterator[Row]:
    for feedback, analysis in journal.iterate_feedback(selection):
        told = {
            "feedback_id": feedback.id,
            "feedback_time": feedback.time.isoformat(),
            "verdict": feedback.verdict,
            "last": (feedback.time, feedback.verdict)
            == (analysis.feedback_time, analysis.feedback),
        }
        yield analysis.to_dict() | told


def _write_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return ";".join(value)
    text = str(value)
    # A spec's version or label may be any text.
    inert = isinstance(value, str) and text.startswith(_FORMULA_STARTS)
    return f"'{text}" if inert else text
