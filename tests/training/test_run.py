from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hilum
from factories.training import make_settings
from hilum.data import read_dataset
from hilum.errors import ConfigError, DatasetError, ExportError, TrainingError
from hilum.metrics import compute_auc
from hilum.models.checkpoint import load_checkpoint
from hilum.models.restore import is_folded
from hilum.spec import read_spec, read_weights
from hilum.training.recipe import Recipe, read_recipe
from hilum.training.run import Persistence, Run, run_recipe


@pytest.fixture(scope="module")
def finished(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One real run, shared by the tests of what it leaves."""
    recipe = Recipe.model_validate(make_settings())
    return run_recipe(recipe, drawn_dataset, tmp_path_factory.mktemp("run") / "out", workers=0)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_run_learns_films_that_it_has_not_seen(finished: Run, drawn_dataset: Path) -> None:
    root, films = read_dataset(drawn_dataset)
    test = [film for film in films if film.part == "test"]
    with hilum.load_model(finished.folder) as model:
        predictions = model.analyze([root / film.path for film in test])
    logits = [prediction.logit for prediction in predictions]
    assert compute_auc([film.label for film in test], logits) > 0.9


def test_run_leaves_everything_that_it_promises(finished: Run) -> None:
    names = {path.name for path in finished.folder.iterdir()} - {"tensorboard"}
    assert names == {
        "recipe.yaml",
        "split.csv",
        "history.csv",
        "checkpoint.safetensors",
        "drawn-films.onnx",
        "drawn-films.json",
    }
    spec = read_spec(finished.folder / "drawn-films.json")
    assert spec == finished.spec
    assert read_weights(spec, finished.folder)
    assert read_recipe(finished.folder / "recipe.yaml").sha256 == spec.provenance.recipe_sha256
    assert load_checkpoint(finished.folder / "checkpoint.safetensors").network is not None
    history = read_rows(finished.folder / "history.csv")
    assert [int(row["epoch"]) for row in history] == [1, 2, 3, 4]
    assert float(history[-1]["auc_swap_greys"]) > 0.5


def test_test_films_are_on_no_side_and_patients_on_one(finished: Run) -> None:
    rows = read_rows(finished.folder / "split.csv")
    assert Counter(row["path"].split("/")[0] for row in rows) == {"train": 120, "val": 8}
    sides: dict[str, set[str]] = {}
    for row in rows:
        sides.setdefault(row["patient"], set()).add(row["side"])
    assert {len(own) for own in sides.values()} == {1}
    counts = Counter(row["side"] for row in rows)
    assert counts["train"] == finished.spec.training_data.train_films
    assert counts["validation"] == finished.spec.training_data.validation_films


def test_operating_points_hold_on_the_validation_films_as_users_score_them(
    finished: Run, drawn_dataset: Path
) -> None:
    rows = read_rows(finished.folder / "split.csv")
    rows = [row for row in rows if row["side"] == "validation"]
    labels = np.array([int(row["label"]) for row in rows])
    with hilum.load_model(finished.folder) as model:
        predictions = model.analyze([drawn_dataset / row["path"] for row in rows])
    probabilities = np.array([prediction.probability for prediction in predictions])
    assert set(finished.spec.operating_points) == {"youden", "sensitivity_95", "sensitivity_99"}
    for point in finished.spec.operating_points.values():
        called = probabilities >= point.threshold
        assert called[labels == 1].mean() == pytest.approx(point.sensitivity)
        assert 1 - called[labels == 0].mean() == pytest.approx(point.specificity)


def test_the_same_recipe_gives_the_same_weights(
    finished: Run, drawn_dataset: Path, tmp_path: Path
) -> None:
    recipe = Recipe.model_validate(make_settings())
    again = run_recipe(recipe, drawn_dataset, tmp_path / "again", workers=1)
    assert again.spec.weights.sha256 == finished.spec.weights.sha256


def test_a_model_is_trained_on_from_what_it_knows(
    finished: Run, small_recipe: dict[str, Any], drawn_dataset: Path, tmp_path: Path
) -> None:
    """At a rate at which a network that begins at random learns nothing."""
    small_recipe["network"] |= {"init": str(finished.folder), "head_init": "default"}
    small_recipe["optimization"] |= {"epochs": 1, "learning_rate": 1.0e-5}
    recipe = Recipe.model_validate(small_recipe)
    run = run_recipe(recipe, drawn_dataset, tmp_path / "on", workers=0)
    assert run.history[0].auc["clean"] > 0.95
    afresh = run_recipe(recipe, drawn_dataset, tmp_path / "afresh", init="none", workers=0)
    assert afresh.history[0].auc["clean"] < 0.9
    digest = finished.spec.weights.sha256
    assert run.spec.provenance.initialisation == (
        f"weights of the model drawn-films 0.1 (SHA-256 {digest})"
    )
    # The norms have learned from their films: the graph folds them anew.
    network = load_checkpoint(run.folder / "checkpoint.safetensors").network
    assert not any(is_folded(module) for module in network.modules())


def test_a_folder_with_something_in_it_is_left_alone(
    recipe: Recipe, drawn_dataset: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        run_recipe(recipe, drawn_dataset, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_missing_dataset_leaves_no_folder(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        run_recipe(recipe, tmp_path / "absent", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_spec_is_plain_json(finished: Run) -> None:
    facts: dict[str, Any] = json.loads((finished.folder / "drawn-films.json").read_text())
    assert facts["architecture"]["timm_name"] == "test_resnet"
    assert facts["provenance"]["initialisation"] == "random"


QUIET = Persistence(tensorboard=False)
RESUME = Persistence(tensorboard=False, resume=True)


def test_a_run_that_has_ended_is_not_begun_again(
    finished: Run, recipe: Recipe, drawn_dataset: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.folder.iterdir()}
    again = run_recipe(recipe, drawn_dataset, finished.folder, persistence=RESUME)
    assert again.spec == finished.spec
    assert before == {path: path.stat().st_mtime_ns for path in finished.folder.iterdir()}


def test_a_run_that_was_killed_in_its_first_epoch_is_begun_again(
    finished: Run, recipe: Recipe, drawn_dataset: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("recipe.yaml", "split.csv"):
        shutil.copy(finished.folder / name, folder)
    with pytest.raises(ConfigError, match=r"not ended: go on with it \(--resume\)"):
        run_recipe(recipe, drawn_dataset, folder, persistence=QUIET)
    again = run_recipe(recipe, drawn_dataset, folder, workers=0, persistence=RESUME)
    assert again.spec.weights.sha256 == finished.spec.weights.sha256


def test_another_recipe_does_not_go_on_with_a_run(
    finished: Run, recipe: Recipe, drawn_dataset: Path, tmp_path: Path
) -> None:
    other = recipe.model_copy(update={"seed": 4})
    with pytest.raises(ConfigError, match="another recipe"):
        run_recipe(other, drawn_dataset, finished.folder, persistence=RESUME)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="no run to go on with"):
        run_recipe(recipe, drawn_dataset, tmp_path, persistence=RESUME)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_network_that_cannot_be_exported_is_refused_before_it_is_trained(
    recipe: Recipe, drawn_dataset: Path, tmp_path: Path
) -> None:
    section = recipe.network.model_copy(update={"architecture": "test_convnext"})
    recipe = recipe.model_copy(update={"network": section})
    with pytest.raises(ExportError, match="no exact evidence map"):
        run_recipe(recipe, drawn_dataset, tmp_path / "run", workers=0)
    assert not (tmp_path / "run").exists()


def test_a_run_that_came_to_nothing_leaves_nothing(
    recipe: Recipe, drawn_dataset: Path, tmp_path: Path
) -> None:
    section = recipe.optimization.model_copy(update={"learning_rate": 1e20})
    recipe = recipe.model_copy(update={"optimization": section})
    with pytest.raises(TrainingError, match=r"diverged.*come to nothing"):
        run_recipe(recipe, drawn_dataset, tmp_path / "run", workers=0)
    assert not (tmp_path / "run").exists()


def test_what_was_trained_before_a_failure_is_kept_and_gone_on_with(
    finished: Run, recipe: Recipe, drawn_dataset: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"

    def run_out_of_memory(step: int, *_: object) -> None:
        if step == 11:  # in the third epoch of five steps each
            raise MemoryError

    with pytest.raises(TrainingError, match=r"Out of memory.*--resume goes on.*best weights"):
        run_recipe(
            recipe,
            drawn_dataset,
            folder,
            workers=0,
            persistence=QUIET,
            report_step=run_out_of_memory,
        )
    assert load_checkpoint(folder / "checkpoint.safetensors").network is not None
    with pytest.raises(ConfigError, match="--resume"):
        run_recipe(recipe, drawn_dataset, folder, persistence=QUIET)
    run = run_recipe(recipe, drawn_dataset, folder, workers=0, persistence=RESUME)
    assert [record.epoch for record in run.history] == [1, 2, 3, 4]
    assert run.spec.weights.sha256 == finished.spec.weights.sha256
    assert not (folder / "state.pt").exists()


def test_a_full_disk_during_the_export_leaves_what_was_trained(
    recipe: Recipe, drawn_dataset: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"

    def fill_disk(stage: str) -> None:
        if stage == "exporting":  # every write to this device fails as on a full disk
            (folder / "drawn-films.onnx.partial").symlink_to("/dev/full")

    with pytest.raises(TrainingError, match=r"disk is full.*--resume"):
        run_recipe(
            recipe, drawn_dataset, folder, workers=0, persistence=QUIET, report_stage=fill_disk
        )
    assert {path.name for path in folder.iterdir()} == {
        *("recipe.yaml", "split.csv", "history.csv", "checkpoint.safetensors", "state.pt")
    }
    run = run_recipe(recipe, drawn_dataset, folder, workers=0, persistence=RESUME)
    assert len(run.history) == 4
    assert hilum.load_model(folder).spec == run.spec
