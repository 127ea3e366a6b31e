"""How the weights of an exported graph lie on disk; arithmetic stays float32.

A stored weight becomes float32 by nodes at its side, which ONNX Runtime computes once, on load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hilum.errors import ExportError, MissingExtraError

try:
    from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
except ImportError as error:
    raise MissingExtraError("train", "export a network to ONNX") from error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hilum.spec import Storage

_FLOAT16_MAX = float(np.finfo(np.float16).max)
_INT8_MAX = 127
# A channel with fewer weights (of a depthwise convolution, say) has little to give and much to
# lose: with those in int8 too, the shipped EfficientNet-Lite0 was 3.5 times as far off.
_LEAST_INT8_CHANNEL = 64


def store_weights(model: ModelProto, storage: Storage) -> None:
    """Store the weights of two and more dimensions as ``storage`` says, in place.

    ``"int8"`` keeps each output channel as whole numbers of -127 to 127 with a float32 scale
    (symmetric, rounded to nearest); weights with one output or few weights a channel, and those
    of no convolution or linear layer, become float16. Vectors (biases, norms) stay float32: they
    are few, and a norm's variance may lie below what float16 can hold.

    Raises
    ------
    ExportError
        A weight is beyond the range of float16.
    """
    if storage == "float32":
        return
    nodes: list[NodeProto] = []
    scales: list[TensorProto] = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        name, restored = tensor.name, f"{tensor.name}.float32"
        values = numpy_helper.to_array(tensor)
        axis = _find_output_axis(model, name) if storage == "int8" else None
        for node in model.graph.node:
            node.input[:] = [restored if used == name else used for used in node.input]
        if axis is not None and _is_worth_int8(values, axis):
            whole, scale = quantize(values, axis)
            tensor.CopyFrom(numpy_helper.from_array(whole, name))
            scales.append(numpy_helper.from_array(scale, f"{name}.scale"))
            cast = f"{name}.cast"
            nodes.append(_make_cast(name, cast))
            nodes.append(helper.make_node("Mul", [cast, f"{name}.scale"], [restored], restored))
        else:
            tensor.CopyFrom(numpy_helper.from_array(_to_float16(values, name), name))
            nodes.append(_make_cast(name, restored))
    model.graph.initializer.extend(scales)
    nodes += model.graph.node
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def read_weights_as_float32(model: ModelProto) -> dict[str, NDArray[np.float32]]:
    """Give every weight of a graph as the float32 numbers that it stands for."""
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    weights = {}
    for name, values in stored.items():
        if values.dtype in (np.float32, np.float16):
            weights[name] = values.astype(np.float32)
        elif values.dtype == np.int8:
            weights[name] = values.astype(np.float32) * stored[f"{name}.scale"]
    return weights


def quantize(
    values: NDArray[np.float32], axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round weights to whole numbers of a step for each channel along ``axis``.

    Returns
    -------
    int8 of the shape of ``values``, and the steps, float32, of a shape that multiplies with it.
    """
    others = tuple(index for index in range(values.ndim) if index != axis % values.ndim)
    largest = np.abs(values).max(axis=others, keepdims=True)
    scale = (largest / _INT8_MAX).astype(np.float32)
    # A channel of zeros, or of numbers so small that their step is one, rounds to zeros.
    scale[scale == 0] = 1.0
    return np.rint(values / scale).clip(-_INT8_MAX, _INT8_MAX).astype(np.int8), scale


def _find_output_axis(model: ModelProto, name: str) -> int | None:
    """Find which axis of a weight counts the outputs of the one kind of layer that uses it."""
    axes = {
        _give_output_axis(node, list(node.input).index(name))
        for node in model.graph.node
        if name in node.input
    }
    return axes.pop() if len(axes) == 1 else None


def _give_output_axis(node: NodeProto, place: int) -> int | None:
    if (node.op_type, place) == ("Transpose", 0):
        return 0  # a linear layer of torch, (outputs, inputs), turned for a MatMul
    if place != 1:
        return None
    if node.op_type == "Gemm":
        return 0 if any(item.name == "transB" and item.i for item in node.attribute) else -1
    return {"Conv": 0, "MatMul": -1}.get(node.op_type)


def _is_worth_int8(values: NDArray[np.float32], axis: int) -> bool:
    channels: int = values.shape[axis]
    return channels > 1 and values.size >= _LEAST_INT8_CHANNEL * channels


def _to_float16(values: NDArray[np.float32], name: str) -> NDArray[np.float16]:
    if not np.abs(values).max() <= _FLOAT16_MAX:
        raise ExportError(
            f"The weights {name} exceed the range of float16. Export them with storage float32."
        )
    return values.astype(np.float16)


def _make_cast(name: str, output: str) -> NodeProto:
    return helper.make_node("Cast", [name], [output], name=output, to=TensorProto.FLOAT)
