"""``hilum train`` and ``hilum evaluate``, in a process of their own, as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from factories.training import make_settings, write_drawn_dataset
from hilum.spec import read_spec

pytest.importorskip("torch")


def run_hilum(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    code = "from hilum.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with drawn films and a model that was trained on them by the command."""
    folder = tmp_path_factory.mktemp("workplace")
    write_drawn_dataset(folder / "films")
    (folder / "recipe.yaml").write_text(yaml.safe_dump(make_settings()))
    done = run_hilum("train", "recipe.yaml", "--data", "films", "--workers", "0", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "sensitivity_95" in done.stdout
    assert "epoch 4: loss" in done.stderr
    return folder


def test_evaluate_prints_writes_and_records_the_same_figures(workplace: Path) -> None:
    done = run_hilum(
        *("evaluate", "runs/drawn-films", "--data", "films", "--part", "test", "--record"),
        *("--out", "figures.json", "--scores", "scores.csv"),
        cwd=workplace,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads((workplace / "figures.json").read_text())
    recorded = read_spec(workplace / "runs" / "drawn-films" / "drawn-films.json").metrics["test"]
    assert figures["models"][0]["metrics"] == recorded.model_dump(mode="json")
    assert f"AUC {recorded.roc_auc.value:.3f}" in done.stdout
    assert "40 films: 20 positive, 20 negative" in done.stdout
    assert len((workplace / "scores.csv").read_text().splitlines()) == 41


def test_card_is_rendered_from_the_spec(workplace: Path) -> None:
    done = run_hilum("models", "card", "runs/drawn-films", cwd=workplace)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# drawn-films 0.1\n")
    assert "not a medical device" in done.stdout


def test_a_second_run_does_not_overwrite_the_first(workplace: Path) -> None:
    done = run_hilum("train", "recipe.yaml", "--data", "films", cwd=workplace)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert "Traceback" not in done.stderr
    done = run_hilum("train", "recipe.yaml", "--data", "films", "--resume", cwd=workplace)
    assert done.returncode == 0, done.stderr
    assert "sensitivity_95" in done.stdout
    assert "epoch" not in done.stderr, "a run that has ended is not gone on with"


def test_errors_are_told_in_one_line(workplace: Path) -> None:
    (workplace / "wrong.yaml").write_text("name: x\n")
    for arguments, code, words in (
        (("train", "wrong.yaml", "--data", "films"), 2, "optimization: Field required"),
        (("train", "absent.yaml", "--data", "films"), 2, "absent.yaml"),
        (("train", "recipe.yaml", "--data", "absent", "--out", "new"), 6, "absent"),
        (("evaluate", "runs/drawn-films", "--data", "films", "--part", "all"), 6, "no part 'all'"),
        (("evaluate", "nobody", "--data", "films"), 2, "nobody"),
    ):
        done = run_hilum(*arguments, cwd=workplace)
        assert done.returncode == code, done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr
