from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories.journals import make_prediction, make_spec
from hilum.errors import ConfigError, HilumError, SpecMismatchError, UnreadableImageError
from hilum.store import Analysis, Journal, Selection, open_journal
from hilum.types import FilmWarning

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def record(
    journal: Journal, *, at: datetime | None = None, latency_ms: float = 20.0, **facts: object
) -> Analysis:
    return journal.record(
        make_prediction(**facts),  # type: ignore[arg-type]
        spec=make_spec(),
        source="app",
        latency_ms=latency_ms,
        time=at,
    )


def test_what_was_recorded_is_read_again_as_it_was(journal: Journal) -> None:
    before = datetime.now(UTC)
    told = record(
        journal, logit=-0.1 + 0.2, reasons=["gate_a"], warnings=["lossy", "lossy", "burnt_in"]
    )
    assert before <= told.time <= datetime.now(UTC)
    assert journal.get(told.id) == told
    assert told.logit == -0.1 + 0.2
    assert (told.reasons, told.warnings) == (("gate_a",), ("lossy", "burnt_in"))
    assert (told.outcome, told.decision, told.side) == ("answered", "pneumonia", "pneumonia")
    assert (told.film_sha256, told.film_format) == (f"{0:064x}", "DICOM")
    assert told.weights_sha256 == make_spec().weights.sha256
    assert json.loads(json.dumps(told.to_dict()))["time"] == told.time.isoformat()


def test_outcomes_follow_from_decisions(journal: Journal) -> None:
    for decision, outcome in (
        ("normal", "answered"),
        ("uncertain", "uncertain"),
        ("not assessed", "not assessed"),
    ):
        assert record(journal, decision=decision).outcome == outcome
    refused = journal.list_analyses(Selection(outcome="not assessed"))[0]
    assert (refused.probability, refused.side) == (None, None)
    assert refused.logit == 1.5


def test_a_failure_keeps_the_class_of_the_error_and_no_word_of_it(
    journal: Journal, place: str
) -> None:
    error = UnreadableImageError("KIM MIN-JI 1931.dcm is truncated")
    told = journal.record_failure(
        error, source="cli", latency_ms=None, spec=make_spec(), film_sha256="a" * 64
    )
    assert journal.get(told.id) == told
    assert (told.outcome, told.error) == ("failed", "UnreadableImageError")
    assert (told.decision, told.logit, told.film_format) == (None, None, None)
    early = journal.record_failure(MemoryError(), source="cli", latency_ms=1)
    assert (early.model, early.error) == (None, "MemoryError")


def test_no_name_header_or_pixel_of_a_film_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with open_journal(path) as journal:
        prediction = make_prediction(warnings=["lossy"])
        journal.record(prediction, spec=make_spec(), source="app", latency_ms=3)
        journal.record_failure(ValueError("KIM MIN-JI"), source="app", latency_ms=3)
        assert prediction.source == "ward 3/KIM MIN-JI 1931.dcm"
        kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"lossy" in kept
    for secret in (b"KIM", b"MIN-JI", b"ward", b"1931", b".dcm", b"About"):
        assert secret not in kept


def test_the_last_feedback_counts_and_all_of_it_is_kept(journal: Journal) -> None:
    told = record(journal)
    other = record(journal)
    assert journal.get(told.id).feedback is None
    said = [
        journal.add_feedback(told.id, verdict, time=NOON + timedelta(minutes=minute))
        for minute, verdict in ((5, "agree"), (3, "unsure"), (9, "disagree"))
    ]
    now = journal.get(told.id)
    assert (now.feedback, now.feedback_time) == ("disagree", NOON + timedelta(minutes=9))
    assert journal.list_feedback(told.id) == said
    assert journal.list_feedback(other.id) == []
    assert [one.id for one in journal.list_analyses(Selection(feedback="disagree"))] == [told.id]
    assert journal.count(Selection(feedback="agree")) == 0


def test_feedback_needs_a_verdict_and_an_analysis(journal: Journal) -> None:
    told = record(journal)
    with pytest.raises(ConfigError, match="agree, disagree, unsure"):
        journal.add_feedback(told.id, "maybe")
    for unknown in (told.id + 1, 0, -1, 2**63, 2**80):
        with pytest.raises(ConfigError, match=f"no analysis {unknown}"):
            journal.add_feedback(unknown, "agree")
        with pytest.raises(ConfigError, match=f"no analysis {unknown}"):
            journal.get(unknown)
    assert journal.list_feedback(told.id) == []


def test_pages_are_the_newest_first_and_stay_when_others_are_recorded(journal: Journal) -> None:
    ids = [record(journal, logit=float(number)).id for number in range(7)]
    first = journal.list_analyses(limit=3)
    assert [one.id for one in first] == ids[:3:-1]
    record(journal)
    second = journal.list_analyses(limit=3, before=first[-1].id)
    assert [one.id for one in second] == ids[3:0:-1]
    assert [one.id for one in journal.list_analyses(limit=2, offset=1)] == ids[:4:-1]
    assert journal.list_analyses(limit=0) == []
    assert journal.count() == 8
    with pytest.raises(ConfigError):
        journal.list_analyses(limit=-1)


