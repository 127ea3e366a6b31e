"""What the torch backend has of its own; the rest is in ``test_contract.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from factories.timm_networks import (
    SMALL_EFFICIENTNET,
    SMALL_RESNET,
    build_seasoned_network,
    export_network,
    make_spec,
    write_run,
)
from hilum.errors import ConfigError, SpecMismatchError, UnknownModelError
from hilum.inference.torch_backend import TorchBackend
from hilum.models.build import build_network


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_run(folder)
    return folder


@pytest.fixture
def spec(folder: Path) -> Any:
    from hilum.spec import read_spec

    return read_spec(folder / "small.json")


def test_no_checkpoint_is_an_error(spec: Any, tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError):
        TorchBackend.from_checkpoint(tmp_path / "absent.safetensors", spec)


def test_another_network_is_an_error(spec: Any) -> None:
    other = build_network(SMALL_EFFICIENTNET, init="none")
    with pytest.raises(SpecMismatchError, match="embeddings of"):
        TorchBackend(spec, other)


def test_another_bias_is_an_error(spec: Any) -> None:
    network: Any = build_seasoned_network(SMALL_RESNET)
    with torch.no_grad():
        network.fc.bias += 0.01
    with pytest.raises(SpecMismatchError, match=r"head bias 0\.26"):
        TorchBackend(spec, network)


def test_a_network_for_colour_is_an_error(spec: Any) -> None:
    with pytest.raises(SpecMismatchError, match="not the one that the spec of small describes"):
        TorchBackend(spec, build_network(SMALL_RESNET, init="none", in_channels=3))


def test_a_device_that_is_not_here_is_an_error(spec: Any) -> None:
    with pytest.raises(ConfigError, match="device 'teapot'"):
        TorchBackend(spec, build_seasoned_network(SMALL_RESNET), device="teapot")


@pytest.mark.gpu
def test_a_gpu_agrees_with_the_cpu() -> None:
    network = build_seasoned_network(SMALL_RESNET)
    spec = make_spec(export_network(network, SMALL_RESNET))
    batch = np.random.default_rng(0).standard_normal((2, 1, 64, 64), dtype=np.float32)
    with TorchBackend(spec, network) as backend:
        expected = backend.run(batch)
    with TorchBackend(spec, network, device="cuda") as backend:
        output = backend.run(batch)
    np.testing.assert_allclose(output.logit, expected.logit, rtol=0, atol=1e-3)
