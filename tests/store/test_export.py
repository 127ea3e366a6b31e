from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from factories.journals import make_prediction, make_spec
from hilum.errors import ConfigError
from hilum.store import (
    ANALYSIS_COLUMNS,
    FEEDBACK_COLUMNS,
    Journal,
    Selection,
    export_journal,
    write_journal,
)


@pytest.fixture
def filled(journal: Journal) -> Journal:
    for number in range(3):
        journal.record(
            make_prediction(float(number), film=number, warnings=["lossy", "burnt_in"]),
            spec=make_spec(),
            source="app",
            latency_ms=1.25,
        )
    journal.record_failure(ValueError("words"), source="cli", latency_ms=None)
    first = journal.list_analyses()[-1].id
    for verdict in ("agree", "disagree"):
        journal.add_feedback(first, verdict)
    return journal


def test_csv_and_json_lines_say_the_same(filled: Journal, tmp_path: Path) -> None:
    assert export_journal(filled, tmp_path / "a.csv") == 4
    assert export_journal(filled, tmp_path / "a.jsonl", form="jsonl") == 4
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    lines = (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert records == [one.to_dict() for one in filled.iterate()]
    assert tuple(table[0]) == ANALYSIS_COLUMNS == tuple(records[0])
    for row, told in zip(table, records, strict=True):
        assert int(row["id"]) == told["id"]
        assert row["time"] == told["time"]
        assert row["warnings"] == ";".join(told["warnings"])
        assert (float(row["logit"]) if row["logit"] else None) == told["logit"]
        assert (row["error"] or None) == told["error"]
    assert [row["feedback"] for row in table] == ["disagree", "", "", ""]


def test_feedback_comes_with_its_analysis(filled: Journal, tmp_path: Path) -> None:
    assert export_journal(filled, tmp_path / "f.csv", what="feedback") == 2
    with (tmp_path / "f.csv").open(newline="", encoding="utf-8") as file:
        first, last = csv.DictReader(file)
    assert tuple(first) == FEEDBACK_COLUMNS
    assert (first["verdict"], first["last"]) == ("agree", "false")
    assert (last["verdict"], last["last"]) == ("disagree", "true")
    assert first["id"] == last["id"]
    assert first["decision"] == "pneumonia"
    file_like = io.StringIO()
    none = write_journal(filled, file_like, what="feedback", selection=Selection(source="cli"))
    assert none == 0
    assert file_like.getvalue().count("\n") == 1


def test_a_label_is_no_formula_for_a_spreadsheet(journal: Journal) -> None:
    spec = make_spec().model_copy(update={"version": "=cmd|' /C calc'!A0"})
    journal.record(
        make_prediction(-2.0, model_version=spec.version), spec=spec, source="app", latency_ms=1
    )
    file = io.StringIO(newline="")
    write_journal(journal, file)
    (row,) = csv.DictReader(io.StringIO(file.getvalue(), newline=""))
    assert row["model_version"] == "'=cmd|' /C calc'!A0"
    assert row["logit"] == "-2.0"


@pytest.mark.parametrize("rows", [20, 23])
def test_more_rows_than_a_page_are_all_written(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr("hilum.store.journal._PAGE", 10)
    for _ in range(rows):
        analysis = journal.record_failure(ValueError(), source="app", latency_ms=1)
        journal.add_feedback(analysis.id, "unsure")
    for what in ("analyses", "feedback"):
        path = tmp_path / f"{what}.jsonl"
        assert export_journal(journal, path, what=what, form="jsonl") == rows
        ids = [json.loads(line)["id"] for line in path.read_text().splitlines()]
        assert ids == sorted(set(ids))
        assert len(ids) == rows


def test_a_file_is_whole_or_as_it_was(filled: Journal, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("before")
    for wrong in ({"form": "xml"}, {"what": "films"}):
        with pytest.raises(ConfigError):
            export_journal(filled, path, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="cannot be written"):
        export_journal(filled, tmp_path / "none" / "a.csv")
    assert [file.read_text() for file in tmp_path.glob("a.*")] == ["before"]
