"""The checks that every backend shares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from factories.networks import EMBEDDING_SIZE, HEAD_BIAS, build_tiny_onnx, make_tiny_facts
from hilum.errors import ModelError, SpecMismatchError
from hilum.inference import ModelOutput, check_batch, check_output
from hilum.spec import ModelSpec

SPEC = ModelSpec.model_validate(make_tiny_facts(build_tiny_onnx()))


def make_output(films: int = 2) -> ModelOutput:
    evidence = np.random.default_rng(0).normal(size=(films, 8, 6)).astype(np.float32)
    return ModelOutput(
        logit=evidence.mean(axis=(1, 2)) + np.float32(HEAD_BIAS),
        evidence=evidence,
        embedding=np.ones((films, EMBEDDING_SIZE), dtype=np.float32),
    )


def test_a_sound_output_passes() -> None:
    check_output(make_output(), SPEC, films=2)
    check_output(make_output(0), SPEC, films=0)


@pytest.mark.parametrize("name", ["logit", "evidence", "embedding"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_an_error(name: str, value: float) -> None:
    output = make_output()
    getattr(output, name).flat[-1] = value
    with pytest.raises(ModelError, match=f"{name} with a number that is not finite"):
        check_output(output, SPEC, films=2)


@pytest.mark.parametrize("name", ["logit", "evidence", "embedding"])
def test_a_wrong_shape_is_an_error(name: str) -> None:
    output = make_output()
    broken = replace(output, **{name: getattr(output, name)[..., :-1]})
    with pytest.raises(SpecMismatchError, match=name):
        check_output(broken, SPEC, films=2)


def test_a_map_that_does_not_sum_to_the_logit_is_an_error() -> None:
    output = make_output()
    with pytest.raises(SpecMismatchError, match="head_bias"):
        check_output(replace(output, logit=output.logit + np.float32(0.01)), SPEC, films=2)


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((1, 1, 64, 48), dtype=np.float64),
        np.zeros((1, 64, 48), dtype=np.float32),
        np.zeros((1, 3, 64, 48), dtype=np.float32),
        np.zeros((1, 1, 48, 64), dtype=np.float32),
    ],
    ids=["float64", "no channel axis", "three channels", "transposed"],
)
def test_a_batch_that_preprocess_did_not_make_is_an_error(batch: np.ndarray) -> None:
    with pytest.raises(SpecMismatchError, match="preprocess"):
        check_batch(batch, SPEC)
