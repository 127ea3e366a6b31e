"""What a joined graph says of its members, held against each member on torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from factories.timm_networks import SMALL_RESNET, build_seasoned_network, export_network, make_spec
from hilum.errors import SpecMismatchError
from hilum.inference import OnnxBackend, check_output
from hilum.inference.backend import MemberOutput
from hilum.inference.torch_backend import TorchBackend
from hilum.inference.views import get_views, run_views
from hilum.models.ensemble import compute_factors, join_graphs
from hilum.spec import EnsembleMember, ModelSpec

TEMPERATURES, SHARES = (0.5, 2.0), (3.0, 1.0)


def make_member(seed: int, temperature: float) -> tuple[ModelSpec, bytes]:
    graph = export_network(build_seasoned_network(SMALL_RESNET, seed=seed), SMALL_RESNET)
    spec = make_spec(graph, name=f"member{seed}")
    calibration = spec.calibration.model_copy(update={"temperature": temperature})
    return spec.model_copy(update={"calibration": calibration}), graph.data


@pytest.fixture(scope="module")
def members() -> list[tuple[ModelSpec, bytes]]:
    return [make_member(seed, temperature) for seed, temperature in enumerate(TEMPERATURES)]


@pytest.fixture(scope="module")
def joined(members: list[tuple[ModelSpec, bytes]]) -> tuple[ModelSpec, bytes]:
    specs = [spec for spec, _ in members]
    factors = compute_factors(specs, SHARES)
    graph = join_graphs(members, factors)
    named = tuple(
        EnsembleMember(**spec.refer().model_dump(), factor=factor)
        for spec, factor in zip(specs, factors, strict=True)
    )
    provenance = specs[0].provenance.model_copy(update={"members": named})
    facts = {"architecture": graph.architecture, "provenance": provenance, "name": "both"}
    return specs[0].model_copy(update=facts), graph.data


def drop_members(data: bytes, *names: str) -> bytes:
    """Give the graph as it was joined before its members were told apart."""
    model = onnx.load_from_string(data)
    kept = [output for output in model.graph.output if output.name not in names]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    return bytes(model.SerializeToString())


def draw_batch(films: int) -> NDArray[np.float32]:
    return np.random.default_rng(7).standard_normal((films, 1, 64, 64), dtype=np.float32)


@pytest.mark.parametrize("films", [0, 1, 3])
def test_members_are_those_on_torch_on_one_scale(
    members: list[tuple[ModelSpec, bytes]], joined: tuple[ModelSpec, bytes], films: int
) -> None:
    batch = draw_batch(films)
    with OnnxBackend(*joined, threads=1) as backend:
        output = backend.run(batch)
    assert output.members is not None
    assert output.members.logit.shape == (films, 2)
    assert output.members.evidence.shape == (films, 2, *joined[0].architecture.evidence_shape)
    for place, ((spec, weights), temperature) in enumerate(zip(members, TEMPERATURES, strict=True)):
        alone = TorchBackend.from_weights(spec, weights).run(batch)
        ours = output.members
        np.testing.assert_allclose(ours.logit[:, place], alone.logit / temperature, atol=1e-4)
        np.testing.assert_allclose(ours.evidence[:, place], alone.evidence / temperature, atol=1e-4)
        bias = spec.architecture.head_bias / temperature
        np.testing.assert_allclose(
            bias + ours.evidence[:, place].mean(axis=(1, 2)), ours.logit[:, place], atol=1e-4
        )
    shares = np.array(SHARES) / sum(SHARES)
    np.testing.assert_allclose(output.members.logit @ shares, output.logit, atol=1e-5)
    np.testing.assert_allclose(
        np.einsum("nmij,m->nij", output.members.evidence, shares), output.evidence, atol=1e-5
    )


def test_factors_of_any_size_leave_the_ensemble_a_mean_of_its_members(
    members: list[tuple[ModelSpec, bytes]], joined: tuple[ModelSpec, bytes]
) -> None:
    graph = join_graphs(members, [3.0, 5.0])
    spec = joined[0].model_copy(update={"architecture": graph.architecture})
    with OnnxBackend(spec, graph.data, threads=1) as backend:
        output = backend.run(draw_batch(2))
    weights = np.array([3.0, 5.0]) * TEMPERATURES
    assert output.members is not None
    mean = output.members.logit @ (weights / weights.sum())
    np.testing.assert_allclose(mean, output.logit, atol=1e-4)


def test_an_ensemble_from_before_members_were_told_apart_has_the_same_answer(
    joined: tuple[ModelSpec, bytes],
) -> None:
    spec, weights = joined
    old = drop_members(weights, "member_logit", "member_evidence")
    batch = draw_batch(2)
    with OnnxBackend(spec, weights, threads=1) as backend:
        expected = backend.run(batch)
    with OnnxBackend(spec, old, threads=1) as backend:
        output = backend.run(batch)
        seen = run_views(backend, batch[0], get_views("none", spec))
    assert output.members is None
    np.testing.assert_array_equal(output.logit, expected.logit)
    np.testing.assert_array_equal(output.evidence, expected.evidence)
    assert seen.logits.shape == (1, 1)
    assert seen.evidence_spread is None


def test_a_graph_with_half_of_its_members_outputs_is_a_mismatch(
    joined: tuple[ModelSpec, bytes],
) -> None:
    spec, weights = joined
    with pytest.raises(SpecMismatchError, match="member_evidence"):
        OnnxBackend(spec, drop_members(weights, "member_evidence"))


def test_a_spec_of_other_members_is_a_mismatch(joined: tuple[ModelSpec, bytes]) -> None:
    spec, weights = joined
    alone = spec.provenance.model_copy(update={"members": ()})
    with pytest.raises(SpecMismatchError, match="member_logit"):
        OnnxBackend(spec.model_copy(update={"provenance": alone}), weights)


def test_a_logit_outside_of_its_members_is_refused(joined: tuple[ModelSpec, bytes]) -> None:
    spec, weights = joined
    with OnnxBackend(spec, weights, threads=1) as backend:
        output = backend.run(draw_batch(1))
    assert output.members is not None
    members = MemberOutput(output.members.logit + 100.0, output.members.evidence)
    with pytest.raises(SpecMismatchError, match="no mean of its members"):
        check_output(replace(output, members=members), spec, films=1)
