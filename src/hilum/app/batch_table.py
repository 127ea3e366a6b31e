"""The results of a run as tables: for the screen, for a file, and in sum."""

from __future__ import annotations

import base64
import csv
import io
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hilum.app.batch_run import BatchRun, Row
from hilum.app.parts import say
from hilum.language import recall, template

if TYPE_CHECKING:
    import pandas as pd

FAILED = template("failed")
_BINS = 20


def get_outcome(row: Row) -> str:
    """Give a row's decision, or ``"failed"``."""
    return FAILED if row.decision is None else row.decision


def count_outcomes(rows: Sequence[Row]) -> dict[str, int]:
    """Count each outcome, the commonest first."""
    return dict(Counter(get_outcome(row) for row in rows).most_common())


def choose_rows(
    rows: Sequence[Row], outcomes: Sequence[str], name: str, low: float, high: float
) -> list[Row]:
    """Choose rows by outcome, a part of the name, and range of probability.

    A row without a probability is in every range but a narrowed one.
    """
    wanted = name.casefold()

    def fits(row: Row) -> bool:
        if row.probability is None:
            within = low <= 0.0 and high >= 1.0
        else:
            within = low <= row.probability <= high
        return get_outcome(row) in outcomes and wanted in row.name.casefold() and within

    return [row for row in rows if fits(row)]


def say_outcome(outcome: str) -> str:
    """Say a decision, or that there is none, in the visitor's language."""
    return say(recall(outcome))


def make_table(rows: Sequence[Row], *, pictures: bool) -> pd.DataFrame:
    """Make the table for the screen (``pictures``), in the visitor's language, or for a file."""
    import pandas as pd

    columns: dict[str, list[object]] = {}
    if pictures:
        columns["film"] = [_encode_thumbnail(row.thumbnail) for row in rows]
    columns |= {
        "name": [row.name for row in rows],
        "outcome": [_tell(recall(get_outcome(row)), aloud=pictures) for row in rows],
        "probability": [row.probability for row in rows],
        "notes": [", ".join(row.notes) for row in rows],
        "error": [_tell(row.error or "", aloud=pictures) for row in rows],
    }
    if not pictures:
        columns |= {
            "logit": [row.logit for row in rows],
            "threshold": [row.threshold for row in rows],
            "sha256": [row.sha256 for row in rows],
        }
    columns["milliseconds"] = [row.milliseconds for row in rows]
    table = pd.DataFrame(columns)
    for figure in ("probability", "logit", "threshold"):
        if figure in table:
            table[figure] = table[figure].astype("float64")
    return table


def _tell(text: str, *, aloud: bool) -> str:
    """Say a text in the visitor's language, or give its English: files are the same to all."""
    return say(text) if aloud else str(text)


def _encode_thumbnail(thumbnail: bytes | None) -> str:
    if thumbnail is None:
        # A cell without a picture would say "None".
        return "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"
    return f"data:image/jpeg;base64,{base64.b64encode(thumbnail).decode('ascii')}"


def count_probabilities(rows: Sequence[Row]) -> pd.DataFrame:
    """Count films in twenty bins of the probability.

    Returns
    -------
    One line for each bin and decision that has films: ``low`` and ``high``, in [0, 1],
    ``decision`` and ``films``.
    """
    import pandas as pd

    counts = Counter(
        (min(_BINS - 1, int(row.probability * _BINS)), row.decision)
        for row in rows
        if row.probability is not None and row.decision is not None
    )
    lines = [
        (number / _BINS, (number + 1) / _BINS, decision, films)
        for (number, decision), films in sorted(counts.items())
    ]
    return pd.DataFrame(lines, columns=["low", "high", "decision", "films"])


def write_csv(run: BatchRun, rows: Sequence[Row]) -> bytes:
    """Write rows as CSV, UTF-8 with a mark that spreadsheets look for."""
    table = _sign(run, rows)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(table.columns)
    for values in table.astype(object).where(table.notna(), None).itertuples(index=False):
        writer.writerow(["" if value is None else value for value in values])
    return buffer.getvalue().encode("utf-8-sig")


def write_parquet(run: BatchRun, rows: Sequence[Row]) -> bytes:
    """Write rows as Parquet."""
    buffer = io.BytesIO()
    _sign(run, rows).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _sign(run: BatchRun, rows: Sequence[Row]) -> pd.DataFrame:
    """Make the table for a file, with the model that it comes from in each row."""
    table = make_table(rows, pictures=False)
    table["model"] = run.spec.name
    table["model_version"] = run.spec.version
    table["operating_point"] = run.operating_point
    return table
