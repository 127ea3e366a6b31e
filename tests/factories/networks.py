"""A tiny network with the outputs of the contract, drawn with ``onnx.helper``: no torch.

It is a patch convolution, a ReLU, a global average pool and a linear head, so its evidence
map is exact: bright patches of the film speak for the target, dark ones against it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hilum.spec import InputSpec, ModelSpec, parse_spec, write_spec

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

EMBEDDING_SIZE = 4
HEAD_BIAS = -0.25
HEAD_WEIGHTS = (2.0, -1.5, 0.5, -0.75)
PATCH_PX = 8

TINY_INPUT = InputSpec(height_px=64, width_px=48, mean=(0.5,), std=(0.25,))

ChangeGraph = Callable[[onnx.GraphProto], None]


def build_tiny_onnx(
    input_spec: InputSpec = TINY_INPUT, *, change: ChangeGraph | None = None
) -> bytes:
    """Draw the tiny network for ``input_spec`` and give the bytes of its ONNX file.

    Parameters
    ----------
    change
        Called with the graph before it is written, to make a network that is wrong in one
        way.
    """
    channels, height, width = input_spec.channels, input_spec.height_px, input_spec.width_px
    rows, columns = height // PATCH_PX, width // PATCH_PX
    constants: dict[str, NDArray[Any]] = {
        "patches": _patch_filters(channels),
        "head": np.asarray(HEAD_WEIGHTS, dtype=np.float32).reshape(1, EMBEDDING_SIZE, 1, 1),
        "bias": np.asarray([HEAD_BIAS], dtype=np.float32),
        "grid": np.asarray([-1, rows, columns], dtype=np.int64),
        "row": np.asarray([-1, EMBEDDING_SIZE], dtype=np.int64),
        "flat": np.asarray([-1], dtype=np.int64),
        "space": np.asarray([1, 2], dtype=np.int64),
    }
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("Conv", ["radiograph", "patches"], ["raw"], strides=[PATCH_PX, PATCH_PX]),
            node("Relu", ["raw"], ["activations"]),
            node("GlobalAveragePool", ["activations"], ["pooled"]),
            node("Reshape", ["pooled", "row"], ["embedding"]),
            node("Conv", ["activations", "head"], ["weighted"]),
            node("Reshape", ["weighted", "grid"], ["evidence"]),
            node("ReduceMean", ["evidence", "space"], ["mean"], keepdims=0),
            node("Add", ["mean", "bias"], ["sum"]),
            node("Reshape", ["sum", "flat"], ["logit"]),
        ],
        "tiny",
        [_value("radiograph", ["N", channels, height, width])],
        [
            _value("logit", ["N"]),
            _value("evidence", ["N", rows, columns]),
            _value("embedding", ["N", EMBEDDING_SIZE]),
            _value("activations", ["N", EMBEDDING_SIZE, rows, columns]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    if change is not None:
        change(graph)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10, producer_name="hilum"
    )
    weights: bytes = model.SerializeToString()
    return weights


def _value(name: str, shape: list[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _patch_filters(channels: int) -> NDArray[np.float32]:
    """Mean, negated mean, top-minus-bottom and left-minus-right of a patch."""
    ramp = np.linspace(1.0, -1.0, PATCH_PX)
    flat = np.ones((PATCH_PX, PATCH_PX))
    planes = np.stack([flat, -flat, np.outer(ramp, flat[0]), np.outer(flat[0], ramp)])
    filters = np.repeat(planes[:, None], channels, axis=1) / (channels * PATCH_PX**2)
    return np.ascontiguousarray(filters, dtype=np.float32)


def make_tiny_facts(
    weights: bytes, input_spec: InputSpec = TINY_INPUT, *, name: str = "tiny"
) -> dict[str, Any]:
    """Give the facts of a valid spec for ``weights`` as plain data, to change and parse."""
    point = {"chosen_on": "drawn films", "sensitivity": 0.9, "specificity": 0.8}
    return {
        "spec_format": 1,
        "name": name,
        "version": "1.0",
        "description": "A tiny network for tests. It knows nothing of pneumonia.",
        "licence": "Apache-2.0",
        "weights": {
            "file": f"{name}.onnx",
            "sha256": hashlib.sha256(weights).hexdigest(),
            "storage": "float32",
        },
        "architecture": {
            "family": "tiny",
            "timm_name": "none",
            "parameters": EMBEDDING_SIZE * (PATCH_PX**2 * input_spec.channels + 1) + 1,
            "evidence_shape": [input_spec.height_px // PATCH_PX, input_spec.width_px // PATCH_PX],
            "embedding_size": EMBEDDING_SIZE,
            "head_bias": HEAD_BIAS,
        },
        "input": input_spec.model_dump(mode="json", exclude_none=True),
        "calibration": {
            "temperature": 1.5,
            "offset": 0.25,
            "prevalence": 0.5,
            "fitted_on": "drawn films",
        },
        "operating_points": {
            "youden": {"threshold": 0.5, "rule": "largest Youden index", **point},
            "sensitivity_95": {"threshold": 0.3, "rule": "sensitivity >= 0.95", **point},
            "sensitivity_99": {"threshold": 0.1, "rule": "sensitivity >= 0.99", **point},
        },
        "default_operating_point": "youden",
        "training_data": {
            "name": "drawn films",
            "source": "tests/factories/networks.py",
            "licence": "Apache-2.0",
            "population": {
                "description": "No patients.",
                "age_min_years": 1.0,
                "age_max_years": 5.0,
                "views": ["AP", "PA"],
            },
            "train_films": 1,
            "validation_films": 1,
            "fingerprint": "0" * 64,
        },
        "embedding_statistics": {"norm_mean": 1.0, "norm_std": 0.5},
        "metrics": {},
        "provenance": {
            "recipe": "none",
            "recipe_sha256": "0" * 64,
            "initialisation": "drawn",
            "hilum_version": "0.1.0",
            "created": date(2026, 1, 1).isoformat(),
            "seed": 0,
        },
    }


def make_tiny_spec(
    weights: bytes, input_spec: InputSpec = TINY_INPUT, *, name: str = "tiny"
) -> ModelSpec:
    """Give a valid spec for ``weights``."""
    return _parse(make_tiny_facts(weights, input_spec, name=name))


def _parse(facts: dict[str, Any]) -> ModelSpec:
    return parse_spec(json.dumps(facts))


def write_tiny_network(
    folder: Path,
    input_spec: InputSpec = TINY_INPUT,
    *,
    name: str = "tiny",
    change: ChangeGraph | None = None,
    **facts: Any,
) -> ModelSpec:
    """Write ``NAME.onnx`` and ``NAME.json`` into ``folder``; give the spec.

    Parameters
    ----------
    change
        See :func:`build_tiny_onnx`.
    facts
        Top-level facts of the spec that replace the default ones.
    """
    weights = build_tiny_onnx(input_spec, change=change)
    spec = _parse(make_tiny_facts(weights, input_spec, name=name) | facts)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / spec.weights.file).write_bytes(weights)
    write_spec(spec, folder / f"{name}.json")
    return spec
