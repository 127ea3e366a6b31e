from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from factories.networks import write_tiny_network
from hilum.errors import ConfigError
from hilum.training.compare import compare_variants, describe_standings
from hilum.training.recipe import Recipe, parse_recipe
from hilum.training.run import Persistence, run_recipe
from hilum.training.tracking import HistoryTable
from hilum.training.validation import EpochRecord


@pytest.fixture
def comparing(small_recipe: dict[str, Any]) -> dict[str, Any]:
    small_recipe["compare"] = {
        "short": {"optimization.epochs": 1, "optimization.learning_rate": 1e-6},
        "long": {"augmentation.flip": 0.0},
    }
    return small_recipe


def test_variants_change_what_they_name_and_nothing_else(comparing: dict[str, Any]) -> None:
    recipe = Recipe.model_validate(comparing)
    short, long = recipe.vary("short"), recipe.vary("long")
    assert (short.name, long.name) == ("drawn-films-short", "drawn-films-long")
    assert short.optimization.epochs == 1
    assert short.optimization.batch_size == long.optimization.batch_size == 16
    assert long.optimization == recipe.optimization
    assert long.augmentation.flip == 0.0
    assert long.augmentation.gamma == recipe.augmentation.gamma
    assert not short.compare
    assert recipe.sha256 != short.sha256 != long.sha256


@pytest.mark.parametrize(
    ("variant", "fault"),
    [
        ({"optimization.epoch_count": 1}, "optimization.epoch_count"),
        ({"optimization.epochs": 0}, "optimization.epochs"),
        ({"name": "other"}, "name"),
    ],
)
def test_a_variant_that_is_no_recipe_is_told(
    comparing: dict[str, Any], variant: dict[str, Any], fault: str
) -> None:
    comparing["compare"]["odd"] = variant
    with pytest.raises(ConfigError, match=rf"compare\.odd.*{fault}"):
        parse_recipe(yaml.safe_dump(comparing))


def test_all_are_trained_and_the_best_is_first(
    comparing: dict[str, Any], drawn_dataset: Path, tmp_path: Path
) -> None:
    comparing["selection"] = {"metric": "loss", "stress_every": 0}
    recipe = Recipe.model_validate(comparing)
    trained: list[str] = []

    def train(one: Recipe, folder: Path) -> Any:
        trained.append(one.name)
        resuming = Persistence(resume=True, tensorboard=False)
        return run_recipe(one, drawn_dataset, folder, workers=0, persistence=resuming).spec

    standings = compare_variants(recipe, tmp_path / "all", train)
    assert trained == ["drawn-films-short", "drawn-films-long"]
    assert [one.variant for one in standings] == ["long", "short"]
    assert standings[0].metric == standings[0].loss < standings[1].loss
    with (tmp_path / "all" / "ranking.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["rank"], row["variant"]) for row in rows] == [("1", "long"), ("2", "short")]
    assert rows[0]["initialisation"] == "random"
    assert (tmp_path / "all" / "long" / "drawn-films-long.onnx").is_file()
    table = describe_standings(recipe, standings)
    assert table.splitlines()[1].split()[:3] == ["1", "long", "test_resnet"]
    assert table.splitlines()[0].split()[4:] == ["accuracy", "AUC", "loss", "films/s"]
    assert "ranked by loss" in table
    # A second time, what has ended is not trained again.
    assert compare_variants(recipe, tmp_path / "all", train) == standings


def test_an_epoch_without_stress_is_not_ranked_by_stress(
    comparing: dict[str, Any], tmp_path: Path
) -> None:
    comparing["selection"] = {"metric": "worst_stressed_auc", "stress_every": 2}
    recipe = Recipe.model_validate(comparing)
    worst = {"short": 0.8, "long": 0.7}

    def train(one: Recipe, folder: Path) -> Any:
        folder.mkdir(parents=True)
        table = HistoryTable(folder / "history.csv")
        table.track_epoch(EpochRecord(1, 0.1, 0.1, {"clean": 0.99}), 1)
        blur = worst[folder.name]
        table.track_epoch(EpochRecord(2, 0.1, 0.1, {"clean": 0.9, "blur": blur}), 2)
        return write_tiny_network(tmp_path / "tiny")

    standings = compare_variants(recipe, tmp_path, train)
    assert [(one.variant, one.epoch, one.metric) for one in standings] == [
        ("short", 2, 0.8),
        ("long", 2, 0.7),
    ]
    lines = describe_standings(recipe, standings).splitlines()
    assert "  worst_stressed_auc  " in lines[0]
    assert lines[1].split()[5] == "0.8000"
