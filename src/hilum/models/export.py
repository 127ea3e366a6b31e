"""Export a timm network to hilum's ONNX graph: logit, evidence map, embedding and activations.

The graph takes ``radiograph`` (N, C, H, W) and gives ``logit`` (N,), ``evidence`` (N, h, w),
``embedding`` (N, D) and ``activations`` (N, D, h, w), all float32 and with N
free. The arithmetic is float32; storage ``"float16"`` or ``"int8"`` makes only the file smaller,
to a half or a quarter. The same network gives the same bytes.
"""

from __future__ import annotations

import copy
import hashlib
import json
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.errors import ExportError, MissingExtraError
from hilum.models.build import fix_size
from hilum.models.head import EvidenceNetwork, merge_logits
from hilum.models.onnx_graph import (
    drop_zero_biases,
    fold_batch_norms,
    rename_initialisers,
    strip_traces,
)
from hilum.models.onnx_storage import store_weights
from hilum.onnx_runtime import import_onnxruntime
from hilum.spec import Architecture, Storage

try:
    import onnx
    import onnx_ir
    import onnxscript.optimizer
    import torch
    from torch import nn
except ImportError as error:
    raise MissingExtraError("train", "export a network to ONNX") from error


OUTPUT_NAMES = ("logit", "evidence", "embedding", "activations")
METADATA_KEY = "hilum"

# Largest difference between torch and ONNX Runtime on logit and map, in logit units; of the
# largest cell where that exceeds 1, since float32 holds no more of a large number.
PARITY_FLOAT32 = 1e-4

_PRODUCER = "hilum"

Batch = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ExportedGraph:
    """An ONNX file in memory, and what a spec has to say of it.

    sha256
        Digest of ``data``.
    architecture
        The facts for :class:`hilum.spec.ModelSpec`.
    max_difference
        Largest difference between torch and ONNX Runtime on the logits and maps of noise,
        in logit units; for other storage than float32 it is what the rounding of the weights does.
    """

    data: bytes
    sha256: str
    storage: Storage
    architecture: Architecture
    max_difference: float


def export_onnx(
    network: nn.Module,
    *,
    height_px: int,
    width_px: int,
    channels: int = 1,
    storage: Storage = "float32",
) -> ExportedGraph:
    """Export a network of :func:`hilum.models.build.build_network`.

    Parameters
    ----------
    network
        It is copied, so its mode, device and memory format stay as they are. Two logits
        become one, see :func:`hilum.models.head.merge_logits`.
    height_px, width_px, channels
        Size of the input; the graph takes no other.
    storage
        Type of the weights on disk.

    Raises
    ------
    ExportError
        The head has no exact evidence map, the network cannot be traced, or ONNX Runtime
        does not give what torch gives.
    """
    source = network.network if isinstance(network, EvidenceNetwork) else network
    duplicate: Any = copy.deepcopy(source)
    duplicate = duplicate.cpu().float().to(memory_format=torch.contiguous_format)
    fix_size(duplicate)
    merge_logits(duplicate)
    evidence_network = EvidenceNetwork(
        duplicate, in_channels=channels, size_px=(height_px, width_px)
    )
    timm_name = _read_timm_name(duplicate)
    model = _trace(evidence_network)
    names = _timm_names(evidence_network)
    rename_initialisers(model, names)
    drop_zero_biases(model, duplicate.state_dict())
    folded = fold_batch_norms(model)
    strip_traces(model)
    _write_header(model, timm_name=timm_name, channels=channels, folded=folded)
    data = serialise_graph(model)
    max_difference, scale, shapes = _compare(evidence_network, data)
    if not max_difference <= PARITY_FLOAT32 * max(1.0, scale):
        raise ExportError(
            f"ONNX Runtime differs from torch by {max_difference:.2g} logit units on "
            f"{timm_name}, whose largest cell is {scale:.2g}. The graph is not written."
        )
    if storage != "float32":
        store_weights(model, storage)
        data = serialise_graph(model)
        max_difference, _, _ = _compare(evidence_network, data)
    return ExportedGraph(
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        storage=storage,
        architecture=Architecture(
            family=type(duplicate).__name__,
            timm_name=timm_name,
            parameters=sum(parameter.numel() for parameter in duplicate.parameters()),
            evidence_shape=(shapes["evidence"][1], shapes["evidence"][2]),
            embedding_size=shapes["embedding"][1],
            head_bias=evidence_network.bias,
        ),
        max_difference=max_difference,
    )


