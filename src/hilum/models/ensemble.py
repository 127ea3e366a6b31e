"""Several networks joined into one ONNX graph: an ensemble is a model like any other.

The joined graph takes the films once and gives the weighted sum of the members' logits and of
their evidence maps, so the map of an ensemble sums to its logit as that of one network does.
Embeddings stand side by side. Beside the sums it gives what each member says, on the scale of the
whole: ``member_logit`` (N, M) and ``member_evidence`` (N, M, h, w), whose weighted means they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from hilum.errors import ConfigError, ExportError, MissingExtraError
from hilum.models.export import (
    METADATA_KEY,
    OUTPUT_NAMES,
    PARITY_FLOAT32,
    Batch,
    ExportedGraph,
    draw_noise,
    run_graph,
    serialise_graph,
)
from hilum.spec import Architecture, ModelSpec, hash_bytes

try:
    import onnx
    from onnx import compose, helper, numpy_helper
except ImportError as error:
    raise MissingExtraError("train", "join networks into an ensemble") from error

FAMILY = "Ensemble"

_INPUT = "radiograph"


def check_members(members: Sequence[ModelSpec]) -> None:
    """Refuse members whose answers cannot be added, or that cannot be calibrated together.

    Raises
    ------
    ConfigError
        There are fewer than two, the same weights come twice, or the members differ in their
        input, labels, map, storage, licence or training films.
    """
    if len(members) < 2:
        raise ConfigError("An ensemble takes two members or more.")
    if len({member.weights.sha256 for member in members}) < len(members):
        raise ConfigError("The same weights come twice among the members; give them more weight.")
    first = members[0]
    for member in members[1:]:
        for fact, way_out in (
            ("input", "It is prepared once for all members."),
            ("labels", "Their logits would not mean the same."),
            ("weights.storage", "Export them alike with `hilum export --storage`."),
            ("architecture.evidence_shape", "Maps of other cells cannot be added."),
            ("licence", "The joined file can have one only."),
            ("training_data.fingerprint", "One would be calibrated on films it has learned."),
        ):
            if _look_up(member, fact) != _look_up(first, fact):
                raise ConfigError(f"{first.name} and {member.name} differ in {fact}. {way_out}")


def compute_factors(members: Sequence[ModelSpec], shares: Sequence[float]) -> list[float]:
    """Give what each member's logit is multiplied by: its share over its temperature.

    A network that is too sure of itself would otherwise outvote the others.

    Raises
    ------
    ConfigError
        Shares and members differ in number, or a share is not a number above 0.
    """
    if len(shares) != len(members):
        raise ConfigError(f"There are {len(members)} models and {len(shares)} shares (--share).")
    if not all(np.isfinite(share) and share > 0 for share in shares):
        raise ConfigError("Each member's share must be a number above 0.")
    total = sum(shares)
    return [
        share / total / member.calibration.temperature
        for member, share in zip(members, shares, strict=True)
    ]


def join_graphs(
    members: Sequence[tuple[ModelSpec, bytes]], factors: Sequence[float]
) -> ExportedGraph:
    """Join the graphs of several models into one.

    Parameters
    ----------
    members
        Spec and weights of each; :func:`check_members` has accepted them.
    factors
        What each member's logit and map are multiplied by, e.g. of :func:`compute_factors`.

    Raises
    ------
    ExportError
        The joined graph does not give the weighted sum of what its members give.
    """
    graphs = [onnx.load_from_string(weights) for _, weights in members]
    scales = _compute_scales([spec for spec, _ in members], factors)
    joined = _join(graphs, factors, scales)
    _write_note(joined, [spec for spec, _ in members], factors)
    data = serialise_graph(joined)
    film = members[0][0].input
    noise = draw_noise(film.channels, film.height_px, film.width_px)
    difference, scale = _compare(data, [weights for _, weights in members], factors, scales, noise)
    if not difference <= PARITY_FLOAT32 * max(1.0, scale):
        raise ExportError(
            f"The joined graph differs from its members by {difference:.2g} logit units. It is "
            "not written."
        )
    networks = [spec.architecture for spec, _ in members]
    return ExportedGraph(
        data=data,
        sha256=hash_bytes(data),
        storage=members[0][0].weights.storage,
        architecture=Architecture(
            family=FAMILY,
            timm_name=" + ".join(network.timm_name for network in networks),
            parameters=sum(network.parameters for network in networks),
            evidence_shape=networks[0].evidence_shape,
            embedding_size=sum(network.embedding_size for network in networks),
            head_bias=float(
                sum(
                    factor * network.head_bias
                    for factor, network in zip(factors, networks, strict=True)
                )
            ),
        ),
        max_difference=difference,
    )


def _compute_scales(members: Sequence[ModelSpec], factors: Sequence[float]) -> list[float]:
    """Give what a member's logit is multiplied by to stand beside the ensemble's own.

    One over its temperature; where shares do not add up to 1, as much more as they add up to.
    """
    temperatures = [member.calibration.temperature for member in members]
    total = sum(
        factor * temperature for factor, temperature in zip(factors, temperatures, strict=True)
    )
    return [total / temperature for temperature in temperatures]


def _join(
    graphs: Sequence[onnx.ModelProto], factors: Sequence[float], scales: Sequence[float]
) -> onnx.ModelProto:
    nodes: list[onnx.NodeProto] = []
    tensors: list[onnx.TensorProto] = []
    # A member that was exported before activations were given leaves the ensemble without.
    names = [
        name
        for name in OUTPUT_NAMES
        if all(name in {output.name for output in graph.graph.output} for graph in graphs)
    ]
    features = [name for name in names if name not in ("logit", "evidence")]
    terms: dict[str, list[str]] = {name: [] for name in names}
    for number, (graph, factor) in enumerate(zip(graphs, factors, strict=True), start=1):
        prefix = f"member{number}/"
        own = compose.add_prefix(graph, prefix, rename_inputs=False)
        nodes += own.graph.node
        tensors += own.graph.initializer
        for name in ("logit", "evidence"):
            terms[name].append(_multiply(nodes, tensors, f"{prefix}{name}", "factor", factor))
        for name in features:
            terms[name].append(f"{prefix}{name}")
    for name in ("logit", "evidence"):
        nodes.append(helper.make_node("Sum", terms[name], [name], name))
    for name in features:
        nodes.append(helper.make_node("Concat", terms[name], [name], name, axis=1))
    outputs = [_declare(graphs, name) for name in names]
    outputs += _tell_members_apart(graphs, scales, nodes, tensors)
    inputs = [value for value in graphs[0].graph.input if value.name == _INPUT]
    body = helper.make_graph(nodes, "ensemble", inputs, outputs, tensors)
    newest = max(graphs, key=lambda graph: max(one.version for one in graph.opset_import))
    if any(list(graph.opset_import) != list(newest.opset_import) for graph in graphs):
        raise ExportError(
            "The members were exported for different versions of ONNX. Export them again."
        )
    return helper.make_model(
        body, producer_name="hilum", opset_imports=newest.opset_import, ir_version=newest.ir_version
    )


def _multiply(
    nodes: list[onnx.NodeProto],
    tensors: list[onnx.TensorProto],
    value: str,
    kind: str,
    number: float,
) -> str:
    """Add a node that multiplies ``value`` by a number; give the name of the product."""
    constant, product = f"{value}/{kind}", f"{value}/by_{kind}"
    tensors.append(numpy_helper.from_array(np.array(number, np.float32), constant))
    nodes.append(helper.make_node("Mul", [value, constant], [product], product))
    return product


def _tell_members_apart(
    graphs: Sequence[onnx.ModelProto],
    scales: Sequence[float],
    nodes: list[onnx.NodeProto],
    tensors: list[onnx.TensorProto],
) -> list[onnx.ValueInfoProto]:
    """Add what gives the members' logits and maps side by side; describe these outputs."""
    tensors.append(numpy_helper.from_array(np.array([1], np.int64), "member_axis"))
    outputs = []
    for name in ("logit", "evidence"):
        given = f"member_{name}"
        parts = []
        for number, scale in enumerate(scales, start=1):
            scaled = _multiply(nodes, tensors, f"member{number}/{name}", "scale", scale)
            part = f"{scaled}/apart"
            nodes.append(helper.make_node("Unsqueeze", [scaled, "member_axis"], [part], part))
            parts.append(part)
        nodes.append(helper.make_node("Concat", parts, [given], given, axis=1))
        dims = _declare(graphs, name).type.tensor_type.shape.dim
        films, *cells = [dim.dim_param or dim.dim_value for dim in dims]
        shape = [films, len(scales), *cells]
        outputs.append(helper.make_tensor_value_info(given, onnx.TensorProto.FLOAT, shape))
    return outputs


