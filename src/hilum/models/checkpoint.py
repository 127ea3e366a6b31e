"""Checkpoints: the weights of one network in a safetensors file, with what rebuilds it.

The metadata travels as JSON in the safetensors header. Nothing in the file is code.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.errors import ConfigError, MissingExtraError, SpecMismatchError, UnknownModelError
from hilum.files import write_whole
from hilum.models.build import build_network

try:
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file, save
except ImportError as error:
    raise MissingExtraError("train", "read or write a checkpoint") from error

if TYPE_CHECKING:
    import os

    from torch import nn

CHECKPOINT_FORMAT = 1


@dataclass(frozen=True, slots=True)
class CheckpointMetadata:
    """What is needed to build the network again, and where it comes from.

    timm_name, in_channels
        Arguments of :func:`hilum.models.build.build_network`.
    height_px, width_px
        Size of the input that the network was trained with.
    initialisation
        Where its first weights came from, in words.
    extra
        JSON-serialisable facts of the run (epoch, metrics, recipe).
    """

    timm_name: str
    in_channels: int
    height_px: int
    width_px: int
    initialisation: str = "random"
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A network in evaluation mode, and its metadata."""

    network: nn.Module
    metadata: CheckpointMetadata


def save_checkpoint(
    path: str | os.PathLike[str], network: nn.Module, metadata: CheckpointMetadata
) -> None:
    """Write the weights of ``network`` to ``path``, whole or not at all.

    Parameters
    ----------
    network
        A network of :func:`hilum.models.build.build_network`, on any device and in any
        memory format.
    """
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    header = {"hilum": json.dumps({"format": CHECKPOINT_FORMAT, **asdict(metadata)})}
    write_whole(path, save(tensors, metadata=header))


def read_checkpoint_metadata(path: str | os.PathLike[str]) -> CheckpointMetadata:
    """Read the metadata of a checkpoint without its weights.

    Raises
    ------
    UnknownModelError
        No file of that name.
    SpecMismatchError
        The file is damaged or is no checkpoint of hilum.
    """
    path = Path(path)
    if not path.is_file():
        raise UnknownModelError(f"There is no checkpoint {path.name}.")
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get("hilum")
    except (SafetensorError, OSError) as error:
        raise SpecMismatchError(
            f"The checkpoint {path.name} is damaged or is not a safetensors file: {error}"
        ) from error
    if header is None:
        raise SpecMismatchError(f"{path.name} is a safetensors file, but no checkpoint of hilum.")
    try:
        facts = json.loads(header)
        if facts.pop("format") != CHECKPOINT_FORMAT:
            raise SpecMismatchError(
                f"The checkpoint {path.name} has another format than this version of hilum reads."
            )
        return CheckpointMetadata(**facts)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SpecMismatchError(f"The metadata of {path.name} is damaged: {error}") from error


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Build the network of a checkpoint and load its weights.

    Raises
    ------
    UnknownModelError
        No file of that name.
    SpecMismatchError
        The file is damaged, is no checkpoint of hilum, or its tensors are not those of the
        network that it names.
    """
    path = Path(path)
    metadata = read_checkpoint_metadata(path)
    try:
        network = build_network(metadata.timm_name, init="none", in_channels=metadata.in_channels)
        network.load_state_dict(load_file(path))
    except (ConfigError, SafetensorError, OSError, RuntimeError) as error:
        raise SpecMismatchError(
            f"The checkpoint {path.name} does not hold the weights of {metadata.timm_name}: "
            f"{str(error).splitlines()[0]}"
        ) from error
    return Checkpoint(network.eval(), metadata)
