"""A model's network on torch, and its layers by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from hilum.errors import ConfigError, MissingExtraError
from hilum.inference import OnnxBackend
from hilum.inference.backend import Backend
from hilum.language import Text

try:
    import torch
    from torch import nn

    from hilum.inference.torch_backend import TorchBackend
except ImportError as error:
    raise MissingExtraError(
        "train", Text("explain by a method that looks inside the network")
    ) from error

if TYPE_CHECKING:
    from hilum.models.head import EvidenceNetwork

# Each ONNX backend's network on torch, for as long as the backend lives.
_RESTORED: WeakKeyDictionary[OnnxBackend, TorchBackend] = WeakKeyDictionary()
# The layer that each network pools: it takes a pass to find.
_POOLED: WeakKeyDictionary[EvidenceNetwork, str] = WeakKeyDictionary()


def open_network(backend: Backend) -> EvidenceNetwork:
    """Give the network of a backend on torch, restored from its ONNX file where it is on that.

    Raises
    ------
    ConfigError
        The backend is of another kind.
    SpecMismatchError
        The ONNX file is an ensemble, or `hilum export` did not write it.
    ModelError
        The backend was closed.
    """
    if isinstance(backend, TorchBackend):
        return backend.network
    if not isinstance(backend, OnnxBackend):
        raise ConfigError(f"{type(backend).__name__} holds no network that torch could run.")
    weights = backend.weights
    if backend not in _RESTORED:
        _RESTORED[backend] = TorchBackend.from_weights(backend.spec, weights)
    return _RESTORED[backend].network


def list_layers(network: EvidenceNetwork) -> dict[str, nn.Module]:
    """List the layers that a map can be made of, from the film to the head.

    They are the ends of the stages, or of a transformer's blocks, as timm names them, and at
    the end the layer that the network pools.

    Raises
    ------
    ConfigError
        None of the network's modules gives what it pools.
    """
    inner = network.network
    names = [facts["module"] for facts in getattr(inner, "feature_info", ())]
    modules: dict[str, nn.Module] = dict(inner.named_modules())
    layers = {name: modules[name] for name in names if name in modules}
    if network not in _POOLED:
        _POOLED[network] = _find_pooled_layer(network)
    last = _POOLED[network]
    pooled = modules[last]
    return {name: one for name, one in layers.items() if one is not pooled} | {last: pooled}


def choose_layers(network: EvidenceNetwork, names: str) -> list[nn.Module]:
    """Find layers by their names, joined by commas; ``"last"`` is the one that is pooled.

    Raises
    ------
    ConfigError
        There is no such layer; the message lists those there are.
    """
    layers = list_layers(network)
    last = list(layers.values())[-1]
    chosen: list[nn.Module] = []
    for name in (one.strip() for one in names.split(",")):
        if name != "last" and name not in layers:
            raise ConfigError(
                f"{type(network.network).__name__} has no layer {name!r} to make a map of. There "
                f"are: {', '.join(layers)}; or last."
            )
        module = last if name == "last" else layers[name]
        if module not in chosen:
            chosen.append(module)
    return chosen


def _find_pooled_layer(network: EvidenceNetwork) -> str:
    """Find the module whose output is what ``forward_features`` gives.

    Of several, one within another, it is the end of a stage, else the outermost.
    """
    inner = network.network
    modules: dict[str, nn.Module] = {name: one for name, one in inner.named_modules() if name}
    outputs: dict[str, object] = {}

    def keep(name: str) -> torch.utils.hooks.RemovableHandle:
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            outputs[name] = output

        return modules[name].register_forward_hook(hook)

    handles = [keep(name) for name in modules]
    probe = torch.zeros(1, network.in_channels, *network.size_px).to(network.head.weight)
    try:
        with torch.inference_mode():
            features = inner.forward_features(probe)
    finally:
        for handle in handles:
            handle.remove()
    same = [name for name, output in outputs.items() if output is features]
    if not same:
        raise ConfigError(
            f"{type(inner).__name__} gives what it pools by no layer of its own, so no map can be "
            "made from gradients there. `evidence` needs none."
        )
    stages = {facts["module"] for facts in getattr(inner, "feature_info", ())}
    return min(same, key=lambda one: (one not in stages, one.count(".")))
