from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hilum
from factories.training import make_settings
from hilum.data import read_folder_dataset
from hilum.errors import ConfigError, DatasetError
from hilum.metrics import compute_auc
from hilum.models.checkpoint import load_checkpoint
from hilum.spec import read_spec, read_weights
from hilum.training.recipe import Recipe, read_recipe
from hilum.training.run import Run, run_recipe


@pytest.fixture(scope="module")
def finished(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One real run, shared by the tests of what it leaves."""
    recipe = Recipe.model_validate(make_settings())
    return run_recipe(recipe, drawn_dataset, tmp_path_factory.mktemp("run") / "out", workers=0)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_run_learns_films_that_it_has_not_seen(finished: Run, drawn_dataset: Path) -> None:
    root, films = read_folder_dataset(drawn_dataset)
    test = [film for film in films if film.part == "test"]
    with hilum.load_model(finished.folder) as model:
        predictions = model.analyze([root / film.path for film in test])
    logits = [prediction.logit for prediction in predictions]
    assert compute_auc([film.label for film in test], logits) > 0.9


def test_run_leaves_everything_that_it_promises(finished: Run) -> None:
    names = {path.name for path in finished.folder.iterdir()}
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
