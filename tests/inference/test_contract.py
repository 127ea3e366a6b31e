"""What every backend owes: one suite over all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from factories.timm_networks import write_run
from hilum.errors import ModelError, SpecMismatchError
from hilum.inference import Backend, OnnxBackend
from hilum.inference.torch_backend import TorchBackend
from hilum.spec import ModelSpec, read_weights

BACKENDS = ["onnx", "torch from a checkpoint", "torch from the ONNX file"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelSpec]:
    folder = tmp_path_factory.mktemp("run")
    return folder, write_run(folder)


def open_backend(kind: str, folder: Path, spec: ModelSpec) -> Backend:
    if kind == "onnx":
        return OnnxBackend(spec, read_weights(spec, folder), threads=1)
    if kind == "torch from a checkpoint":
        return TorchBackend.from_checkpoint(folder / "checkpoint.safetensors", spec)
    return TorchBackend.from_weights(spec, read_weights(spec, folder))


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, run: tuple[Path, ModelSpec]) -> Backend:
    return open_backend(request.param, *run)


def make_batch(films: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((films, 1, 64, 64), dtype=np.float32)


def test_it_is_a_backend(backend: Backend, run: tuple[Path, ModelSpec]) -> None:
    assert isinstance(backend, Backend)
    assert backend.spec is run[1]


@pytest.mark.parametrize("films", [0, 1, 3])
def test_shapes_and_types(backend: Backend, films: int) -> None:
    output = backend.run(make_batch(films))
    network = backend.spec.architecture
    assert output.logit.shape == (films,)
    assert output.evidence.shape == (films, *network.evidence_shape)
    assert output.embedding.shape == (films, network.embedding_size)
    assert output.evidence.dtype == output.embedding.dtype == np.float32


def test_bias_and_map_are_the_logit(backend: Backend) -> None:
    output = backend.run(make_batch(3))
    total = backend.spec.architecture.head_bias + output.evidence.mean(axis=(1, 2))
    np.testing.assert_allclose(total, output.logit, rtol=0, atol=1e-5)


@pytest.mark.parametrize("films", [0, 1, 3])
def test_activations_are_what_the_pool_averages(backend: Backend, films: int) -> None:
    batch = make_batch(films)
    activations = backend.compute_activations(batch)
    network = backend.spec.architecture
    assert activations.shape == (films, network.embedding_size, *network.evidence_shape)
    assert activations.dtype == np.float32
    if films:
        embedding = backend.run(batch).embedding
        np.testing.assert_allclose(activations.mean(axis=(2, 3)), embedding, atol=1e-5)
        assert activations.std(axis=(2, 3)).max() > 0.01


def test_activations_of_a_closed_backend_or_a_wrong_batch_are_refused(backend: Backend) -> None:
    with pytest.raises(SpecMismatchError):
        backend.compute_activations(make_batch(1)[:, :, :32])
    backend.close()
    with pytest.raises(ModelError, match="was closed"):
        backend.compute_activations(make_batch(1))


def test_a_film_does_not_depend_on_its_neighbours(backend: Backend) -> None:
    batch = make_batch(4)
    together = backend.run(batch)
    for index in range(4):
        alone = backend.run(batch[index : index + 1])
        np.testing.assert_allclose(alone.logit[0], together.logit[index], rtol=0, atol=1e-5)
        np.testing.assert_allclose(alone.evidence[0], together.evidence[index], rtol=0, atol=1e-4)


def test_the_same_batch_gives_the_same_bits(backend: Backend) -> None:
    first, second = backend.run(make_batch(1)), backend.run(make_batch(1))
    assert np.array_equal(first.logit, second.logit)
    assert np.array_equal(first.evidence, second.evidence)


def test_a_read_only_or_strided_batch_is_fine_and_stays_as_it_is(backend: Backend) -> None:
    batch = make_batch(2)
    flipped = batch[:, :, ::-1]
    flipped.setflags(write=False)
    before = flipped.copy()
    output = backend.run(flipped)
    assert np.array_equal(flipped, before)
    expected = backend.run(np.ascontiguousarray(flipped))
    np.testing.assert_allclose(output.logit, expected.logit, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "batch",
    [
        make_batch(1).astype(np.float64),
        make_batch(1)[0],
        make_batch(1)[:, :, :63],
        np.repeat(make_batch(1), 3, axis=1),
    ],
    ids=["float64", "no batch axis", "another size", "colour"],
)
def test_a_batch_of_another_kind_is_refused(backend: Backend, batch: NDArray[np.float32]) -> None:
    with pytest.raises(SpecMismatchError, match="takes float32 batches of shape"):
        backend.run(batch)


def test_numbers_that_are_not_finite_are_refused(backend: Backend) -> None:
    batch = make_batch(1)
    batch[0, 0, 0, 0] = np.nan
    with pytest.raises(ModelError, match="not finite"):
        backend.run(batch)


def test_a_closed_backend_says_so(backend: Backend) -> None:
    with backend as opened:
        assert opened is backend
    backend.close()
    with pytest.raises(ModelError, match="was closed"):
        backend.run(make_batch(1))


def test_the_spec_is_held_against_the_network(run: tuple[Path, ModelSpec]) -> None:
    folder, spec = run
    network = spec.architecture.model_copy(update={"embedding_size": 7})
    wrong = spec.model_copy(update={"architecture": network})
    for kind in BACKENDS:
        with pytest.raises(SpecMismatchError):
            open_backend(kind, folder, wrong)


def test_all_backends_agree(run: tuple[Path, ModelSpec]) -> None:
    batch = make_batch(3, seed=1)
    outputs = [open_backend(kind, *run).run(batch) for kind in BACKENDS]
    for other in outputs[1:]:
        np.testing.assert_allclose(other.logit, outputs[0].logit, rtol=0, atol=1e-4)
        np.testing.assert_allclose(other.evidence, outputs[0].evidence, rtol=0, atol=1e-4)
        np.testing.assert_allclose(other.embedding, outputs[0].embedding, rtol=0, atol=1e-4)