def _trace(network: EvidenceNetwork) -> onnx.ModelProto:
    example = torch.zeros(2, network.in_channels, *network.size_px)
    batch = torch.export.Dim("N", min=1)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # torch's exporter calls its own deprecated parts; nothing the user can act on.
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                optimize=False,
                verbose=False,
                external_data=False,
                input_names=["radiograph"],
                output_names=list(OUTPUT_NAMES),
                dynamic_shapes={"radiograph": {0: batch}},
            )
            assert program is not None  # given whenever dynamo=True
            # Shapes and fill-ins are folded here; the weights keep their names and forms.
            onnxscript.optimizer.fold_constants(program.model, should_fold=_leave_weights)
            onnxscript.optimizer.remove_unused_nodes(program.model)
            return program.model_proto
    except Exception as error:
        # The exporter raises its own errors and whatever the network's code raises.
        raise ExportError(
            f"{type(network.network).__name__} cannot be traced for export "
            f"({type(error).__name__}: {str(error).splitlines()[0]})."
        ) from error


def _leave_weights(node: onnx_ir.Node) -> bool | None:
    # A transposed weight would lose its name; ONNX Runtime transposes it on load.
    first = node.inputs[0] if node.inputs else None
    takes_weight = first is not None and first.is_initializer() and "." in (first.name or "")
    return False if takes_weight and node.op_type != "Shape" else None


def _timm_names(network: EvidenceNetwork) -> dict[str, str]:
    """Map names of the traced wrapper to names of the timm network inside it."""
    inner = network.network.state_dict(keep_vars=True)
    names = {f"network.{name}": name for name in inner}
    for part, parameter in network.head.named_parameters():
        names[f"head.{part}"] = next(name for name, own in inner.items() if own is parameter)
    return names


def _read_timm_name(network: nn.Module) -> str:
    configuration: dict[str, Any] = getattr(network, "pretrained_cfg", None) or {}
    name = configuration.get("architecture")
    if not name:
        raise ExportError(
            f"{type(network).__name__} does not say its timm name. Build it with "
            "hilum.models.build.build_network."
        )
    return str(name)


def _write_header(
    model: onnx.ModelProto, *, timm_name: str, channels: int, folded: dict[str, str]
) -> None:
    model.producer_name, model.producer_version = _PRODUCER, ""
    model.graph.name = timm_name
    note = {"timm_name": timm_name, "in_channels": channels, "folded_norms": folded}
    model.metadata_props.add(key=METADATA_KEY, value=json.dumps(note, sort_keys=True))


def serialise_graph(model: onnx.ModelProto) -> bytes:
    """Give the bytes of a graph, always the same ones.

    Raises
    ------
    ExportError
        It is not valid ONNX.
    """
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"The exported graph is not valid ONNX: {error}") from error
    return bytes(model.SerializeToString(deterministic=True))


def _compare(
    network: EvidenceNetwork, data: bytes
) -> tuple[float, float, dict[str, tuple[int, ...]]]:
    """Run torch and ONNX Runtime on noise, in batches of 1 and 3 (the batch is free).

    Gives the largest difference, the largest value, and the shapes of the outputs.
    """
    noise = draw_noise(network.in_channels, *network.size_px)
    difference, scale = 0.0, 0.0
    shapes: dict[str, tuple[int, ...]] = {}
    for batch, given in zip(noise, run_graph(data, noise), strict=True):
        with torch.inference_mode():
            expected = [output.numpy() for output in network(torch.from_numpy(batch))]
        for name, theirs in zip(OUTPUT_NAMES, expected, strict=True):
            ours = given[name]
            if ours.shape != theirs.shape:
                raise ExportError(f"The exported {name} has shape {ours.shape}: {theirs.shape}.")
            shapes[name] = ours.shape
            if name in ("logit", "evidence"):
                difference = max(difference, float(np.abs(ours - theirs).max()))
                scale = max(scale, float(np.abs(theirs).max()))
    return difference, scale, shapes


def draw_noise(channels: int, height_px: int, width_px: int) -> list[Batch]:
    """Draw the batches that exports are compared on: of one film and of three."""
    rng = np.random.default_rng(0)
    return [
        rng.standard_normal((films, channels, height_px, width_px), np.float32) for films in (1, 3)
    ]


def run_graph(data: bytes, batches: list[Batch]) -> list[dict[str, Batch]]:
    """Run a graph of hilum on batches; give all its outputs by name."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return [
        dict(zip(names, session.run(names, {"radiograph": batch}), strict=True))
        for batch in batches
    ]
