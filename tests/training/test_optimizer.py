from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from hilum.errors import ConfigError
from hilum.models.build import build_network
from hilum.training.optimizer import (
    WeightAverage,
    build_average,
    build_optimizer,
    freeze,
    set_training_mode,
)
from hilum.training.recipe import Recipe


def make_network() -> nn.Module:
    torch.manual_seed(0)
    return build_network("test_resnet", init="none")


def with_changes(recipe: Recipe, section: str, **changes: Any) -> Recipe:
    values = recipe.model_dump()
    values[section] |= changes
    return Recipe.model_validate(values)


def list_learning(network: nn.Module) -> set[str]:
    return {
        name.split(".")[0] for name, weight in network.named_parameters() if weight.requires_grad
    }


def test_layers_thaw_one_after_another(recipe: Recipe) -> None:
    recipe = with_changes(recipe, "network", freeze=["*"])
    recipe = with_changes(
        recipe,
        "optimization",
        unfreeze=[
            {"epoch": 1, "parameters": ["fc.*"]},
            {"epoch": 3, "parameters": ["layer4.*", "layer3.*"]},
        ],
    )
    network = make_network()
    assert freeze(network, recipe, 1)
    assert list_learning(network) == {"fc"}
    assert not freeze(network, recipe, 2)
    assert list_learning(network) == {"fc"}
    assert freeze(network, recipe, 3)
    assert list_learning(network) == {"fc", "layer3", "layer4"}


def test_a_pattern_that_names_nothing_is_an_error(recipe: Recipe) -> None:
    network = make_network()
    with pytest.raises(ConfigError, match=r"network\.freeze.*layer9"):
        freeze(network, with_changes(recipe, "network", freeze=["layer9.*"]))
    thaw = [{"epoch": 2, "parameters": ["layer8.*"]}]
    with pytest.raises(ConfigError, match=r"optimization\.unfreeze.*layer8"):
        freeze(network, with_changes(recipe, "optimization", unfreeze=thaw))
    with pytest.raises(ConfigError, match="no parameter to train"):
        freeze(network, with_changes(recipe, "network", freeze=["*"]))


@pytest.mark.parametrize("updated", [False, True])
def test_normalisations_of_frozen_layers_keep_their_statistics(
    recipe: Recipe, updated: bool
) -> None:
    network = make_network()
    recipe = with_changes(recipe, "network", freeze=["bn1.*"], update_frozen_statistics=updated)
    freeze(network, recipe)
    set_training_mode(network, recipe.network)
    modes = {
        name: module.training
        for name, module in network.named_modules()
        if isinstance(module, nn.BatchNorm2d)
    }
    assert modes.pop("bn1") is updated
    assert all(modes.values())


def find_groups(network: nn.Module, recipe: Recipe) -> dict[str, tuple[float, float]]:
    groups = build_optimizer(network, recipe.optimization).param_groups
    found = {
        id(parameter): (group["lr"], group["weight_decay"])
        for group in groups
        for parameter in group["params"]
    }
    assert len(found) == len(list(network.parameters()))
    return {name: found[id(parameter)] for name, parameter in network.named_parameters()}


def test_head_has_its_rate_and_vectors_no_decay(recipe: Recipe) -> None:
    network = make_network()
    recipe = with_changes(recipe, "optimization", head_learning_rate=0.5)
    section = recipe.optimization
    groups = find_groups(network, recipe)
    for name, parameter in network.named_parameters():
        rate = 0.5 if name.startswith("fc.") else section.learning_rate
        decay = section.weight_decay if parameter.ndim > 1 else 0.0
        assert groups[name] == (rate, decay)


def test_rates_fall_with_the_depth(recipe: Recipe) -> None:
    network = make_network()
    recipe = with_changes(recipe, "optimization", layer_decay=0.5, learning_rate=1.0)
    rates = {name: rate for name, (rate, _) in find_groups(network, recipe).items()}
    assert rates["fc.weight"] == 1.0
    assert rates["layer4.0.conv1.weight"] == 0.5
    assert rates["layer3.0.bn1.bias"] == 0.25
    assert rates["conv1.0.weight"] == pytest.approx(0.5**5)


def test_a_network_of_unknown_order_has_no_layer_rates(recipe: Recipe) -> None:
    plain = nn.Sequential(nn.Linear(2, 2))
    plain.get_classifier = lambda: plain[0]  # type: ignore[assignment]
    with pytest.raises(ConfigError, match="layer_decay"):
        build_optimizer(plain, with_changes(recipe, "optimization", layer_decay=0.5).optimization)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)],
)
def test_optimizers_are_those_of_torch(recipe: Recipe, name: str, kind: type) -> None:
    section = with_changes(recipe, "optimization", optimizer=name, momentum=0.8).optimization
    optimizer = build_optimizer(make_network(), section)
    assert type(optimizer) is kind
    if name == "sgd":
        assert optimizer.param_groups[0]["momentum"] == 0.8
        assert optimizer.param_groups[0]["nesterov"]


def follow_average(recipe: Recipe, values: list[float], **changes: Any) -> list[float]:
    """Values of the average after each step; an epoch has two steps."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    section = with_changes(recipe, "optimization", **changes).optimization
    average = build_average(network, section, 2)
    assert isinstance(average, WeightAverage)
    seen = []
    for value in values:
        nn.init.constant_(network.weight, value)
        average.update(network)
        seen.append(float(average.network.state_dict()["weight"].item()))
    return seen


def test_exponential_average_follows_the_weights(recipe: Recipe) -> None:
    values = follow_average(recipe, [1.0] * 100, average_decay=0.9)
    assert values[0] == pytest.approx(0.9)
    assert values == sorted(values)
    assert values[-1] > 0.999


def test_plain_average_begins_with_its_epoch(recipe: Recipe) -> None:
    values = follow_average(
        recipe, [5.0, 7.0, 1.0, 2.0, 6.0], average_decay=0.0, average_from_epoch=2
    )
    assert values == pytest.approx([5.0, 7.0, 1.0, 1.5, 3.0])


def test_without_an_average_there_is_no_second_network(recipe: Recipe) -> None:
    section = with_changes(recipe, "optimization", average_decay=0.0).optimization
    assert build_average(make_network(), section, 2) is None
