"""ONNX Runtime behind the protocol, on a network small enough to check by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Literal

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from factories.networks import (
    HEAD_BIAS,
    HEAD_WEIGHTS,
    PATCH_PX,
    build_tiny_onnx,
    make_tiny_facts,
    make_tiny_spec,
)
from hilum.errors import ConfigError, ModelError, SpecMismatchError
from hilum.inference import Backend, OnnxBackend
from hilum.inference.onnx_backend import count_default_threads
from hilum.spec import InputSpec, ModelSpec

WEIGHTS = build_tiny_onnx()
SPEC = make_tiny_spec(WEIGHTS)


def draw_batch(films: int, spec: ModelSpec = SPEC, seed: int = 0) -> NDArray[np.float32]:
    shape = (films, spec.input.channels, spec.input.height_px, spec.input.width_px)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_fulfils_the_protocol() -> None:
    with OnnxBackend(SPEC, WEIGHTS) as backend:
        assert isinstance(backend, Backend)
        assert backend.spec is SPEC


@pytest.mark.parametrize("films", [0, 1, 2, 7])
def test_batches_of_any_size_have_the_shapes_of_the_spec(films: int) -> None:
    with OnnxBackend(SPEC, WEIGHTS) as backend:
        output = backend.run(draw_batch(films))
    assert output.logit.shape == (films,)
    assert output.evidence.shape == (films, 8, 6)
    assert output.embedding.shape == (films, 4)
    assert {a.dtype for a in (output.logit, output.evidence, output.embedding)} == {
        np.dtype(np.float32)
    }


@pytest.mark.parametrize("channels", [1, 3])
def test_computes_what_the_graph_says(channels: Literal[1, 3]) -> None:
    values = (0.5,) * channels
    spec_input = InputSpec(channels=channels, height_px=32, width_px=40, mean=values, std=values)
    weights = build_tiny_onnx(spec_input)
    spec = make_tiny_spec(weights, spec_input)
    batch = draw_batch(3, spec)
    with OnnxBackend(spec, weights) as backend:
        output = backend.run(batch)
    patches = batch.reshape(3, channels, 4, PATCH_PX, 5, PATCH_PX).mean(axis=1)
    ramp = np.linspace(1.0, -1.0, PATCH_PX)
    features = np.maximum(
        np.stack(
            [
                patches.mean(axis=(2, 4)),
                -patches.mean(axis=(2, 4)),
                np.einsum("nipjq,p->nij", patches, ramp) / PATCH_PX**2,
                np.einsum("nipjq,q->nij", patches, ramp) / PATCH_PX**2,
            ],
            axis=1,
        ),
        0.0,
    )
    evidence = np.einsum("ndij,d->nij", features, HEAD_WEIGHTS)
    np.testing.assert_allclose(output.evidence, evidence, atol=1e-5)
    np.testing.assert_allclose(output.embedding, features.mean(axis=(2, 3)), atol=1e-5)
    np.testing.assert_allclose(output.logit, evidence.mean(axis=(1, 2)) + HEAD_BIAS, atol=1e-5)


def test_takes_a_batch_that_is_not_contiguous() -> None:
    batch = draw_batch(6)
    with OnnxBackend(SPEC, WEIGHTS) as backend:
        strided = backend.run(batch[::2])
        copied = backend.run(np.ascontiguousarray(batch[::2]))
    np.testing.assert_array_equal(strided.logit, copied.logit)


def test_the_number_of_threads_does_not_change_the_answer() -> None:
    batch = draw_batch(3)
    answers = []
    for threads in (1, 2, 3):
        with OnnxBackend(SPEC, WEIGHTS, threads=threads) as backend:
            answers.append(backend.run(batch).logit.tolist())
    assert answers[0] == answers[1] == answers[2]


def test_sets_the_threads_and_lets_them_spin_no_longer_than_a_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import onnxruntime

    seen: list[onnxruntime.SessionOptions] = []
    original = onnxruntime.InferenceSession

    def remember(weights: bytes, options: onnxruntime.SessionOptions, **rest: object) -> object:
        seen.append(options)
        return original(weights, options, **rest)

    monkeypatch.setattr(onnxruntime, "InferenceSession", remember)
    OnnxBackend(SPEC, WEIGHTS, threads=3).close()
    OnnxBackend(SPEC, WEIGHTS).close()
    assert [options.intra_op_num_threads for options in seen] == [3, count_default_threads()]
    for options in seen:
        assert options.get_session_config_entry("session.intra_op.spin_duration_us") == "10"
        assert options.get_session_config_entry("session.inter_op.allow_spinning") == "0"


def test_the_default_is_one_to_four_threads() -> None:
    assert 1 <= count_default_threads() <= 4


@pytest.mark.parametrize("threads", [0, -1])
def test_refuses_less_than_one_thread(threads: int) -> None:
    with pytest.raises(ConfigError, match="1 or more"):
        OnnxBackend(SPEC, WEIGHTS, threads=threads)


def test_a_closed_backend_says_so_and_closes_again() -> None:
    backend = OnnxBackend(SPEC, WEIGHTS)
    backend.close()
    backend.close()
    with pytest.raises(ModelError, match="closed"):
        backend.run(draw_batch(1))


def test_refuses_a_batch_of_the_wrong_shape() -> None:
    with OnnxBackend(SPEC, WEIGHTS) as backend, pytest.raises(SpecMismatchError):
        backend.run(draw_batch(1)[:, :, :, :-1])


@pytest.mark.parametrize("weights", [b"", b"no graph", WEIGHTS[: len(WEIGHTS) // 2]])
def test_bytes_that_are_no_graph_are_a_mismatch(
    weights: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SpecMismatchError, match="ONNX graph"):
        OnnxBackend(SPEC, weights)
    assert capfd.readouterr() == ("", "")


def rename_output(graph: onnx.GraphProto) -> None:
    graph.output[1].name = "raw"


def drop_embedding(graph: onnx.GraphProto) -> None:
    del graph.output[2]


def add_output(graph: onnx.GraphProto) -> None:
    graph.output.append(helper.make_tensor_value_info("sum", TensorProto.FLOAT, None))


def rename_input(graph: onnx.GraphProto) -> None:
    graph.input[0].name = graph.node[0].input[0] = "pixels"


def fix_batch(graph: onnx.GraphProto) -> None:
    graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def return_doubles(graph: onnx.GraphProto) -> None:
    graph.node[-1].output[0] = "flat_logit"
    graph.node.append(helper.make_node("Cast", ["flat_logit"], ["logit"], to=TensorProto.DOUBLE))
    graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE


@pytest.mark.parametrize(
    "change",
    [rename_output, drop_embedding, add_output, rename_input, fix_batch, return_doubles],
)
def test_a_graph_that_is_not_the_contract_is_a_mismatch(
    change: Callable[[onnx.GraphProto], None], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SpecMismatchError, match="tiny"):
        OnnxBackend(SPEC, build_tiny_onnx(change=change))
    assert capfd.readouterr() == ("", "")


def drop_activations(graph: onnx.GraphProto) -> None:
    del graph.output[3]


def test_a_graph_from_before_activations_were_given_still_answers() -> None:
    batch = draw_batch(1)
    with OnnxBackend(SPEC, WEIGHTS) as whole:
        expected = whole.run(batch).logit
    with OnnxBackend(SPEC, build_tiny_onnx(change=drop_activations)) as backend:
        np.testing.assert_array_equal(backend.run(batch).logit, expected)
        with pytest.raises(SpecMismatchError, match=r"does not give its activations.*hilum export"):
            backend.compute_activations(batch)
        with pytest.raises(SpecMismatchError, match="does not give its activations"):
            backend.run_with_activations(batch)


@pytest.mark.parametrize("films", [0, 2])
def test_one_pass_gives_the_answer_and_the_activations(films: int) -> None:
    batch = draw_batch(films)
    with OnnxBackend(SPEC, WEIGHTS) as backend:
        output, activations = backend.run_with_activations(batch)
        np.testing.assert_array_equal(activations, backend.compute_activations(batch))
        alone = backend.run(batch)
    for name in ("logit", "evidence", "embedding"):
        np.testing.assert_array_equal(getattr(output, name), getattr(alone, name))


@pytest.mark.parametrize(
    ("section", "fact", "value"),
    [
        ("architecture", "evidence_shape", [7, 6]),
        ("architecture", "embedding_size", 5),
        ("input", "height_px", 72),
        ("input", "width_px", 64),
    ],
)
def test_a_spec_of_another_network_is_a_mismatch(section: str, fact: str, value: object) -> None:
    facts = make_tiny_facts(WEIGHTS)
    facts[section][fact] = value
    with pytest.raises(SpecMismatchError, match="spec says"):
        OnnxBackend(ModelSpec.model_validate(facts), WEIGHTS)


def test_a_wrong_bias_in_the_spec_is_found_at_the_first_film() -> None:
    facts = make_tiny_facts(WEIGHTS)
    facts["architecture"]["head_bias"] = HEAD_BIAS + 0.01
    spec = ModelSpec.model_validate(facts)
    with OnnxBackend(spec, WEIGHTS) as backend, pytest.raises(SpecMismatchError, match="head_bias"):
        backend.run(draw_batch(1))


def poison_head(graph: onnx.GraphProto) -> None:
    """Put a NaN into the head, as a damaged file would."""
    for position, constant in enumerate(graph.initializer):
        if constant.name == "head":
            values = numpy_helper.to_array(constant).copy()
            values.flat[0] = np.nan
            graph.initializer[position].CopyFrom(numpy_helper.from_array(values, "head"))


def test_broken_weights_give_an_error_and_never_a_nan() -> None:
    weights = build_tiny_onnx(change=poison_head)
    spec = make_tiny_spec(weights)
    with OnnxBackend(spec, weights) as backend, pytest.raises(ModelError, match="not finite"):
        backend.run(draw_batch(1))


def break_reshape(graph: onnx.GraphProto) -> None:
    """Make a graph that loads and fails when it runs: the map's size comes from the film."""
    for name, value in {"zero": np.float32(0.0), "wrong": np.asarray([-1, 8, 5])}.items():
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    node = helper.make_node
    size = [
        node("ReduceMax", ["radiograph"], ["largest"], keepdims=0),
        node("Mul", ["largest", "zero"], ["nought"]),
        node("Cast", ["nought"], ["nothing"], to=TensorProto.INT64),
        node("Add", ["nothing", "wrong"], ["size"]),
    ]
    graph.node[5].input[1] = "size"
    nodes = size + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def test_a_failure_of_the_runtime_is_translated(capfd: pytest.CaptureFixture[str]) -> None:
    weights = build_tiny_onnx(change=break_reshape)
    backend = OnnxBackend(make_tiny_spec(weights), weights)
    with backend, pytest.raises(ModelError, match="could not run tiny"):
        backend.run(draw_batch(1))
    assert capfd.readouterr() == ("", "")


def test_onnxruntime_is_imported_when_a_model_is_opened_and_not_before() -> None:
    code = "import sys, hilum.predictor; sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
