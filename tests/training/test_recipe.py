from __future__ import annotations

import copy
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from hilum.errors import ConfigError
from hilum.training.overrides import list_keys
from hilum.training.recipe import Recipe, parse_recipe, read_recipe

DOCS = Path(__file__).parents[2] / "docs" / "recipes.md"
RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_are_valid_and_named_as_their_file(path: Path) -> None:
    assert read_recipe(path).name == path.stem


def test_there_are_recipes() -> None:
    assert RECIPES


def test_every_key_is_documented_and_no_other() -> None:
    text = DOCS.read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    documented = {key for row in rows for key in re.findall(r"`([a-z_.]+)`", row)}
    keys = set(list_keys(Recipe))
    leaves = {key for key in keys if not any(other.startswith(f"{key}.") for other in keys)}
    assert documented >= leaves, sorted(leaves - documented)
    recipes = {path.stem for path in RECIPES}
    assert recipes <= set(re.findall(r"`([a-z0-9-]+)`", " ".join(rows)))
    assert {key for key in documented if "." in key} <= keys, "a key that no longer exists"


def test_a_default_that_is_written_out_does_not_change_the_digest(
    small_recipe: dict[str, Any],
) -> None:
    plain = Recipe.model_validate(small_recipe)
    whole = Recipe.model_validate(plain.model_dump(mode="json", exclude_none=True))
    assert "loss:" in yaml.safe_dump(whole.model_dump(mode="json"))
    assert whole.sha256 == plain.sha256


def test_every_value_that_is_no_default_changes_the_digest(small_recipe: dict[str, Any]) -> None:
    plain = Recipe.model_validate(small_recipe).sha256
    digests = {plain}
    for section, key, value in (
        ("loss", "label_smoothing", 0.1),
        ("mixing", "cutmix_alpha", 1.0),
        ("distillation", "teachers", ["a"]),
        ("network", "outputs", 2),
        ("data", "split", "official"),
        ("augmentation", "jitter_contrast", 0.2),
    ):
        changed = copy.deepcopy(small_recipe)
        changed.setdefault(section, {})[key] = value
        digests.add(Recipe.model_validate(changed).sha256)
    assert len(digests) == 7


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


def test_films_that_grow_begin_below_the_networks_size(small_recipe: dict[str, Any]) -> None:
    for first, refused in ((32, False), (64, True)):
        resizing = {"first_height_px": first, "full_from_epoch": 2}
        small_recipe["optimization"]["progressive_resizing"] = resizing
        if refused:
            with pytest.raises(ConfigError, match=r"first_height_px is not below input\.height_px"):
                parse_recipe(yaml.safe_dump(small_recipe))
        else:
            assert parse_recipe(yaml.safe_dump(small_recipe)).optimization.progressive_resizing


@pytest.mark.parametrize("text", ["", "- a", "a: [", "\x00"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_recipe(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml"):
        read_recipe(tmp_path / "absent.yaml")


def test_each_variant_against_the_shift_leaves_out_one_step_more() -> None:
    recipe = read_recipe(RECIPES[0].with_name("hilum-shift.yaml"))
    variants = [recipe.vary(variant) for variant in recipe.compare]
    assert [variant.network.freeze_batch_norm for variant in variants] == [True] * 4 + [False]
    used = [variant.augmentation.model_dump(exclude_defaults=True) for variant in variants]
    for more, fewer in pairwise(used[:4]):
        assert fewer.items() < more.items()
    assert used[3] == used[4] == {"flip": 0.5}
    shipped = read_recipe(RECIPES[0].with_name("hilum-efficientnet-lite0.yaml"))
    lungs = {"lungs_only": 0.0, "lungs_levelled": 0.0, "planted": 0.0}
    assert variants[0].augmentation == shipped.augmentation.model_copy(update=lungs)
