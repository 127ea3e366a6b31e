"""What ``hilum analyze`` says of a film that the input gate refuses."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from factories.networks import write_tiny_network
from factories.radiographs import draw_noise
from hilum.cli import build_app
from hilum.types import FilmWarning

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``hilum analyze film.png ...`` with the tiny model."""
    write_tiny_network(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    Image.fromarray((draw_noise(60, 50, seed=0) * 255).astype(np.uint8)).save("film.png")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(
            build_app(), ["analyze", "--model", "./model", "film.png", *arguments]
        )

    return run


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every film be one that its header puts outside of the population."""
    reason = FilmWarning("outside_population", "Too old.")
    monkeypatch.setattr("hilum.predictor.compare_with_population", lambda *_: (reason,))


@pytest.mark.usefixtures("refusing")
def test_a_refused_film_has_reasons_and_no_probability(run: Run) -> None:
    result = run("--format", "jsonl")
    assert result.exit_code == 0
    line = json.loads(result.stdout)
    assert (line["probability"], line["decision"], line["side"]) == (None, "not assessed", None)
    assert isinstance(line["logit"], float)
    assert line["reasons"] == [{"code": "outside_population", "message": "Too old."}]
    assert "1 of 1 films were not assessed" in result.stderr
    [row] = csv.DictReader(io.StringIO(run("--format", "csv").stdout))
    assert (row["probability"], row["decision"], row["side"]) == ("", "not assessed", "")
    assert (row["reasons"], row["warnings"]) == ("outside_population", "outside_population")
    table = run().stdout
    assert "      -  not assessed  film.png\n        x outside_population: Too old." in table
    assert table.count("Too old.") == 1
    assert run("--strict").exit_code == 3


@pytest.mark.usefixtures("refusing")
def test_without_the_gate_the_answer_is_marked(run: Run) -> None:
    line = json.loads(run("--format", "jsonl", "--no-gate").stdout)
    assert 0.0 <= line["probability"] <= 1.0
    assert line["side"] == line["decision"] != "not assessed"
    assert [warning["code"] for warning in line["warnings"]] == ["outside_population", "gate_off"]
    assert "outside_population" in line["warnings"][1]["message"]


@pytest.mark.usefixtures("refusing")
def test_the_picture_of_a_refused_film_shows_no_evidence(run: Run) -> None:
    run("--out", "refused")
    run("--out", "answered", "--no-gate")
    refused = np.asarray(Image.open("refused/film.overlay.png"))
    answered = np.asarray(Image.open("answered/film.overlay.png"))
    assert refused.shape[0] > answered.shape[0]  # a strip says why
    film = refused[: answered.shape[0]]
    assert (film == film[..., :1]).all()
    assert not (answered == answered[..., :1]).all()
