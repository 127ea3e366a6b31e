from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from hilum.errors import ConfigError
from hilum.models.build import build_network
from hilum.training.loop import (
    EpochRecord,
    WeightAverage,
    build_optimizer,
    freeze,
    mix_batch,
    schedule_factor,
    set_training_mode,
    train_network,
)
from hilum.training.recipe import Recipe

Films = NDArray[np.float32]


def make_network() -> nn.Module:
    torch.manual_seed(0)
    return build_network("test_resnet", init="none")


@pytest.fixture
def drawn_films() -> tuple[Films, NDArray[np.intp]]:
    """Films whose label is the side of a bright square."""
    rng = np.random.default_rng(0)
    labels = np.arange(48) % 2
    films = 0.2 * rng.random((48, 64, 64), dtype=np.float32)
    for film, label in zip(films, labels, strict=True):
        film[20:44, 36 * label : 36 * label + 24] += 0.7
    return films, labels


def with_changes(recipe: Recipe, section: str, **changes: Any) -> Recipe:
    return recipe.model_copy(update={section: getattr(recipe, section).model_copy(update=changes)})


def train(
    recipe: Recipe, films: tuple[Films, NDArray[np.intp]], **options: Any
) -> tuple[nn.Module, list[EpochRecord]]:
    network = make_network()
    records = train_network(network, recipe, films, ({"clean": films[0]}, films[1]), **options)
    return network, records


def test_training_learns_and_is_the_same_each_time_with_any_workers(
    recipe: Recipe, drawn_films: tuple[Films, NDArray[np.intp]]
) -> None:
    recipe = recipe.model_copy(update={"augmentation": type(recipe.augmentation)(noise_std=0.02)})
    first, records = train(recipe, drawn_films)
    again, _ = train(recipe, drawn_films, workers=2)
    assert records[-1].auc["clean"] > 0.95
    assert records[-1].train_loss < records[0].train_loss
    for name, value in first.state_dict().items():
        assert value.equal(again.state_dict()[name]), name


def test_the_epoch_with_the_best_metric_is_kept(
    recipe: Recipe,
    drawn_films: tuple[Films, NDArray[np.intp]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[dict[str, torch.Tensor]] = []
    scores = iter([0.5, 0.9, 0.7, 0.9])

    def follow_script(validated: nn.Module, *_: object) -> dict[str, float]:
        seen.append({name: value.clone() for name, value in validated.state_dict().items()})
        return {"clean": next(scores)}

    network = make_network()
    monkeypatch.setattr("hilum.training.loop.validate", follow_script)
    train_network(network, recipe, drawn_films, ({}, drawn_films[1]))
    assert len(seen) == 4
    for name, value in network.state_dict().items():
        assert value.equal(seen[1][name]), name
    assert not network.training


def test_frozen_parameters_and_statistics_stay(
    recipe: Recipe, drawn_films: tuple[Films, NDArray[np.intp]]
) -> None:
    recipe = with_changes(recipe, "network", freeze=("conv1.*", "layer1.*"), freeze_batch_norm=True)
    before = make_network().state_dict()
    after = train(recipe, drawn_films)[0].state_dict()
    moved = {name for name in before if not before[name].equal(after[name])}
    assert "fc.weight" in moved
    assert not any(name.startswith(("conv1.", "layer1.")) for name in moved)
    assert not any("running_" in name for name in moved)


def test_a_pattern_that_names_nothing_is_an_error(recipe: Recipe) -> None:
    network = make_network()
    with pytest.raises(ConfigError, match="layer9"):
        freeze(network, with_changes(recipe, "network", freeze=("layer9.*",)).network)
    freeze(network, with_changes(recipe, "network", freeze=("*",)).network)
    with pytest.raises(ConfigError, match="no parameter to train"):
        build_optimizer(network, recipe.optimization)


def test_normalisations_of_frozen_layers_keep_their_statistics(recipe: Recipe) -> None:
    network = make_network()
    set_training_mode(network, with_changes(recipe, "network", freeze=("bn1.*",)).network)
    modes = {
        name: module.training
        for name, module in network.named_modules()
        if isinstance(module, nn.BatchNorm2d)
    }
    assert not modes.pop("bn1")
    assert all(modes.values())


def test_head_has_its_rate_and_vectors_no_decay(recipe: Recipe) -> None:
    network = make_network()
    section = with_changes(recipe, "optimization", head_learning_rate=0.5).optimization
    groups = build_optimizer(network, section).param_groups
    rates = {
        id(parameter): (group["lr"], group["weight_decay"])
        for group in groups
        for parameter in group["params"]
    }
    assert len(rates) == len(list(network.parameters()))
    for name, parameter in network.named_parameters():
        rate = 0.5 if name.startswith("fc.") else section.learning_rate
        decay = section.weight_decay if parameter.ndim > 1 else 0.0
        assert rates[id(parameter)] == (rate, decay)


def test_schedule_warms_up_and_ends_at_zero() -> None:
    factors = [schedule_factor(step, 100, 0.1) for step in range(100)]
    assert factors[:10] == sorted(factors[:10])
    assert max(factors) == 1.0
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[-1] < 0.001
    assert schedule_factor(0, 1, 0.0) == 1.0


def test_average_follows_the_weights() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)

    def read_weight(one: WeightAverage) -> float:
        return float(one.network.state_dict()["weight"].item())

    average = WeightAverage(network, 0.9)
    plain = WeightAverage(network, 0.0)
    nn.init.ones_(network.weight)
    values = []
    for _ in range(100):
        average.update(network)
        values.append(read_weight(average))
    plain.update(network)
    assert values[0] == pytest.approx(0.9)
    assert values == sorted(values)
    assert values[-1] > 0.999
    assert read_weight(plain) == 1.0


def test_mixup_mixes_films_and_labels_alike() -> None:
    films, labels = torch.rand(4, 1, 2, 2), torch.tensor([0.0, 1.0, 1.0, 0.0])
    same, same_labels = mix_batch(films, labels, 0.0, np.random.default_rng(0))
    assert same is films
    assert same_labels is labels
    mixed, mixed_labels = mix_batch(films, labels, 0.5, np.random.default_rng(0))
    share = float(np.random.default_rng(0).beta(0.5, 0.5))
    assert torch.allclose(mixed[0], share * films[0] + (1 - share) * films[3])
    assert mixed_labels[1] == pytest.approx(share * 1 + (1 - share) * 1)


def test_metrics_of_an_epoch() -> None:
    record = EpochRecord(3, 0.1, 0.2, {"clean": 0.9, "blur": 0.7})
    assert record.score("auc") == 0.9
    assert record.score("worst_stressed_auc") == 0.7
    assert record.score("mean_stressed_auc") == pytest.approx(0.8)
    assert record.score("last") == 3


def test_divergence_is_told(recipe: Recipe, drawn_films: tuple[Films, NDArray[np.intp]]) -> None:
    with pytest.raises(ConfigError, match="diverged"):
        train(with_changes(recipe, "optimization", learning_rate=1e20), drawn_films)
