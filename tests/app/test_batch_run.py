"""A run over many films: what comes of each, how it ends, and what it leaves behind."""

from __future__ import annotations

import gc
import io
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from hilum.app.batch_run import BatchRun, Row
from hilum.app.batch_table import (
    choose_rows,
    count_outcomes,
    count_probabilities,
    make_table,
    write_csv,
    write_parquet,
)
from hilum.app.records import Recorder
from hilum.app.session import Engine
from hilum.app.tray import Entry, Tray
from hilum.predictor import load_model

PATIENCE_S = 120.0
NOTHING_KEPT = Recorder(None, lambda _: None)


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Iterator[Engine]:
    engine = Engine(load_model(tiny_model, threads=1))
    yield engine
    engine.close()


def lay(films: dict[str, bytes]) -> list[Entry]:
    tray = Tray()
    for name, data in reversed(films.items()):
        tray.add(name, data)
    return tray.list_entries()


@pytest.fixture
def ended(engine: Engine, small_film: bytes) -> BatchRun:
    films = {f"{number}.png": small_film for number in range(6)}
    films |= {"bad.png": small_film[:200], "=1+1": b""}
    run = BatchRun(engine, lay(films), "youden", gate=False, recorder=NOTHING_KEPT)
    assert run.wait(PATIENCE_S).state == "done"
    return run


def test_each_film_has_its_row_in_order(ended: BatchRun, engine: Engine, small_film: bytes) -> None:
    rows = ended.list_rows()
    assert [row.name for row in rows] == [
        *(f"{number}.png" for number in range(6)),
        "bad.png",
        "=1+1",
    ]
    progress = ended.get_progress()
    assert (progress.done, progress.failed, progress.whole) == (8, 2, 8)
    assert progress.seconds_left is None
    alone = engine.analyze(engine.read(lay({"a": small_film})[0].open()))
    for row in rows[:6]:
        assert row.logit == alone.logit
        assert row.sha256 == alone.radiograph.sha256
        assert row.thumbnail is not None
        assert row.error is None
    for row in rows[6:]:
        assert row.decision is None
        assert row.probability is None
        assert row.error


def test_a_cancelled_run_begins_no_other_film(engine: Engine, small_film: bytes) -> None:
    films = lay({f"{number}": small_film for number in range(400)})
    last = films[-1]._drop
    assert last is not None
    kept = weakref.ref(last)
    run = BatchRun(engine, films, "youden", gate=True, recorder=NOTHING_KEPT)
    del films, last
    run.cancel()
    progress = run.wait(PATIENCE_S)
    assert progress.state == "cancelled"
    assert progress.done < 400
    assert len(run.list_rows()) == progress.done
    gc.collect()
    assert kept() is None, "a cancelled run lets go of its films"


def test_a_run_ends_with_the_visit(engine: Engine, small_film: bytes) -> None:
    before = threading.active_count()
    run = BatchRun(
        engine,
        lay({f"{i}": small_film for i in range(2000)}),
        "youden",
        gate=True,
        recorder=NOTHING_KEPT,
    )
    assert run.get_progress().state == "running"
    assert threading.active_count() > before
    del run
    gc.collect()
    deadline = time.monotonic() + PATIENCE_S
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_an_unforeseen_error_ends_one_film(
    engine: Engine,
    small_film: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    read = Engine.read

    def fail(self: Engine, film: object) -> object:
        if film.name == "1":  # type: ignore[attr-defined]  # a Film
            raise RuntimeError("patient name")
        return read(self, film)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "read", fail)
    caplog.set_level("ERROR")
    run = BatchRun(
        engine, lay({"0": small_film, "1": small_film}), "youden", gate=False, recorder=NOTHING_KEPT
    )
    assert run.wait(PATIENCE_S).failed == 1
    assert run.list_rows()[1].error == "An unexpected RuntimeError."
    assert "RuntimeError" in caplog.text
    assert "patient name" not in caplog.text.replace('RuntimeError("patient name")', "")


def test_tables_hold_what_rows_hold(ended: BatchRun) -> None:
    rows = ended.list_rows()
    from_csv = pd.read_csv(io.BytesIO(write_csv(ended, rows)))
    from_parquet = pd.read_parquet(io.BytesIO(write_parquet(ended, rows)))
    assert list(from_csv.columns) == list(from_parquet.columns)
    assert list(from_parquet["name"]) == [row.name for row in rows]
    assert from_parquet["probability"].tolist()[:6] == [row.probability for row in rows[:6]]
    assert from_csv["probability"].isna().sum() == 2
    assert set(from_csv["model"]) == {"tiny"}
    shown = make_table(rows, pictures=True)
    assert shown["film"].tolist()[0].startswith("data:image/jpeg;base64,")
    assert shown["film"].str.startswith("data:image/svg").sum() == 2  # an empty picture


def test_rows_are_chosen_and_counted() -> None:
    rows = [
        Row("A/one.png", 1.0, decision="normal", probability=0.0),
        Row("a/two.png", 1.0, decision="pneumonia", probability=1.0),
        Row("b/three.png", 1.0, decision="uncertain", probability=0.31),
        Row("b/four.png", 1.0, decision="not assessed"),
        Row("b/five.png", 1.0, error="damaged"),
    ]
    outcomes = list(count_outcomes(rows))
    assert outcomes == ["normal", "pneumonia", "uncertain", "not assessed", "failed"]
    assert choose_rows(rows, outcomes, "", 0.0, 1.0) == rows
    assert choose_rows(rows, outcomes, "A/", 0.0, 1.0) == rows[:2]
    assert choose_rows(rows, outcomes, "", 0.3, 1.0) == rows[1:3]
    assert choose_rows(rows, ["failed"], "", 0.0, 1.0) == rows[4:]
    counts = count_probabilities(rows)
    assert counts["films"].sum() == 3
    assert counts.loc[counts["decision"] == "uncertain", "low"].item() == pytest.approx(0.3)
    assert counts.loc[counts["decision"] == "pneumonia", "high"].item() == pytest.approx(1.0)
