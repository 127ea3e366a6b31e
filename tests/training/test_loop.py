from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import nn

from hilum.errors import ConfigError, TrainingError
from hilum.models.build import build_network
from hilum.training.loop import has_stopped, is_best, train_network
from hilum.training.map_loss import MapStudent
from hilum.training.network import build_recipe_network
from hilum.training.optimization import ProgressiveResizing, SelectionSection
from hilum.training.recipe import Recipe
from hilum.training.resume import StateFile
from hilum.training.validation import EpochRecord, Validation

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

    def follow_script(validated: nn.Module, *_: object) -> Validation:
        seen.append({name: value.clone() for name, value in validated.state_dict().items()})
        return Validation({"clean": next(scores)})

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


def test_patience_ends_a_run(
    recipe: Recipe,
    drawn_films: tuple[Films, NDArray[np.intp]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    losses = iter([0.5, 0.3, 0.4, 0.35, 0.1])
    monkeypatch.setattr(
        "hilum.training.loop.validate",
        lambda *_: Validation({"clean": 0.5}, loss=next(losses)),
    )
    recipe = with_changes(recipe, "optimization", epochs=5)
    recipe = with_changes(recipe, "selection", metric="loss", patience=2)
    records = train_network(make_network(), recipe, drawn_films, ({}, drawn_films[1]))
    assert [record.loss for record in records] == [0.5, 0.3, 0.4, 0.35]


def test_patience_counts_from_the_first_best() -> None:
    records = [EpochRecord(n, 0.1, 0.1, {"clean": auc}) for n, auc in enumerate((0.7, 0.9, 0.9), 1)]
    assert not has_stopped(records[:2], SelectionSection(patience=1))
    assert has_stopped(records, SelectionSection(patience=1))
    assert not has_stopped(records, SelectionSection(patience=2))
    assert not has_stopped(records, SelectionSection())
    assert not has_stopped([], SelectionSection(patience=1))


def test_an_epoch_without_stress_is_neither_kept_nor_counted_by_a_stressed_metric() -> None:
    section = SelectionSection(metric="worst_stressed_auc", stress_every=2, patience=1)
    calm = [EpochRecord(n, 0.1, 0.1, {"clean": 0.99}) for n in (1, 3)]
    stressed = EpochRecord(2, 0.1, 0.1, {"clean": 0.9, "blur": 0.8})
    assert not is_best(calm[0], [], section)
    assert is_best(stressed, calm[:1], section)
    assert not is_best(calm[1], [calm[0], stressed], section)
    records = [calm[0], stressed, calm[1]]
    assert not has_stopped(records, section)
    worse = EpochRecord(4, 0.1, 0.1, {"clean": 0.9, "blur": 0.7})
    assert not is_best(worse, records, section)
    assert has_stopped([*records, worse], section)
    assert is_best(calm[0], [stressed], SelectionSection(metric="auc"))


def test_stress_comes_every_so_many_epochs_and_at_the_end() -> None:
    def list_epochs(every: int) -> list[int]:
        section = SelectionSection(stress_every=every)
        return [epoch for epoch in range(1, 8) if section.stresses(epoch, 7)]

    assert list_epochs(0) == []
    assert list_epochs(1) == [1, 2, 3, 4, 5, 6, 7]
    assert list_epochs(3) == [3, 6, 7]
    with pytest.raises(ValidationError, match="stress_every"):
        SelectionSection(metric="mean_stressed_auc", stress_every=0)


def test_only_the_epochs_that_the_recipe_names_are_stressed(
    recipe: Recipe, drawn_films: tuple[Films, NDArray[np.intp]]
) -> None:
    recipe = with_changes(recipe, "optimization", epochs=3)
    recipe = with_changes(recipe, "selection", metric="worst_stressed_auc", stress_every=2)
    films, labels = drawn_films
    records = train_network(
        make_network(), recipe, drawn_films, ({"clean": films, "inverted": 1 - films}, labels)
    )
    assert [record.is_stressed for record in records] == [False, True, True]


def test_parts_of_a_batch_give_the_gradient_of_the_whole(
    recipe: Recipe, drawn_films: tuple[Films, NDArray[np.intp]]
) -> None:
    # Statistics of a batch see the parts, so they stay out of it.
    recipe = with_changes(recipe, "network", freeze_batch_norm=True)
    recipe = with_changes(recipe, "optimization", optimizer="sgd", learning_rate=0.5, epochs=1)
    whole, _ = train(recipe, drawn_films)
    parts, _ = train(with_changes(recipe, "optimization", accumulation=3), drawn_films)
    start = make_network().state_dict()
    assert (whole.state_dict()["fc.weight"] - start["fc.weight"]).abs().max() > 1e-3
    for name, value in whole.state_dict().items():
        assert torch.allclose(value, parts.state_dict()[name], rtol=0, atol=1e-6), name


def test_layers_that_thaw_later_move_later(
    recipe: Recipe, drawn_films: tuple[Films, NDArray[np.intp]]
) -> None:
    recipe = with_changes(recipe, "network", freeze=("layer1.*",))
    thaw = ({"epoch": 3, "parameters": ("layer1.*",)},)
    recipe = Recipe.model_validate(
        with_changes(recipe, "optimization", average_decay=0.0).model_dump()
        | {"optimization": recipe.optimization.model_dump() | {"unfreeze": thaw}}
    )
    start = make_network().state_dict()
    moved: list[bool] = []

    def watch(record: EpochRecord) -> None:
        weight = network.state_dict()["layer1.0.conv1.weight"]
        moved.append(not weight.equal(start["layer1.0.conv1.weight"]))

    network = make_network()
    films, labels = drawn_films
    train_network(network, recipe, drawn_films, ({"clean": films}, labels), report_epoch=watch)
    assert moved == [False, False, True, True]


def test_divergence_is_told_and_what_was_before_is_kept(
    recipe: Recipe, drawn_films: tuple[Films, NDArray[np.intp]], tmp_path: Path
) -> None:
    network = make_network()
    states = StateFile(tmp_path / "state.pt", {}, every_s=0.0)

    def poison(step: int, *_: object) -> None:
        if step == 4:  # as a step with a gradient that is not finite would
            with torch.no_grad():
                next(network.parameters()).fill_(float("nan"))

    films, labels = drawn_films
    with pytest.raises(TrainingError, match="diverged"):
        train_network(
            network,
            recipe,
            drawn_films,
            ({"clean": films}, labels),
            states=states,
            report_step=poison,
        )
    state = states.read()
    assert state is not None
    assert state["step"] == 3
    assert all(weight.isfinite().all() for weight in state["network"].values())


def test_a_loss_that_is_not_finite_stops_at_its_step(
    recipe: Recipe, drawn_films: tuple[Films, NDArray[np.intp]]
) -> None:
    with pytest.raises(TrainingError, match=r"step \d+ is no longer finite.*learning_rate"):
        train(with_changes(recipe, "optimization", learning_rate=1e20), drawn_films)


def test_films_that_grow_train_and_a_resumed_run_grows_alike(
    recipe: Recipe, drawn_films: tuple[Films, NDArray[np.intp]], tmp_path: Path
) -> None:
    resizing = ProgressiveResizing(first_height_px=32, full_from_epoch=recipe.optimization.epochs)
    growing = with_changes(recipe, "optimization", progressive_resizing=resizing)
    plain, _ = train(recipe, drawn_films)
    first, records = train(growing, drawn_films)
    assert records[-1].auc["clean"] > 0.9

    states = StateFile(tmp_path / "state.pt", {}, every_s=0.0)

    def kill(step: int, *_: object) -> None:
        if step == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(growing, drawn_films, states=states, report_step=kill)
    state = states.read()
    assert state is not None
    assert state["epoch"] > 1
    again, _ = train(growing, drawn_films, states=states)
    for name, value in first.state_dict().items():
        assert value.equal(again.state_dict()[name]), name
    assert not all(
        value.equal(plain.state_dict()[name]) for name, value in first.state_dict().items()
    )


def test_a_vision_transformer_begins_with_smaller_films_and_shows_their_map(
    small_recipe: dict[str, Any],
) -> None:
    small_recipe["network"] = {"architecture": "vit_tiny_patch16_224", "init": "none"}
    small_recipe["input"] |= {"height_px": 224, "width_px": 224}
    resizing = {"first_height_px": 64, "full_from_epoch": 2}
    small_recipe["optimization"]["progressive_resizing"] = resizing
    network = build_recipe_network(Recipe.model_validate(small_recipe))
    for side in (64, 224):
        logits, evidence, bias, _ = MapStudent(network)(torch.randn(2, 1, side, side))
        assert evidence.shape[1:] == (side // 16, side // 16)
        torch.testing.assert_close(evidence.mean(dim=(1, 2)) + bias, logits[:, 0])


def test_films_of_a_size_that_the_network_does_not_take_are_refused(
    small_recipe: dict[str, Any],
) -> None:
    small_recipe["network"] = {"architecture": "vit_tiny_patch16_224", "init": "none"}
    small_recipe["input"] |= {"height_px": 224, "width_px": 224}
    build_recipe_network(Recipe.model_validate(small_recipe))
    resizing = {"first_height_px": 40, "full_from_epoch": 2}
    small_recipe["optimization"]["progressive_resizing"] = resizing
    with pytest.raises(ConfigError, match="vit_tiny_patch16_224 does not take films of 40x40 px"):
        build_recipe_network(Recipe.model_validate(small_recipe))


def test_half_precision_needs_cuda(
    recipe: Recipe, drawn_films: tuple[Films, NDArray[np.intp]]
) -> None:
    with pytest.raises(ConfigError, match="float16 needs a CUDA device"):
        train(with_changes(recipe, "optimization", precision="float16"), drawn_films)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_training_on_cuda_learns_and_is_the_same_each_time(
    recipe: Recipe, drawn_films: tuple[Films, NDArray[np.intp]], precision: str
) -> None:
    recipe = with_changes(recipe, "optimization", precision=precision)
    weights = []
    for _ in range(2):
        network = make_network().cuda()
        films, labels = drawn_films
        records = train_network(network, recipe, drawn_films, ({"clean": films}, labels))
        assert records[-1].auc["clean"] > 0.95
        weights.append(network.state_dict())
    for name, value in weights[0].items():
        assert value.equal(weights[1][name]), name
