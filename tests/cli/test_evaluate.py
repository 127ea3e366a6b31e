"""``hilum evaluate`` and ``hilum compare``, as a user calls them."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from factories.labelled import write_labelled_films
from factories.networks import write_tiny_network
from factories.predictions import make_predictions
from hilum.cli import build_app
from hilum.evaluation import write_predictions
from hilum.predictor import load_model
from hilum.spec import read_spec

QUICK = ("--resamples", "100")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny model, labelled films in two parts, and two sets of predictions."""
    write_tiny_network(tmp_path / "model")
    write_labelled_films(tmp_path / "films", parts=("val", "test"))
    write_predictions(make_predictions("one", worth=3.0), tmp_path / "one.csv")
    write_predictions(make_predictions("two", worth=1.0, seed=1), tmp_path / "two.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), list(arguments))


def test_a_model_is_judged_and_recorded(desk: Path) -> None:
    done = run(
        *("evaluate", "model", "--data", "films", "--part", "test", "--record", *QUICK),
        *("--out", "found.json", "--scores", "scores.csv"),
    )
    assert done.exit_code == 0, done.stderr
    assert "16 films: 8 positive, 8 negative; 8 patients" in done.stdout
    assert "bacteria, 4 films" in done.stdout
    found = json.loads(Path("found.json").read_text())
    recorded = read_spec(desk / "model" / "tiny.json").metrics["test"]
    (model,) = found["models"]
    assert model["metrics"] == recorded.model_dump(mode="json")
    assert recorded.command == "hilum evaluate tiny --data DATA --part test"
    assert str(desk) not in Path("found.json").read_text()
    assert len(Path("scores.csv").read_text().splitlines()) == 17
    # Its own scores, judged as anyone's: the same figures.
    again = run("evaluate", "--predictions", "scores.csv", *QUICK, "--out", "again.json")
    assert again.exit_code == 0, again.stderr
    (other,) = json.loads(Path("again.json").read_text())["models"]
    assert other["metrics"]["roc_auc"] == model["metrics"]["roc_auc"]


def test_the_card_tells_what_was_recorded(desk: Path) -> None:
    run("evaluate", "model", "--data", "films", "--record", *QUICK)
    card = run("models", "card", "model").stdout
    for words in ("Average precision", "calibration error", "bacteria", "where 10 %"):
        assert words in card, words
    shown = run("models", "show", "model")
    assert "On test" in shown.stdout


def test_the_promise_of_the_zone_is_told_wherever_figures_are(desk: Path) -> None:
    coverage = {"positive": 0.9, "negative": 0.9, "lowest": 0.9, "folds": 5}
    # Every film may be pneumonia, and none may be normal.
    zone = {"positive_from": 0.0, "negative_to": 0.0, "alpha": 0.1, "fitted_on": "others"}
    path = desk / "model" / "tiny.json"
    facts = json.loads(path.read_text()) | {"conformal": {**zone, "coverage": coverage}}
    path.write_text(json.dumps(facts))
    done = run("evaluate", "model", "--data", "films", "--record", "--report", "page", *QUICK)
    assert done.exit_code == 0, done.stderr
    assert (
        "possible answers hold the truth, 90 % promised: pneumonia 1.000 (1.000 to 1.000), "
        "normal 0.000 (0.000 to 0.000)"
    ) in done.stdout
    page = (desk / "page" / "report.html").read_text()
    assert all(words in page for words in ("promised", "90 %", "100.0 to 100.0 %"))
    for command in ("card", "show"):
        told = run("models", command, "model").stdout
        assert "holds the truth for 1.000 (1.000 to 1.000) of the films with pneumonia" in told


def test_several_models_are_judged_at_once(desk: Path) -> None:
    write_tiny_network(desk / "other", name="other")
    done = run(
        *("evaluate", "model", "other", "--predictions", "one.csv", "--data", "films", *QUICK),
        *("--out", "found.json"),
    )
    assert done.exit_code == 0, done.stderr
    models = json.loads(Path("found.json").read_text())["models"]
    assert [model["name"] for model in models] == ["one", "tiny", "other"]
    assert models[1]["metrics"]["roc_auc"] == models[2]["metrics"]["roc_auc"]
    assert models[0]["metrics"]["films"] == 120


def test_films_of_a_manifest_are_judged(desk: Path) -> None:
    films = sorted((desk / "films" / "test").rglob("*.png"))
    rows = [f"{film.relative_to(desk)},{film.parent.name},test" for film in films]
    (desk / "mine.csv").write_text("path,label,part\n" + "\n".join(rows) + "\n")
    done = run("evaluate", "model", "--data", "mine.csv", *QUICK)
    assert done.exit_code == 0, done.stderr
    assert "16 films: 8 positive, 8 negative; 8 patients" in done.stdout


def test_thresholds_are_chosen_on_another_part(desk: Path) -> None:
    done = run(
        *("evaluate", "model", "--data", "films", "--choose-on", "val", *QUICK),
        *("--choose", "f-beta=2", "--choose", "cost=10:1", "--out", "found.json"),
    )
    assert done.exit_code == 0, done.stderr
    (model,) = json.loads(Path("found.json").read_text())["models"]
    assert model["default_operating_point"] == "f_beta_2"
    chosen_on = model["operating_points"]["cost_10_1"]["chosen_on"]
    assert chosen_on == "16 films, part val of the dataset"


def test_a_mean_over_views_is_judged_as_such(desk: Path) -> None:
    done = run(
        *("evaluate", "model", "--data", "films", "--views", "flip", *QUICK),
        *("--scores", "flipped.csv", "--out", "found.json"),
    )
    assert done.exit_code == 0, done.stderr
    found = json.loads(Path("found.json").read_text())
    assert found["models"][0]["name"] == "tiny (flip)"
    assert found["command"] == "hilum evaluate tiny --data DATA --part test --views flip"
    with Path("flipped.csv").open() as table:
        rows = list(csv.DictReader(table))
    with load_model("model") as predictor:
        for row in rows[:2]:
            film = Path("films") / row["path"]
            mean = predictor.analyze(film, gate=False, views="flip").probability
            assert float(row["probability"]) == pytest.approx(mean, abs=1e-6)
            assert mean != predictor.analyze(film, gate=False).probability


def test_predictions_are_judged_at_the_thresholds_that_are_given(desk: Path) -> None:
    done = run("evaluate", "--predictions", "one.csv", "--threshold", "mine=0.3", *QUICK)
    assert done.exit_code == 0, done.stderr
    assert "mine (default)" in done.stdout
    assert "0.3000" in done.stdout


def test_report_is_written_where_one_says(desk: Path) -> None:
    pytest.importorskip("matplotlib")
    done = run("evaluate", "--predictions", "one.csv", "--report", "seen", *QUICK)
    assert done.exit_code == 0, done.stderr
    assert "Report: seen/report.html" in done.stdout
    assert Path("seen/evaluation.json").is_file()
    assert "<img" not in Path("seen/report.html").read_text()


def test_models_are_compared(desk: Path) -> None:
    done = run("compare", "one.csv", "two.csv", *QUICK, "--out", "found.json")
    assert done.exit_code == 0, done.stderr
    assert "one less two, on 120 films of 60 patients" in done.stdout
    assert "DeLong p < 0.001" in done.stdout
    found = json.loads(Path("found.json").read_text())
    assert len(found["models"]) == 2
    assert len(found["comparisons"]) == 1
    assert found["comparisons"][0]["decisions"]["p_value"] < 0.05


def test_a_model_is_compared_with_predictions(desk: Path) -> None:
    run("evaluate", "model", "--data", "films", "--scores", "own.csv", *QUICK)
    done = run("compare", "model", "own.csv", "--data", "films", *QUICK)
    assert done.exit_code == 0, done.stderr
    assert "tiny less own" in done.stdout
    assert "+0.0000 (+0.0000 to +0.0000), DeLong p 1.000" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("evaluate", 2, "nothing to judge"),
        ("evaluate model", 2, "--data"),
        ("evaluate model --data films --part train", 6, "it has: test, val"),
        ("evaluate nobody --data films", 2, "no model"),
        ("evaluate --predictions one.csv --threshold 1.5", 2, "between 0 and 1"),
        ("evaluate --predictions one.csv --threshold x", 2, "no threshold"),
        ("evaluate --predictions one.csv --threshold .2 --threshold .2", 2, "given twice"),
        ("evaluate --predictions one.csv --choose best --choose-on two.csv", 2, "no rule"),
        ("evaluate --predictions one.csv --choose youden", 2, "--choose-on"),
        ("evaluate --predictions one.csv --choose-on two.csv", 6, "60 patients"),
        ("evaluate --predictions one.csv --choose-on val", 2, "--choose-on"),
        ("evaluate model --data films --choose-on test", 2, "part that is judged"),
        ("evaluate --predictions one.csv --record", 2, "no model"),
        ("evaluate model --data films --record --threshold .5", 2, "--record"),
        ("evaluate --predictions one.csv --predictions two.csv --scores s.csv", 2, "--scores"),
        ("evaluate --predictions one.csv --predictions one.csv", 2, "called one"),
        ("evaluate --predictions none.csv", 6, "none.csv"),
        ("evaluate --predictions one.csv --report one.csv", 2, "takes a folder"),
        ("evaluate model --data films --views mirror", 2, "no views"),
        ("evaluate model --data films --views flip --record", 2, "leave out --views"),
        ("evaluate --predictions one.csv --views flip", 2, "--views is for models"),
        ("evaluate --predictions one.csv --prevalence 1.0", 2, "prevalence"),
        ("compare one.csv", 2, "two models"),
        ("compare one.csv model", 2, "--data"),
        ("compare one.csv one.csv", 2, "called one"),
        ("compare model one.csv --data films", 6, "not of the same films"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(desk: Path, arguments: str, code: int, words: str) -> None:
    before = sorted(desk.rglob("*"))
    done = run(*arguments.split())
    assert done.exit_code == code, done.stderr
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert sorted(desk.rglob("*")) == before


def test_the_base_install_judges_and_names_what_a_report_needs(desk: Path) -> None:
    """No scikit-learn, no matplotlib: the figures are there, and the same."""
    hide = (
        "import sys, importlib.util;"
        "find = importlib.util.find_spec;"
        "hidden = {'sklearn', 'matplotlib', 'scipy', 'torch'};"
        "importlib.util.find_spec = lambda n, p=None: None if n in hidden else find(n, p);"
        "sys.modules.update(dict.fromkeys(hidden));"
        "from hilum.cli import main; main()"
    )
    call = [sys.executable, "-c", hide, "evaluate", "--predictions", "one.csv", *QUICK]
    done = subprocess.run(
        [*call, "--out", "base.json"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    base = json.loads(Path("base.json").read_text())
    assert base["computed_with"] == "numpy"
    refused = subprocess.run(
        [*call, "--report", "x"], capture_output=True, text=True, check=False, timeout=60
    )
    assert refused.returncode == 5
    assert 'pip install "hilum[lab]"' in refused.stderr
    assert not Path("x").exists()
    if run("evaluate", "--predictions", "one.csv", *QUICK, "--out", "lab.json").exit_code == 0:
        (ours,), (theirs,) = (
            json.loads(Path(name).read_text())["models"] for name in ("base.json", "lab.json")
        )
        for name in ("roc_auc", "average_precision", "brier", "ece"):
            assert ours["metrics"][name]["value"] == pytest.approx(
                theirs["metrics"][name]["value"], abs=1e-12
            )
