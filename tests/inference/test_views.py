"""A film shown several times over: each view written out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from factories.networks import HEAD_BIAS, PATCH_PX, build_tiny_onnx, make_tiny_spec
from hilum.errors import ConfigError
from hilum.inference import VIEWS, MemberOutput, ModelOutput, OnnxBackend
from hilum.inference.views import get_views, run_views, shift_planes
from hilum.spec import ModelSpec

WEIGHTS = build_tiny_onnx()
SPEC = make_tiny_spec(WEIGHTS)
QUARTER_PX = PATCH_PX // 4

Planes = NDArray[np.float32]


@pytest.fixture
def backend() -> Iterator[OnnxBackend]:
    with OnnxBackend(SPEC, WEIGHTS, threads=1) as backend:
        yield backend


@pytest.fixture
def planes() -> Planes:
    return np.random.default_rng(1).normal(size=(1, 64, 48)).astype(np.float32)


def shift_by_hand(planes: Planes, down_px: int, across_px: int) -> Planes:
    padded = np.pad(planes, ((0, 0), (8, 8), (8, 8)), mode="edge")
    height, width = planes.shape[1:]
    return padded[:, 8 - down_px : 8 - down_px + height, 8 - across_px : 8 - across_px + width]


def show_by_hand(name: str, planes: Planes) -> list[Planes]:
    shown = [planes]
    if "flip" in name:
        shown.append(planes[:, :, ::-1])
    if "shift" in name:
        steps = (QUARTER_PX, -QUARTER_PX)
        shown += [shift_by_hand(planes, down, across) for down in steps for across in steps]
    return shown


@pytest.mark.parametrize("name", VIEWS)
def test_the_answer_is_the_mean_over_the_views(
    backend: OnnxBackend, planes: Planes, name: str
) -> None:
    shown = show_by_hand(name, planes)
    outputs = [backend.run(one[None]) for one in shown]
    maps = np.stack([output.evidence[0] for output in outputs])
    if "flip" in name:
        maps[1] = maps[1, :, ::-1]
    logits = [float(output.logit[0]) for output in outputs]
    seen = run_views(backend, planes, get_views(name, SPEC))
    np.testing.assert_allclose(seen.logits[:, 0], logits, atol=1e-6)
    assert seen.logit == pytest.approx(np.mean(logits), abs=1e-6)
    np.testing.assert_allclose(seen.evidence, maps.mean(axis=0), atol=1e-6)
    assert HEAD_BIAS + seen.evidence.mean(dtype=float) == pytest.approx(seen.logit, abs=1e-5)
    assert seen.evidence.dtype == np.float32
    if name == "none":
        assert seen.evidence_spread is None
    else:
        assert seen.evidence_spread is not None
        assert seen.evidence_spread.dtype == np.float32
        np.testing.assert_allclose(seen.evidence_spread, maps.std(axis=0), atol=1e-6)


@pytest.mark.parametrize("name", VIEWS)
def test_the_film_as_it_is_has_the_same_bits_among_other_views(
    backend: OnnxBackend, planes: Planes, name: str
) -> None:
    alone = backend.run(planes[None])
    seen = run_views(backend, planes, get_views(name, SPEC))
    assert seen.logits[0, 0] == alone.logit[0]
    np.testing.assert_array_equal(seen.embedding, alone.embedding[0])


@pytest.mark.parametrize("name", VIEWS)
def test_evidence_stays_where_it_is_on_the_film(backend: OnnxBackend, name: str) -> None:
    planes = np.zeros((1, 64, 48), dtype=np.float32)
    planes[0, 40:48, 8:16] = 2.0  # the cell in row 5, column 1 of 8 x 6
    seen = run_views(backend, planes, get_views(name, SPEC))
    assert divmod(int(seen.evidence.argmax()), 6) == (5, 1)


def test_views_that_look_alike_have_no_spread(backend: OnnxBackend) -> None:
    flat = np.full((1, 64, 48), 0.7, dtype=np.float32)
    seen = run_views(backend, flat, get_views("flip_shift", SPEC))
    assert np.ptp(seen.logits) < 1e-6
    assert seen.evidence_spread is not None
    np.testing.assert_allclose(seen.evidence_spread, 0.0, atol=1e-6)


class WithMembers:
    """A backend of two members, of which the second says one logit more of every cell."""

    def __init__(self, backend: OnnxBackend) -> None:
        self._backend = backend
        self.spec: ModelSpec = backend.spec

    def run(self, batch: Planes) -> ModelOutput:
        output = self._backend.run(batch)
        logit = np.stack([output.logit - 0.5, output.logit + 0.5], axis=1).astype(np.float32)
        evidence = np.stack([output.evidence - 0.5, output.evidence + 0.5], axis=1)
        return replace(output, members=MemberOutput(logit, evidence.astype(np.float32)))


@pytest.mark.parametrize("name", VIEWS)
def test_members_are_told_apart_in_every_view(
    backend: OnnxBackend, planes: Planes, name: str
) -> None:
    views = get_views(name, SPEC)
    alone = run_views(backend, planes, views)
    seen = run_views(WithMembers(backend), planes, views)  # type: ignore[arg-type]
    assert seen.logit == alone.logit
    np.testing.assert_array_equal(seen.evidence, alone.evidence)
    np.testing.assert_allclose(seen.logits, alone.logits + np.array([[-0.5, 0.5]]), atol=1e-6)
    # Deviations of views and of members, which have nothing to do with each other, add in squares.
    own = 0.0 if alone.evidence_spread is None else alone.evidence_spread
    assert seen.evidence_spread is not None
    np.testing.assert_allclose(seen.evidence_spread, np.sqrt(own**2 + 0.25), atol=1e-5)


def test_unknown_views_are_told_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r'no views "turn".*none, flip, shift, flip_shift'):
        get_views("turn", SPEC)


def test_cells_that_are_too_small_to_be_quartered_are_refused() -> None:
    network = SPEC.architecture.model_copy(update={"evidence_shape": (32, 6)})
    fine = SPEC.model_copy(update={"architecture": network})
    with pytest.raises(ConfigError, match=r'2 x 8 px.*Use the views "none" or "flip"'):
        get_views("flip_shift", fine)
    assert len(get_views("flip", fine)) == 2


def test_shifted_planes_repeat_their_border() -> None:
    planes = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    np.testing.assert_array_equal(
        shift_planes(planes, 1, -1)[0], [[1, 2, 3, 3], [1, 2, 3, 3], [5, 6, 7, 7]]
    )