def _declare(graphs: Sequence[onnx.ModelProto], name: str) -> onnx.ValueInfoProto:
    """Describe an output as the first member does, with room for the features of all."""
    given = [next(one for one in graph.graph.output if one.name == name) for graph in graphs]
    output = onnx.ValueInfoProto()
    output.CopyFrom(given[0])
    if name not in ("logit", "evidence"):
        sizes = [one.type.tensor_type.shape.dim[1].dim_value for one in given]
        output.type.tensor_type.shape.dim[1].dim_value = sum(sizes)
    return output


def _write_note(
    model: onnx.ModelProto, members: Sequence[ModelSpec], factors: Sequence[float]
) -> None:
    note: dict[str, Any] = {
        "members": [
            {"name": spec.name, "weights_sha256": spec.weights.sha256, "factor": factor}
            for spec, factor in zip(members, factors, strict=True)
        ]
    }
    model.metadata_props.add(key=METADATA_KEY, value=json.dumps(note, sort_keys=True))


def _compare(
    joined: bytes,
    members: Sequence[bytes],
    factors: Sequence[float],
    scales: Sequence[float],
    noise: list[Batch],
) -> tuple[float, float]:
    """Give the largest difference on noise to what the members give, and the largest value."""
    parts = [run_graph(weights, noise) for weights in members]
    difference, scale = 0.0, 0.0
    for place, given in enumerate(run_graph(joined, noise)):
        for name in ("logit", "evidence"):
            expected = sum(
                factor * part[place][name] for factor, part in zip(factors, parts, strict=True)
            )
            apart = np.stack(
                [one * part[place][name] for one, part in zip(scales, parts, strict=True)], axis=1
            )
            for ours, theirs in ((given[name], expected), (given[f"member_{name}"], apart)):
                difference = max(difference, float(np.abs(ours - theirs).max()))
                scale = max(scale, float(np.abs(theirs).max()))
    return difference, scale


def _look_up(spec: ModelSpec, fact: str) -> object:
    value: object = spec
    for name in fact.split("."):
        value = getattr(value, name)
    return value
