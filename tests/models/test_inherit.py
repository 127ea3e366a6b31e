"""Networks that begin as a model of hilum: the same one, or a deeper one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from factories.timm_networks import (
    SMALL_EFFICIENTNET,
    SMALL_RESNET,
    SMALL_VIT,
    choose_size_px,
    write_run,
)
from hilum.errors import ConfigError, SpecMismatchError, UnknownModelError
from hilum.models.build import build_network
from hilum.models.export import export_onnx
from hilum.models.inherit import unfold_norms
from hilum.models.initialisation import describe_initialisation
from hilum.models.restore import is_folded, restore_network
from hilum.models.zoo import list_names, resolve_model
from hilum.spec import read_weights

NAMES = [SMALL_RESNET, SMALL_EFFICIENTNET, SMALL_VIT]


def draw(timm_name: str, *, films: int = 4, channels: int = 1, seed: int = 0) -> Tensor:
    side = choose_size_px(timm_name)
    return torch.rand(films, channels, side, side, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def answer(network: nn.Module, films: Tensor) -> Tensor:
    mode = network.training
    logits: Tensor = network.eval()(films)
    network.train(mode)
    return logits


def answer_as_shipped(folder: Path | str, films: Tensor) -> Tensor:
    spec, place = resolve_model(folder)
    return answer(restore_network(read_weights(spec, place)), films)


@pytest.fixture
def parent(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    folder = tmp_path / "parent"
    write_run(folder, getattr(request, "param", SMALL_RESNET))
    return str(folder)


@pytest.mark.parametrize(("parent", "name"), [(name, name) for name in NAMES], indirect=["parent"])
def test_a_network_begins_as_the_model_and_stays_so_with_its_norms_unfolded(
    parent: str, name: str
) -> None:
    network = build_network(name, init=parent)
    assert network.training
    films = draw(name)
    told = answer_as_shipped(parent, films)
    torch.testing.assert_close(answer(network, films), told, rtol=1e-4, atol=1e-5)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert unfold_norms(network, torch.split(draw(name, seed=1), 2)) == len(norms)
    assert network.training
    torch.testing.assert_close(answer(network, films), told, rtol=1e-4, atol=1e-5)
    assert not any(map(is_folded, norms))
    assert unfold_norms(network, iter(())) == 0  # once is enough


def test_unfolded_norms_normalise_what_reaches_them(parent: str) -> None:
    network: Any = build_network(SMALL_RESNET, init=parent)
    films = draw(SMALL_RESNET, films=8)
    unfold_norms(network, torch.split(films, 4))
    norm = network.get_submodule("layer1.0.bn2")
    seen: list[Tensor] = []
    norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    answer(network, films)
    torch.testing.assert_close(norm.running_mean, seen[0].mean(dim=(0, 2, 3)))
    torch.testing.assert_close(norm.running_var, seen[0].var(dim=(0, 2, 3), correction=0))
    # With the same films as one batch, training mode computes what evaluation mode does.
    told = answer(network, films)
    with torch.no_grad():
        torch.testing.assert_close(network.train()(films), told, rtol=1e-3, atol=1e-4)


def test_filters_have_the_size_that_they_are_drawn_with(parent: str) -> None:
    """A step of the usual size would throw smaller ones over."""
    network: Any = build_network(SMALL_RESNET, init=parent)
    for name in ("conv1.0.weight", "layer1.0.conv2.weight", "layer4.0.conv1.weight"):
        filters = network.get_parameter(name)
        fan_out = filters.shape[0] * filters.shape[2] * filters.shape[3]
        sizes = filters.detach().flatten(1).square().mean(dim=1).sqrt()
        torch.testing.assert_close(sizes, torch.full_like(sizes, (2 / fan_out) ** 0.5))


def test_a_channel_that_learned_nothing_stays_silent(tmp_path: Path) -> None:
    network: Any = build_network(SMALL_RESNET, init="none").eval()
    with torch.no_grad():
        network.get_parameter("layer1.0.conv1.weight")[3] = 0.0
    told = answer(network, draw(SMALL_RESNET))
    folder = tmp_path / "silent"
    spec = write_run(folder)
    graph = export_onnx(network, height_px=64, width_px=64)
    (folder / spec.weights.file).write_bytes(graph.data)
    weights = spec.weights.model_copy(update={"sha256": graph.sha256})
    (folder / f"{spec.name}.json").write_text(
        spec.model_copy(update={"weights": weights}).model_dump_json()
    )
    again = build_network(SMALL_RESNET, init=str(folder))
    unfold_norms(again, [draw(SMALL_RESNET, seed=1)])
    torch.testing.assert_close(answer(again, draw(SMALL_RESNET)), told, rtol=1e-4, atol=1e-5)
    assert all(bool(value.isfinite().all()) for value in again.state_dict().values())


@pytest.mark.slow
def test_resnet34_grows_out_of_the_shipped_resnet18() -> None:
    torch.manual_seed(0)
    network: Any = build_network("resnet34", init="hilum-resnet18")
    films = torch.rand(2, 1, 224, 224, generator=torch.Generator().manual_seed(0))
    told = answer_as_shipped("hilum-resnet18", films)
    torch.testing.assert_close(answer(network, films), told, rtol=1e-4, atol=1e-4)
    further = network.get_parameter("layer3.5.conv1.weight")
    assert float(further.detach().std()) > 0.01  # drawn, not zero: it can learn
    # A fresh norm was never folded, and is left as it is.
    assert not is_folded(network.get_submodule("layer3.5.bn1"))


def test_a_head_of_two_logits_is_drawn_anew(parent: str) -> None:
    network: Any = build_network(SMALL_RESNET, init=parent, outputs=2)
    assert network.fc.weight.shape[0] == 2
    one: Any = build_network(SMALL_RESNET, init=parent)
    network.reset_classifier(0)
    one.reset_classifier(0)
    films = draw(SMALL_RESNET)
    torch.testing.assert_close(answer(network, films), answer(one, films))


def test_a_stem_of_three_channels_sees_the_same_film_in_each(parent: str) -> None:
    films = draw(SMALL_RESNET)
    network = build_network(SMALL_RESNET, init=parent, in_channels=3)
    torch.testing.assert_close(
        answer(network, films.expand(-1, 3, -1, -1)),
        answer_as_shipped(parent, films),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.slow
def test_blocks_that_are_not_identity_are_refused() -> None:
    """Lite1 is Lite0 with further blocks, of which none begins as identity."""
    with pytest.raises(ConfigError, match=r"do not begin as identity.*resnet34 is to resnet18"):
        build_network("tf_efficientnet_lite1", init="hilum-efficientnet-lite0")


def test_another_network_is_refused(parent: str) -> None:
    with pytest.raises(ConfigError, match=r"small \(test_resnet\) does not hold the weights"):
        build_network(SMALL_EFFICIENTNET, init=parent)


def test_a_model_is_found_by_its_name_its_folder_its_spec_and_its_graph(parent: str) -> None:
    told = answer_as_shipped(parent, draw(SMALL_RESNET))
    for init in (parent, f"{parent}/small.json", f"{parent}/small.onnx"):
        network = build_network(SMALL_RESNET, init=init)
        torch.testing.assert_close(answer(network, draw(SMALL_RESNET)), told, rtol=1e-4, atol=1e-5)
        text = describe_initialisation(init, SMALL_RESNET)
        spec, _ = resolve_model(parent)
        digest = spec.weights.sha256
        assert text == f"weights of the model small {spec.version} (SHA-256 {digest})"
        assert parent not in text
    assert "hilum-resnet18" in describe_initialisation("hilum-resnet18", "resnet34")


def test_damaged_and_missing_models_are_told(parent: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="holds no spec"):
        build_network(SMALL_RESNET, init=str(tmp_path))
    with pytest.raises(UnknownModelError, match="Shipped models"):
        build_network(SMALL_RESNET, init="nowhere.json")
    with pytest.raises(ConfigError, match=list_names()[0]):
        build_network(SMALL_RESNET, init="hilum-nothing")
    graph = Path(parent) / "small.onnx"
    graph.write_bytes(graph.read_bytes()[:-9])
    with pytest.raises(SpecMismatchError):
        build_network(SMALL_RESNET, init=parent)
