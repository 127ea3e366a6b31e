from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from factories.journals import make_prediction, make_spec
from hilum.store import Journal, Selection

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def record(journal: Journal, at: datetime, decision: str, latency_ms: float | None = 10) -> int:
    return journal.record(
        make_prediction(decision=decision, warnings=["lossy"] if decision == "normal" else ()),
        spec=make_spec(),
        source="app",
        latency_ms=latency_ms,
        time=at,
    ).id


def fail(journal: Journal, at: datetime, error: Exception) -> None:
    journal.record_failure(error, source="app", latency_ms=900, time=at)


def test_nothing_has_figures_too(journal: Journal) -> None:
    counts = journal.count_outcomes()
    assert (counts.total, counts.error_rate) == (0, None)
    assert not journal.count_by_day()
    assert not journal.measure_latency_by_day()
    assert not journal.list_models()
    assert not journal.count_errors()
    assert not journal.count_feedback()
    assert not journal.count_reasons()
    assert journal.measure_latency().median_ms is None


def test_counts_by_day_name_every_day_between(journal: Journal) -> None:
    for decision in ("normal", "pneumonia", "uncertain", "not assessed"):
        record(journal, NOON, decision)
    fail(journal, NOON + timedelta(days=2), ValueError())
    first, between, last = journal.count_by_day()
    assert [one.day for one in (first, between, last)] == [date(2026, 3, day) for day in (1, 2, 3)]
    assert (first.counts.answered, first.counts.uncertain, first.counts.not_assessed) == (2, 1, 1)
    assert between.counts.total == 0
    assert (last.counts.failed, last.counts.error_rate) == (1, 1.0)
    whole = journal.count_outcomes()
    assert (whole.total, whole.error_rate) == (5, 0.2)
    assert journal.count_outcomes(Selection(until=NOON + timedelta(days=1))).failed == 0


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", {date(2026, 3, 28): 1, date(2026, 3, 29): 3}),
        ("Asia/Seoul", {date(2026, 3, 29): 3, date(2026, 3, 30): 1}),
        # 45 minutes beside the hour; and the night in which clocks go forward.
        ("Asia/Kathmandu", {date(2026, 3, 29): 3, date(2026, 3, 30): 1}),
        ("Europe/Berlin", {date(2026, 3, 29): 3, date(2026, 3, 30): 1}),
    ],
)
def test_days_are_those_of_a_zone(journal: Journal, zone: str, expected: dict[date, int]) -> None:
    for hour, minute, day in ((23, 0, 28), (0, 30, 29), (1, 30, 29), (22, 15, 29)):
        record(journal, datetime(2026, 3, day, hour, minute, tzinfo=UTC), "normal")
    counted = journal.count_by_day(zone=ZoneInfo(zone))
    assert {one.day: one.counts.total for one in counted} == expected
    latencies = journal.measure_latency_by_day(zone=ZoneInfo(zone))
    assert {one.day: one.latency.analyses for one in latencies} == expected


def test_latency_is_that_of_answers(journal: Journal) -> None:
    values = [float(value) for value in range(1, 41)]
    for offset, value in enumerate(values):
        record(journal, NOON + timedelta(days=offset % 2), "normal", value)
    record(journal, NOON, "normal", None)
    fail(journal, NOON, ValueError())
    latency = journal.measure_latency()
    assert latency.analyses == 40
    assert latency.median_ms == pytest.approx(20.5)
    assert latency.p95_ms == pytest.approx(np.quantile(values, 0.95))
    first, second = journal.measure_latency_by_day()
    assert (first.latency.median_ms, second.latency.median_ms) == (20.0, 21.0)


def test_errors_codes_and_models_are_counted_the_most_frequent_first(journal: Journal) -> None:
    for error in (ValueError(), MemoryError(), MemoryError()):
        fail(journal, NOON, error)
    record(journal, NOON, "normal")
    for reasons in (["looks_turned", "looks_foreign"], ["looks_foreign"]):
        journal.record(
            make_prediction(decision="not assessed", reasons=reasons),
            spec=make_spec(),
            source="app",
            latency_ms=1,
        )
    assert list(journal.count_errors().items()) == [("MemoryError", 2), ("ValueError", 1)]
    assert list(journal.count_reasons().items()) == [("looks_foreign", 2), ("looks_turned", 1)]
    assert journal.count_warnings() == {"lossy": 1}
    (use,) = journal.list_models()
    assert (use.model, use.weights_sha256, use.analyses) == (
        "tiny",
        make_spec().weights.sha256,
        3,
    )


def test_feedback_is_counted_by_decision_and_once_an_answer(journal: Journal) -> None:
    first, second, third = (
        record(journal, NOON, decision) for decision in ("normal", "normal", "pneumonia")
    )
    for analysis, verdict in (
        (first, "disagree"),
        (first, "agree"),
        (second, "unsure"),
        (third, "disagree"),
    ):
        journal.add_feedback(analysis, verdict)
    assert journal.count_feedback() == {
        "normal": {"agree": 1, "disagree": 0, "unsure": 1},
        "pneumonia": {"agree": 0, "disagree": 1, "unsure": 0},
    }
    assert journal.count_feedback(Selection(decision="normal", feedback="unsure")) == {
        "normal": {"agree": 0, "disagree": 0, "unsure": 1}
    }