def test_selections_name_what_an_analysis_has(journal: Journal) -> None:
    seoul = timezone(timedelta(hours=9))
    old = record(journal, at=NOON, film=1, decision="normal")
    new = record(journal, at=NOON + timedelta(hours=1), film=2)
    failed = journal.record_failure(ValueError(), source="cli", latency_ms=1, time=NOON)
    spec = make_spec()
    for selection, expected in (
        (Selection(), [failed, new, old]),
        (Selection(since=NOON + timedelta(seconds=1)), [new]),
        (Selection(since=datetime(2026, 3, 1, 22, tzinfo=seoul)), [new]),
        (Selection(until=NOON + timedelta(hours=1)), [failed, old]),
        (Selection(source="cli"), [failed]),
        (Selection(decision="normal"), [old]),
        (Selection(film_sha256=f"{2:064x}"), [new]),
        (Selection(model=spec.name, version=spec.version, outcome="answered"), [new, old]),
        (Selection(weights_sha256="0" * 64), []),
        (Selection(model="' OR 1=1 --"), []),
    ):
        assert journal.list_analyses(selection) == expected
        assert journal.count(selection) == len(expected)
        assert list(journal.iterate(selection)) == sorted(expected, key=lambda one: one.id)
    bad: list[dict[str, Any]] = [
        {"since": datetime(2026, 3, 1)},
        {"outcome": "good"},
        {"feedback": "no"},
    ]
    for wrong in bad:
        with pytest.raises(ConfigError):
            Selection(**wrong)


def test_what_cannot_be_kept_is_refused(journal: Journal) -> None:
    prediction, spec = make_prediction(), make_spec()
    bad: list[dict[str, Any]] = [
        {"source": "KIM MIN-JI"},
        {"source": "app; DROP TABLE"},
        {"latency_ms": float("nan")},
        {"latency_ms": -1.0},
        {"time": datetime(2026, 1, 1)},
    ]
    for wrong in bad:
        arguments: dict[str, Any] = {"source": "app", "latency_ms": 1.0} | wrong
        with pytest.raises(ConfigError):
            journal.record(prediction, spec=spec, **arguments)
    bad = [{"film_sha256": "scan of Kim.dcm"}, {"film_format": "KIM"}]
    for wrong in bad:
        with pytest.raises(ConfigError):
            journal.record_failure(ValueError(), source="app", latency_ms=1, **wrong)
    with pytest.raises(SpecMismatchError, match="spec of its own model"):
        journal.record(
            dataclasses.replace(prediction, model_version="9"),
            spec=spec,
            source="app",
            latency_ms=1,
        )
    told = dataclasses.replace(prediction, warnings=(FilmWarning("of Kim; Min-Ji", ""),))
    with pytest.raises(ConfigError, match="code"):
        journal.record(told, spec=spec, source="app", latency_ms=1)
    assert journal.count() == 0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    return open_journal(tmp_path_factory.mktemp("shared") / "journal.sqlite")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(st.characters(categories=None), min_size=1, max_size=300))
def test_any_text_of_a_spec_is_kept_as_text(shared: Journal, text: str) -> None:
    """A spec is someone's file: zero bytes, lone surrogates, quotes, a novel."""
    spec = make_spec().model_copy(update={"version": text})
    told = shared.record(
        make_prediction(model_version=text, side=text, operating_point=text),
        spec=spec,
        source="app",
        latency_ms=1,
    )
    assert shared.get(told.id) == told
    assert told.model_version is not None
    assert len(told.model_version) <= 200
    if text.isascii() and "\0" not in text:
        assert told.model_version == text[:200]
    assert shared.count(Selection(version=told.model_version, source="app")) >= 1


def test_hostile_texts_are_kept_in_either_database(journal: Journal) -> None:
    for text in ("x\0y", "\ud800", "'; DROP TABLE hilum_analyses; --", "%s {0} :p", "폐렴 🫁"):
        spec = make_spec().model_copy(update={"version": text})
        told = journal.record(
            make_prediction(model_version=text, decision=text),
            spec=spec,
            source="app",
            latency_ms=1,
        )
        assert journal.get(told.id) == told
    assert journal.get(told.id).decision == "폐렴 🫁"
    assert journal.count() == 5


def test_retention_removes_what_is_older_and_what_was_said_of_it(journal: Journal) -> None:
    old = record(journal, at=NOON - timedelta(days=31))
    kept = record(journal, at=NOON - timedelta(days=29))
    for one in (old, kept):
        journal.add_feedback(one.id, "agree")
    assert journal.purge(older_than_days=30, now=NOON) == 1
    assert [one.id for one in journal.iterate()] == [kept.id]
    assert journal.list_feedback(old.id) == []
    assert len(journal.list_feedback(kept.id)) == 1
    assert journal.purge(older_than_days=30, now=NOON) == 0
    for wrong in (-1, float("nan"), float("inf"), 1e12):
        with pytest.raises(ConfigError):
            journal.purge(older_than_days=wrong)
    assert journal.purge(older_than_days=0) == 1
    # Feedback that is given late must not land on another film.
    assert record(journal).id > kept.id


def test_what_was_removed_is_not_in_the_file_either(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with open_journal(path) as journal:
        for number in range(300):
            record(journal, film=0xABCDEF000 + number, at=NOON)
        assert journal.purge(older_than_days=1) == 300
        kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"abcdef0" not in kept


def test_threads_share_a_journal(journal: Journal) -> None:
    faults: list[HilumError] = []

    def write() -> None:
        try:
            for _ in range(20):
                journal.add_feedback(record(journal).id, "agree")
        except HilumError as error:
            faults.append(error)

    threads = [Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert journal.count(Selection(feedback="agree")) == journal.count() == 80


def test_a_journal_that_was_closed_can_be_closed_again(place: str) -> None:
    journal = open_journal(place)
    told = record(journal)
    journal.close()
    journal.close()
    with open_journal(place, create=False) as again:
        assert again.get(told.id) == told
