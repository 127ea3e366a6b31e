"""Weights on disk: what rounding costs, and which weights are rounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from hilum.spec import Storage

onnx = pytest.importorskip("onnx", reason='needs the extra "train"')

from onnx import TensorProto, helper, numpy_helper  # noqa: E402  (after the check)

from hilum.models.onnx_storage import (  # noqa: E402
    quantize,
    read_weights_as_float32,
    store_weights,
)

Weights = dict[str, NDArray[Any]]


def make_graph(weights: Weights) -> Any:
    nodes = [
        helper.make_node("Conv", ["x", "conv"], ["a"]),
        helper.make_node("Conv", ["a", "depthwise"], ["b"], group=256),
        helper.make_node("Add", ["b", "table"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("MatMul", ["d", "linear"], ["e"]),
        helper.make_node("Gemm", ["e", "head", "bias"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])],
        [
            numpy_helper.from_array(values.astype(np.float32), key)
            for key, values in weights.items()
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.fixture
def weights() -> Weights:
    rng = np.random.default_rng(0)
    return {
        "conv": rng.normal(size=(256, 64, 1, 1)),
        "depthwise": rng.normal(size=(256, 1, 1, 1)),
        "table": rng.normal(size=(256, 4, 4)),
        "linear": rng.normal(size=(4096, 8)),
        "head": rng.normal(size=(1, 8)),
        "bias": rng.normal(size=1),
    }


def test_int8_takes_wide_layers_alone(weights: Weights) -> None:
    model = make_graph(weights)
    store_weights(model, "int8")
    onnx.checker.check_model(model, full_check=True)
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert kinds["conv"] == kinds["linear"] == TensorProto.INT8
    assert kinds["depthwise"] == kinds["table"] == kinds["head"] == TensorProto.FLOAT16
    assert kinds["bias"] == TensorProto.FLOAT
    scales = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    assert scales["conv.scale"] == (256, 1, 1, 1)
    assert scales["linear.scale"] == (1, 8)


@pytest.mark.parametrize(
    ("storage", "tolerance"), [("float32", 0.0), ("float16", 2e-3), ("int8", 0.02)]
)
def test_the_way_back_gives_the_weights(
    weights: Weights,
    storage: Storage,
    tolerance: float,
) -> None:
    model = make_graph(weights)
    store_weights(model, storage)
    restored = read_weights_as_float32(model)
    for name, values in weights.items():
        np.testing.assert_allclose(restored[name], values.astype(np.float32), atol=tolerance)


def test_weights_whose_step_float32_cannot_hold_are_zeros() -> None:
    whole, scale = quantize(np.full((3, 5), 1e-45, np.float32), 0)
    assert not whole.any()
    np.testing.assert_array_equal(scale, np.ones((3, 1)))


@given(
    arrays(np.float32, (3, 5), elements=st.floats(-1e4, 1e4, width=32)),
    st.sampled_from([0, 1, -1]),
)
def test_a_rounded_weight_is_half_a_step_off_at_most(
    values: NDArray[np.float32], axis: int
) -> None:
    whole, scale = quantize(values, axis)
    assert whole.dtype == np.int8
    assert whole.min() >= -127
    error = np.abs(whole * scale.astype(np.float64) - values)
    assert (error <= 0.5 * scale * (1 + 1e-5) + 1e-12).all()
