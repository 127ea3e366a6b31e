"""Networks that have forgotten what they learned: the control of every explanation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hilum.errors import MissingExtraError
from hilum.models.onnx_storage import quantize, read_weights_as_float32

try:
    import onnx
    from onnx import TensorProto, numpy_helper
except ImportError as error:
    raise MissingExtraError("train", "shuffle the weights of a network") from error

if TYPE_CHECKING:
    from onnx import ModelProto

_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT8)
# A group that holds more of the weights than this share is told apart by one more part.
_LARGEST_GROUP = 0.5


def shuffle_weights(weights: bytes, seed: int | tuple[int, ...] = 0) -> Iterator[tuple[str, bytes]]:
    """Shuffle a network's weights from its end to its beginning, step by step.

    Every tensor keeps its numbers and loses their order: the scale of what the network computes
    stays, which weights drawn from a distribution would not give where norms are folded.

    Parameters
    ----------
    weights
        An ONNX file of hilum.

    Yields
    ------
    Name of the layers that were shuffled last, e.g. ``"layer3"``, and the file as it then is. The
    first is the head, the last the stem, and then all weights are shuffled.
    """
    model = onnx.load_from_string(weights)
    rng = np.random.default_rng(seed)
    for name, tensors in reversed(group_weights(model).items()):
        _shuffle(model, tensors, rng)
        yield name, model.SerializeToString()


def list_layers(weights: bytes) -> list[str]:
    """List what :func:`shuffle_weights` shuffles, in its order."""
    return list(reversed(group_weights(onnx.load_from_string(weights))))


def group_weights(model: ModelProto) -> dict[str, list[str]]:
    """Group the names of a graph's weights by layer, in the order in which the graph uses them.

    A layer is the first part of the names (``"layer3"``); where more than half of all weights are
    in one such group, it is told apart by two parts (``"blocks.4"``).
    """
    sizes = {
        tensor.name: int(np.prod(tensor.dims))
        for tensor in model.graph.initializer
        if tensor.data_type in _FLOATS
        and int(np.prod(tensor.dims)) > 1
        and not tensor.name.endswith(".scale")
    }
    used = [name for node in model.graph.node for name in node.input]
    # Stored weights are cast by nodes that stand first: their use is that of the result.
    places = {name.removesuffix(".float32"): place for place, name in enumerate(used)}
    names = sorted(sizes, key=lambda name: places.get(name, len(used)))
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.split(".")[0], []).append(name)
    whole = sum(sizes.values())
    told: dict[str, list[str]] = {}
    for group, members in groups.items():
        large = sum(sizes[name] for name in members) > _LARGEST_GROUP * whole
        for name in members:
            parts = name.split(".")
            key = ".".join(parts[:2]) if large and len(parts) > 2 else group
            told.setdefault(key, []).append(name)
    return told


def _shuffle(model: ModelProto, names: list[str], rng: np.random.Generator) -> None:
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    values = read_weights_as_float32(model)
    for name in names:
        tensor = tensors[name]
        shuffled = rng.permutation(values[name].ravel()).reshape(values[name].shape)
        if tensor.data_type == TensorProto.INT8:
            scale = tensors[f"{name}.scale"]
            (axis,) = (place for place, size in enumerate(scale.dims) if size > 1)
            whole, steps = quantize(shuffled, axis)
            tensor.CopyFrom(numpy_helper.from_array(whole, name))
            scale.CopyFrom(numpy_helper.from_array(steps, scale.name))
        else:
            kind = np.float16 if tensor.data_type == TensorProto.FLOAT16 else np.float32
            tensor.CopyFrom(numpy_helper.from_array(shuffled.astype(kind), name))
