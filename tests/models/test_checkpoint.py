"""Checkpoints come back whole, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from factories.timm_networks import SMALL_RESNET, SMALL_VIT, build_seasoned_network
from hilum.errors import SpecMismatchError, UnknownModelError
from hilum.models.checkpoint import (
    CheckpointMetadata,
    load_checkpoint,
    read_checkpoint_metadata,
    save_checkpoint,
)

METADATA = CheckpointMetadata(SMALL_RESNET, 1, 64, 64, "random", {"epoch": 3, "auc": 0.5})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, build_seasoned_network(SMALL_RESNET), METADATA)
    return path


def test_network_and_metadata_come_back(path: Path) -> None:
    loaded = load_checkpoint(path)
    assert loaded.metadata == METADATA == read_checkpoint_metadata(path)
    assert not loaded.network.training
    film = torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(loaded.network(film), build_seasoned_network(SMALL_RESNET)(film))


def test_nothing_else_is_left_in_the_folder(path: Path) -> None:
    assert list(path.parent.iterdir()) == [path]


def test_memory_format_does_not_matter(tmp_path: Path, path: Path) -> None:
    network: Any = build_seasoned_network(SMALL_RESNET)
    other = tmp_path / "other.safetensors"
    save_checkpoint(other, network.to(memory_format=torch.channels_last), METADATA)
    assert other.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("kept", [0, 4, 200, -100])
def test_a_truncated_file_is_an_error(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SpecMismatchError, match=r"checkpoint\.safetensors"):
        load_checkpoint(path)


def test_a_file_of_another_program_is_an_error(path: Path) -> None:
    save_file(load_file(path), path)
    with pytest.raises(SpecMismatchError, match="no checkpoint of hilum"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "header", ["{", "[]", '{"format": 1}', '{"format": 2}', '{"format": 1, "unknown": 1}']
)
def test_damaged_metadata_is_an_error(path: Path, header: str) -> None:
    save_file(load_file(path), path, metadata={"hilum": header})
    with pytest.raises(SpecMismatchError, match=r"checkpoint\.safetensors"):
        load_checkpoint(path)


def test_weights_of_another_network_are_an_error(path: Path) -> None:
    metadata = CheckpointMetadata(SMALL_VIT, 1, 160, 160)
    save_checkpoint(path, build_seasoned_network(SMALL_RESNET), metadata)
    with pytest.raises(SpecMismatchError, match="does not hold the weights of test_vit"):
        load_checkpoint(path)


def test_an_unknown_network_is_an_error(path: Path) -> None:
    metadata = CheckpointMetadata("resnet19", 1, 64, 64)
    save_checkpoint(path, build_seasoned_network(SMALL_RESNET), metadata)
    with pytest.raises(SpecMismatchError, match="resnet19"):
        load_checkpoint(path)


def test_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"no checkpoint absent\.safetensors"):
        load_checkpoint(tmp_path / "absent.safetensors")
