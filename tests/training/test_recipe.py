from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hilum.errors import ConfigError
from hilum.training.recipe import Recipe, parse_recipe, read_recipe

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_are_valid_and_named_as_their_file(path: Path) -> None:
    assert read_recipe(path).name == path.stem


def test_there_are_recipes() -> None:
    assert RECIPES


def test_comments_and_order_do_not_change_the_digest(small_recipe: dict[str, Any]) -> None:
    text = yaml.safe_dump(small_recipe)
    turned = "# a comment\n" + yaml.safe_dump(small_recipe, sort_keys=False)
    assert parse_recipe(text).sha256 == parse_recipe(turned).sha256
    small_recipe["seed"] += 1
    assert Recipe.model_validate(small_recipe).sha256 != parse_recipe(text).sha256


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        (None, "unknown", 1),
        (None, "name", "Not A Name"),
        ("augmentation", "flip", 1.5),
        ("augmentation", "zoom", 0.5),
        ("optimization", "epochs", 0),
        ("optimization", "learning_rate", -1),
        ("optimization", "precision", "float8"),
        ("selection", "metric", "test_auc"),
        ("data", "validation_fraction", 1.0),
        ("input", "resize", "stretch"),
    ],
)
def test_a_wrong_key_is_named(
    small_recipe: dict[str, Any], section: str | None, key: str, value: object
) -> None:
    target = small_recipe if section is None else small_recipe[section]
    target[key] = value
    with pytest.raises(ConfigError, match=key):
        parse_recipe(yaml.safe_dump(small_recipe))


@pytest.mark.parametrize("text", ["", "- a", "a: [", "\x00"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_recipe(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml"):
        read_recipe(tmp_path / "absent.yaml")
