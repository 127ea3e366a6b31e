"""``hilum analyze --views``, as it is typed."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from factories.networks import write_tiny_network
from factories.radiographs import draw_noise
from hilum.cli import build_app
from hilum.cli.options import Views
from hilum.inference import VIEWS
from hilum.predictor import load_model
from hilum.types import FilmWarning, Prediction


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder that holds the tiny model and a film."""
    write_tiny_network(tmp_path / "model")
    Image.fromarray((draw_noise(60, 50) * 255).astype(np.uint8)).save(tmp_path / "film.png")
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    command = ["analyze", "film.png", "--model", "./model", *arguments]
    result = CliRunner().invoke(build_app(), command)
    assert result.exit_code == 0, result.output
    return result


def analyze(views: str) -> Prediction:
    with load_model("./model") as model:
        return model.analyze("film.png", views=views)


def test_the_table_tells_the_spread_and_marks_the_answer() -> None:
    spread = analyze("flip_shift").spread
    assert spread is not None
    lines = run("--views", "flip_shift").stdout.splitlines()
    told = f"{spread.probability_min:.4f} to {spread.probability_max:.4f} over 6 views"
    assert re.fullmatch(r"\d\.\d{4} to \d\.\d{4} over 6 views", told)
    assert told in [line.strip() for line in lines]
    assert any("! views_averaged: The answer is the mean over 6 views" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_jsonl_holds_the_spread() -> None:
    prediction = analyze("shift")
    assert prediction.spread is not None
    assert prediction.evidence.spread is not None
    line = json.loads(run("--views", "shift", "--format", "jsonl").stdout)
    assert line["spread"] == prediction.spread.to_dict()
    assert (line["spread"]["over"], line["spread"]["views"]) == ("views", 5)
    assert line["evidence"]["spread_max"] == float(prediction.evidence.spread.max())
    assert [warning["code"] for warning in line["warnings"]] == ["views_averaged"]


def test_csv_holds_the_spread_and_is_empty_without_one() -> None:
    prediction = analyze("flip")
    assert prediction.spread is not None
    assert prediction.evidence.spread is not None
    [row] = csv.DictReader(io.StringIO(run("--views", "flip", "--format", "csv").stdout))
    assert (row["views"], row["members"]) == ("2", "1")
    for name in ("logit_min", "logit_max", "logit_std", "probability_min", "probability_max"):
        assert float(row[name]) == getattr(prediction.spread, name)
    assert float(row["evidence_spread_max"]) == float(prediction.evidence.spread.max())
    [plain] = csv.DictReader(io.StringIO(run("--format", "csv").stdout))
    assert plain["views"] == plain["probability_min"] == plain["evidence_spread_max"] == ""


def test_a_film_that_is_not_assessed_has_no_spread_of_its_probability(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reason = FilmWarning("outside_population", "Too old.")
    monkeypatch.setattr("hilum.predictor.compare_with_population", lambda *_: (reason,))
    assert not re.search(r"\d to \d", run("--views", "flip").stdout)
    line = json.loads(run("--views", "flip", "--format", "jsonl").stdout)
    assert line["spread"]["probability_min"] is None
    assert line["spread"]["logit_min"] < line["spread"]["logit_max"]
    [row] = csv.DictReader(io.StringIO(run("--views", "flip", "--format", "csv").stdout))
    assert row["probability_max"] == ""


def test_the_help_counts_the_passes() -> None:
    _, option = get_args(Views)
    assert option.metavar.split("|") == list(VIEWS)
    passes = [len(VIEWS[name]) for name in ("flip", "shift", "flip_shift")]
    assert "{} for flip, {} for shift, {} for both".format(*passes) in option.help
