from __future__ import annotations

from typing import Any

import pytest
import yaml

from hilum.errors import ConfigError
from hilum.training.overrides import apply_overrides, list_keys
from hilum.training.recipe import Recipe, parse_recipe


def override(small_recipe: dict[str, Any], *overrides: str) -> Recipe:
    return parse_recipe(yaml.safe_dump(small_recipe), overrides=overrides)


def test_values_are_typed(small_recipe: dict[str, Any]) -> None:
    recipe = override(
        small_recipe,
        "optimization.epochs=7",
        "optimization.learning_rate=1e-5",
        "network.init=none",
        "network.freeze=[conv1.*, bn1.*]",
        "network.freeze_batch_norm=true",
        "loss.class_weight=[1, 2.5]",
        "distillation.teachers=[a, b]",
        "input.recipe.name=hu_window",
        "input.recipe.center=40",
        "input.recipe.width=800",
        "seed=9",
    )
    assert recipe.optimization.epochs == 7
    assert recipe.optimization.learning_rate == 1e-5
    assert recipe.network.init == "none"
    assert recipe.network.freeze == ("conv1.*", "bn1.*")
    assert recipe.network.freeze_batch_norm
    assert recipe.loss.class_weight == (1.0, 2.5)
    assert recipe.distillation.teachers == ("a", "b")
    assert str(recipe.input.recipe) == "hu_window(center=40, width=800)"
    assert recipe.seed == 9


def test_the_last_one_wins_and_null_is_the_default(small_recipe: dict[str, Any]) -> None:
    assert override(small_recipe, "seed=1", "seed=2").seed == 2
    assert override(small_recipe, "augmentation.flip=null").augmentation.flip == 0.0
    assert override(small_recipe, "augmentation=").augmentation.rotation_deg == 0.0


def test_the_settings_are_left_alone(small_recipe: dict[str, Any]) -> None:
    before = yaml.safe_dump(small_recipe)
    apply_overrides(small_recipe, ["optimization.epochs=7", "loss.label_smoothing=0.1"], Recipe)
    assert yaml.safe_dump(small_recipe) == before


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("epochs=3", "optimization.epochs"),
        ("optimisation.epochs=3", "optimization.epochs"),
        ("optimization.lerning_rate=3", "optimization.learning_rate"),
        ("augmentation.rotation=3", "augmentation.rotation_deg"),
        ("mixup=0.2", "mixing.mixup_alpha"),
    ],
)
def test_an_unknown_key_names_close_ones(
    small_recipe: dict[str, Any], wrong: str, meant: str
) -> None:
    with pytest.raises(ConfigError, match=rf"no key '{wrong.partition('=')[0]}'.*{meant}"):
        override(small_recipe, wrong)


def test_a_key_like_no_other_points_to_the_documentation(small_recipe: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"docs/recipes\.md"):
        override(small_recipe, "xyzzy=1")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("seed", "no key=value"),
        ("seed=[", "not valid YAML"),
        ("seed=many", "seed: Input should be a valid integer"),
        ("optimization.epochs=2.5", "optimization.epochs"),
        ("optimization.optimizer=lion", "'adamw', 'adam' or 'sgd'"),
        ("augmentation=3", "augmentation"),
    ],
)
def test_a_wrong_value_is_told(small_recipe: dict[str, Any], wrong: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        override(small_recipe, wrong)


def test_keys_of_lists_are_set_as_a_whole() -> None:
    keys = set(list_keys(Recipe))
    assert {"optimization.unfreeze", "data.population.views", "input.mean"} <= keys
    assert "optimization.unfreeze.epoch" not in keys
