"""``hilum journal``, and the journal that ``hilum analyze`` keeps."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from factories.journals import make_prediction
from factories.networks import write_tiny_network
from hilum.cli import build_app
from hilum.data.phantom import draw_phantom
from hilum.models.zoo import DEFAULT_MODEL, resolve_model
from hilum.store import open_journal

NOW = datetime.now(UTC)

Run = Callable[..., Result]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def run(place: Path) -> Run:
    """Run a command on the journal of the test; without one, no person's own is touched."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(build_app(), arguments, env={"HILUM_JOURNAL": str(place)})

    return run


@pytest.fixture
def filled(place: Path) -> Path:
    """Forty films of the shipped model, as on validation; one that failed; an old one."""
    spec, _ = resolve_model(DEFAULT_MODEL)
    rng = np.random.default_rng(0)
    with open_journal(place) as journal:
        for number in range(41):
            journal.record(
                make_prediction(
                    float(rng.normal(6, 2)),
                    film=number,
                    model=spec.name,
                    model_version=spec.version,
                ),
                spec=spec,
                source="app",
                latency_ms=20 + number,
                time=NOW - timedelta(days=400 if number == 0 else number % 2),
            )
        journal.record_failure(ValueError("KIM"), source="app", latency_ms=3)
        journal.add_feedback(2, "disagree")
    return place


def test_show_lists_the_newest_first(filled: Path, run: Run) -> None:
    shown = run("journal", "show", "--limit", "3")
    assert shown.exit_code == 0, shown.output
    assert [line.split()[0] for line in shown.stdout.splitlines()[1:4]] == ["42", "41", "40"]
    assert "ValueError" in shown.stdout.splitlines()[1]
    assert "3 of 42 analyses" in shown.stdout
    lines = run("journal", "show", "--format", "jsonl", "--feedback", "disagree").stdout
    assert [json.loads(line)["id"] for line in lines.splitlines()] == [2]
    assert "1 of 1 " in run("journal", "show", "--outcome", "failed").stdout
    assert "0 of 0 " in run("journal", "show", "--outcome", "not-assessed").stdout
    assert "41 of 41" in run("journal", "show", "--days", "30", "--limit", "99").stdout


def test_summary_tells_all_figures(filled: Path, run: Run) -> None:
    told = run("journal", "summary").stdout
    assert "41 analyses: 40 answered, 0 uncertain, 0 not assessed, 1 failed (2.4%)" in told
    assert "ValueError" in told
    assert "KIM" not in told
    assert f"{NOW - timedelta(days=1):%Y-%m-%d}" in told
    assert "feedback on" in told
    assert f"Scores of {DEFAULT_MODEL}" in told
    assert "40 films compared" in told
    assert "any share of positive films: distance" in told
    assert "0 analyses" in run("journal", "summary", "--model", "another").stdout


def test_feedback_is_added_from_the_shell(filled: Path, run: Run) -> None:
    assert run("journal", "feedback", "5", "unsure").stdout == "analysis 5: unsure\n"
    with open_journal(filled) as journal:
        assert journal.get(5).feedback == "unsure"
    unknown = run("journal", "feedback", "500", "agree")
    assert unknown.exit_code == 2
    assert "no analysis 500" in unknown.stderr
    assert run("journal", "feedback", "5", "perhaps").exit_code == 2


def test_export_writes_files_and_stdout(filled: Path, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "all.csv"
    assert run("journal", "export", "--out", str(out)).stdout == f"{out}: 42 rows\n"
    with out.open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 42
    piped = run("journal", "export", "--what", "feedback").stdout
    (row,) = csv.DictReader(io.StringIO(piped))
    assert (row["verdict"], row["id"]) == ("disagree", "2")
    assert run("journal", "export", "--out", str(tmp_path / "none" / "x")).exit_code == 2


def test_purge_removes_old_analyses(filled: Path, run: Run) -> None:
    done = run("journal", "purge", "--older-than-days", "365")
    assert done.stdout == "1 analyses removed, 41 left\n"
    assert run("journal", "purge").exit_code == 2
    assert run("journal", "purge", "--older-than-days", "nan").exit_code == 2
    assert run("journal", "show", "--days", "1e12").exit_code == 2


@pytest.mark.parametrize("command", ["show", "summary", "export"])
def test_where_there_is_no_journal_none_is_made(command: str, run: Run, place: Path) -> None:
    done = run("journal", command)
    assert done.exit_code == 9
    assert "There is no journal" in done.stderr
    assert not place.exists()


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    pixels = np.round(draw_phantom(height_px=200, width_px=240) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "kim min-ji.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


def test_analyze_records_what_it_is_told_to(films: Path, run: Run, place: Path) -> None:
    model = films.parent / "model"
    write_tiny_network(model)
    # The variable names the journal that is read; analyses are kept only where that is asked for.
    done = run("analyze", str(films), "--model", str(model))
    assert done.exit_code == 3
    assert not place.exists()
    done = run("analyze", str(films), "--model", str(model), "--journal", str(place))
    assert done.exit_code == 3, done.output
    with open_journal(place) as journal:
        broken, answered = journal.iterate()
    assert (broken.outcome, broken.error) == ("failed", "UnreadableImageError")
    assert (answered.outcome, answered.source, answered.model) == ("answered", "cli", "tiny")
    assert answered.latency_ms is not None
    assert 0.0 < answered.latency_ms < 60_000
    for file in place.parent.glob("journal*"):
        assert b"kim" not in file.read_bytes()


def test_a_journal_that_cannot_be_opened_ends_analyze_before_any_film(
    films: Path, run: Run
) -> None:
    done = run("analyze", str(films), "--journal", str(films / "broken.png"))
    assert done.exit_code == 9
    assert done.stdout == ""
    assert (films / "broken.png").read_bytes() == b"\x89PNG\r\n\x1a\n"
