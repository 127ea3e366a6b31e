"""Figures of many analyses: how many a day, how quick, what failed, what readers said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import BigInteger, Connection, func, select, type_coerce

from hilum.store.analysis import OUTCOMES, VERDICTS, Outcome, Verdict
from hilum.store.selection import Selection, find_last
from hilum.store.tables import analyses, feedback

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

# Every zone of the world is off by a whole number of these, so that days of any zone can be
# put together from counts of the database.
_SLOT_US = 15 * 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class OutcomeCounts:
    """How many analyses ended how."""

    answered: int = 0
    uncertain: int = 0
    not_assessed: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.answered + self.uncertain + self.not_assessed + self.failed

    @property
    def error_rate(self) -> float | None:
        """Share that failed, in [0, 1]; ``None`` where there are none at all."""
        return self.failed / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class DayCounts:
    """How many analyses of a day ended how."""

    day: date
    counts: OutcomeCounts


@dataclass(frozen=True, slots=True)
class Latency:
    """How long analyses took, from the film's bytes to the answer; failed ones are left out.

    median_ms, p95_ms
        ``None`` where there are none.
    """

    analyses: int
    median_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class DayLatency:
    """How long the analyses of a day took."""

    day: date
    latency: Latency


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model that the journal knows, and how many analyses are its."""

    model: str
    version: str
    weights_sha256: str
    analyses: int


def count_outcomes(connection: Connection, selection: Selection) -> OutcomeCounts:
    """Count the analyses by outcome."""
    query = select(analyses.c.outcome, func.count()).group_by(analyses.c.outcome)
    rows = connection.execute(query.where(*selection.list_conditions()))
    return _fold({row[0]: row[1] for row in rows})


def count_by_day(connection: Connection, selection: Selection, zone: tzinfo) -> list[DayCounts]:
    """Count the analyses of each day by outcome, from the first day to the last one."""
    slot = _get_microseconds() // _SLOT_US
    query = (
        select(slot.label("slot"), analyses.c.outcome, func.count())
        .where(*selection.list_conditions())
        .group_by("slot", analyses.c.outcome)
    )
    days: dict[date, Counter[Outcome]] = {}
    for number, outcome, count in connection.execute(query):
        day = _get_day(number * _SLOT_US, zone)
        days.setdefault(day, Counter())[outcome] += count
    return [DayCounts(day, _fold(days.get(day, Counter()))) for day in _fill(days)]


def measure_latency(connection: Connection, selection: Selection) -> Latency:
    """Measure how long analyses took that did not fail."""
    return _summarise([latency for _, latency in _read_latencies(connection, selection)])


def measure_latency_by_day(
    connection: Connection, selection: Selection, zone: tzinfo
) -> list[DayLatency]:
    """Measure each day by itself; a day without analyses is left out."""
    rows = (
        (_get_day(slot * _SLOT_US, zone), latency)
        for slot, latency in _read_latencies(connection, selection)
    )
    days: dict[date, list[float]] = {}
    for day, group in groupby(rows, key=lambda row: row[0]):
        days.setdefault(day, []).extend(latency for _, latency in group)
    return [DayLatency(day, _summarise(days[day])) for day in sorted(days)]


def count_errors(connection: Connection, selection: Selection) -> dict[str, int]:
    """Count the analyses that failed by the class of the error, the most frequent first."""
    return _count(connection, selection, analyses.c.error)


def count_codes(
    connection: Connection, selection: Selection, column: ColumnElement[Any]
) -> dict[str, int]:
    """Count the analyses that carry a code, the most frequent first."""
    query = select(column, func.count()).group_by(column).where(*selection.list_conditions())
    counts: Counter[str] = Counter()
    for codes, count in connection.execute(query):
        for code in codes:
            counts[code] += count
    return _sort(counts)


def count_feedback(connection: Connection, selection: Selection) -> dict[str, dict[Verdict, int]]:
    """Count what was said last of each answer, by the decision that it was said of."""
    last = find_last(feedback.c.verdict).label("verdict")
    inner = select(analyses.c.decision, last).where(*selection.list_conditions()).subquery()
    query = (
        select(inner.c.decision, inner.c.verdict, func.count())
        .where(inner.c.verdict.is_not(None), inner.c.decision.is_not(None))
        .group_by(inner.c.decision, inner.c.verdict)
    )
    counts: dict[str, dict[Verdict, int]] = {}
    for decision, verdict, count in connection.execute(query.order_by(inner.c.decision)):
        counts.setdefault(decision, dict.fromkeys(VERDICTS, 0))[verdict] = count
    return counts


def list_models(connection: Connection, selection: Selection) -> list[ModelUse]:
    """List the models that were asked, the one asked most first."""
    columns = (analyses.c.model, analyses.c.model_version, analyses.c.weights_sha256)
    query = (
        select(*columns, func.count().label("uses"))
        .where(analyses.c.model.is_not(None), *selection.list_conditions())
        .group_by(*columns)
        .order_by(func.count().desc(), *columns)
    )
    return [ModelUse(*row) for row in connection.execute(query)]


def _count(
    connection: Connection, selection: Selection, column: ColumnElement[Any]
) -> dict[str, int]:
    query = select(column, func.count()).group_by(column)
    rows = connection.execute(query.where(column.is_not(None), *selection.list_conditions()))
    return _sort(Counter({row[0]: row[1] for row in rows}))


def _sort(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _fold(counts: dict[Outcome, int] | Counter[Outcome]) -> OutcomeCounts:
    return OutcomeCounts(*(counts.get(outcome, 0) for outcome in OUTCOMES))


def _get_microseconds() -> ColumnElement[int]:
    return type_coerce(analyses.c.time, BigInteger)


def _get_day(time_us: int, zone: tzinfo) -> date:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).astimezone(zone).date()


def _fill(days: Iterable[date]) -> list[date]:
    """Give all days from the first to the last."""
    known = sorted(days)
    if not known:
        return []
    length = (known[-1] - known[0]).days + 1
    return [known[0] + timedelta(days=offset) for offset in range(length)]


def _read_latencies(connection: Connection, selection: Selection) -> list[tuple[int, float]]:
    """Give the slot and the latency of each analysis that did not fail."""
    query = select((_get_microseconds() // _SLOT_US).label("slot"), analyses.c.latency_ms).where(
        analyses.c.latency_ms.is_not(None),
        analyses.c.outcome != "failed",
        *selection.list_conditions(),
    )
    return [(slot, latency) for slot, latency in connection.execute(query.order_by("slot"))]


def _summarise(latencies: list[float]) -> Latency:
    if not latencies:
        return Latency(0, None, None)
    median, p95 = np.quantile(latencies, [0.5, 0.95])
    return Latency(len(latencies), float(median), float(p95))
