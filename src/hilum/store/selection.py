"""Which analyses of a journal are meant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, select

from hilum.errors import ConfigError
from hilum.store.analysis import OUTCOMES, Analysis, Outcome, Verdict, check_time, check_verdict
from hilum.store.tables import analyses, feedback

_COLUMNS = tuple(column for column in analyses.c)


@dataclass(frozen=True, slots=True)
class Selection:
    """Analyses that have all that is named; what is ``None`` may be anything.

    since, until
        From this time on, and before that one. They have a zone.
    model, version, weights_sha256
        Of the model that was asked. Weights tell models of one name apart.
    source
        ``"app"``, ``"cli"`` …
    outcome, decision
        See :class:`~hilum.store.Analysis`.
    feedback
        What was said last of the answer.
    film_sha256
        One film.

    Raises
    ------
    ConfigError
        A time has no zone; there is no such outcome or verdict.
    """

    since: datetime | None = None
    until: datetime | None = None
    model: str | None = None
    version: str | None = None
    weights_sha256: str | None = None
    source: str | None = None
    outcome: Outcome | None = None
    decision: str | None = None
    feedback: Verdict | None = None
    film_sha256: str | None = None

    def __post_init__(self) -> None:
        for time in (self.since, self.until):
            if time is not None:
                check_time(time)
        if self.outcome is not None and self.outcome not in OUTCOMES:
            raise ConfigError(f"An outcome is one of {', '.join(OUTCOMES)}.")
        if self.feedback is not None:
            check_verdict(self.feedback)

    def list_conditions(self) -> list[ColumnElement[bool]]:
        """Give what an analysis must be, for a query."""
        wanted: list[ColumnElement[bool]] = []
        if self.since is not None:
            wanted.append(analyses.c.time >= self.since)
        if self.until is not None:
            wanted.append(analyses.c.time < self.until)
        for column, value in (
            (analyses.c.model, self.model),
            (analyses.c.model_version, self.version),
            (analyses.c.weights_sha256, self.weights_sha256),
            (analyses.c.source, self.source),
            (analyses.c.outcome, self.outcome),
            (analyses.c.decision, self.decision),
            (analyses.c.film_sha256, self.film_sha256),
            (find_last(feedback.c.verdict), self.feedback),
        ):
            if value is not None:
                wanted.append(column == value)
        return wanted


EVERYTHING = Selection()


def find_last(column: ColumnElement[Any]) -> ScalarSelect[Any]:
    """Give a column of the last feedback on an analysis."""
    return (
        select(column)
        .where(feedback.c.analysis_id == analyses.c.id)
        .order_by(feedback.c.id.desc())
        .limit(1)
        .correlate(analyses)
        .scalar_subquery()
    )


def select_analyses(selection: Selection) -> Select[Any]:
    """Query analyses with what was said last of each, in the order of :class:`Analysis`."""
    columns = {column.key: column for column in _COLUMNS} | {
        "feedback": find_last(feedback.c.verdict),
        "feedback_time": find_last(feedback.c.time),
    }
    chosen = [columns[name].label(name) for name in Analysis.__dataclass_fields__]
    return select(*chosen).where(*selection.list_conditions())
