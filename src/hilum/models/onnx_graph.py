"""Surgery on an exported ONNX graph: fold norms, drop what does nothing, strip traces.

Initialisers keep the names that the tensors have in timm's network, so that
:mod:`hilum.models.restore` finds the way back from the graph to torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hilum.errors import MissingExtraError

try:
    from onnx import ModelProto, NodeProto, numpy_helper
except ImportError as error:
    raise MissingExtraError("train", "export a network to ONNX") from error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def fold_batch_norms(model: ModelProto) -> dict[str, str]:
    """Fold each batch norm that alone follows a convolution into it, in place.

    A norm's own ``bias`` takes the folded shift and keeps its name; its scale goes into the
    convolution's weight. Norms elsewhere (DenseNet has them before the activation) stay.

    Returns
    -------
    Name of the folded norm to name of its convolution.
    """
    graph = model.graph
    tensors = _read_tensors(model)
    producers = {name: node for node in graph.node for name in node.output}
    uses = _count_uses(model)
    folded: dict[str, str] = {}
    for norm in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        convolution = producers.get(norm.input[0])
        if (
            convolution is None
            or convolution.op_type != "Conv"
            or uses[convolution.output[0]] != 1
            or uses[convolution.input[1]] != 1
            or not all(name in tensors for name in [*convolution.input[1:], *norm.input[1:]])
        ):
            continue
        gamma, beta, mean, variance = (tensors[name].astype(np.float64) for name in norm.input[1:])
        scale = gamma / np.sqrt(variance + _read_epsilon(norm))
        weight = tensors[convolution.input[1]].astype(np.float64)
        shift = tensors[convolution.input[2]] if len(convolution.input) > 2 else np.zeros(1)
        tensors[convolution.input[1]] = _to_float32(weight * scale[:, None, None, None])
        tensors[norm.input[2]] = _to_float32((shift - mean) * scale + beta)
        folded[_module_of(norm.input[2])] = _module_of(convolution.input[1])
        convolution.input[:] = [convolution.input[0], convolution.input[1], norm.input[2]]
        convolution.output[0] = norm.output[0]
        graph.node.remove(norm)
    _write_tensors(model, tensors)
    return folded


def drop_zero_biases(model: ModelProto, known: Iterable[str]) -> None:
    """Drop the zero biases that the exporter gives to convolutions without one, in place."""
    tensors = _read_tensors(model)
    known = set(known)
    for node in model.graph.node:
        if node.op_type != "Conv" or len(node.input) < 3 or node.input[2] in known:
            continue
        if node.input[2] in tensors and not tensors[node.input[2]].any():
            node.input.pop()
    _write_tensors(model, tensors)


def rename_initialisers(model: ModelProto, names: dict[str, str]) -> None:
    """Rename initialisers wherever the graph uses them, in place."""
    for tensor in model.graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]


def strip_traces(model: ModelProto) -> None:
    """Remove what the exporter notes of the machine and of the source, in place."""
    graph = model.graph
    for item in [*graph.node, *graph.input, *graph.output, *graph.initializer, graph, model]:
        del item.metadata_props[:]
        item.doc_string = ""
    del graph.value_info[:]


def _read_tensors(model: ModelProto) -> dict[str, NDArray[Any]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def _write_tensors(model: ModelProto, tensors: dict[str, NDArray[Any]]) -> None:
    # Back into the graph, less what no node uses any more.
    uses = _count_uses(model)
    del model.graph.initializer[:]
    model.graph.initializer.extend(
        numpy_helper.from_array(values, name) for name, values in tensors.items() if uses.get(name)
    )


def _count_uses(model: ModelProto) -> dict[str, int]:
    uses: dict[str, int] = {}
    for name in [
        *(name for node in model.graph.node for name in node.input),
        *(output.name for output in model.graph.output),
    ]:
        uses[name] = uses.get(name, 0) + 1
    return uses


def _read_epsilon(norm: NodeProto) -> float:
    values = [attribute.f for attribute in norm.attribute if attribute.name == "epsilon"]
    return float(values[0]) if values else 1e-5  # the operator's default


def _module_of(name: str) -> str:
    return name.rpartition(".")[0]


def _to_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, dtype=np.float32)
