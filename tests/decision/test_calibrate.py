"""Platt scaling and the calibrated probability."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.decision import compute_probability, fit_calibration
from hilum.decision.calibrate import MAX_TEMPERATURE, MIN_TEMPERATURE
from hilum.errors import DatasetError
from hilum.spec import Calibration


def draw_logits(
    temperature: float, offset: float = 0.0, films: int = 4000, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw labels from sigmoid(z), and give the logits that are calibrated back to z."""
    rng = np.random.default_rng(seed)
    z = rng.normal(1.0, 2.0, films)
    labels = (rng.random(films) < 1.0 / (1.0 + np.exp(-z))).astype(np.int64)
    return z * temperature - offset, labels


@pytest.mark.parametrize("true_temperature", [0.3, 1.0, 2.5, 9.0])
@pytest.mark.parametrize("true_offset", [-3.0, 0.0, 40.0])
def test_finds_what_made_the_labels(true_temperature: float, true_offset: float) -> None:
    temperature, offset = fit_calibration(*draw_logits(true_temperature, true_offset))
    assert temperature == pytest.approx(true_temperature, rel=0.06)
    assert (offset - true_offset) / true_temperature == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_agrees_with_logistic_regression(seed: int, shift: float) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    logits, labels = draw_logits(2.0, shift, films=500, seed=seed)
    positives = int(labels.sum())
    high, low = (positives + 1) / (positives + 2), 1 / (500 - positives + 2)
    # A target between 0 and 1 is a film of both classes, weighted.
    target = np.where(labels == 1, high, low)
    model = linear_model.LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000)
    model.fit(
        np.concatenate([logits, logits])[:, None],
        np.repeat([1, 0], 500),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    temperature, offset = fit_calibration(logits, labels)
    assert 1 / temperature == pytest.approx(model.coef_[0, 0], rel=1e-4)
    assert offset / temperature == pytest.approx(model.intercept_[0], abs=1e-4)


def test_a_shift_of_all_logits_moves_the_offset_alone() -> None:
    logits, labels = draw_logits(1.7, films=300)
    temperature, offset = fit_calibration(logits, labels)
    shifted = fit_calibration(logits + 1000.0, labels)
    assert shifted == pytest.approx((temperature, offset - 1000.0), rel=1e-9)


def test_takes_float32_logits_and_boolean_labels() -> None:
    logits, labels = draw_logits(2.0)
    rounded = logits.astype(np.float32)
    assert fit_calibration(rounded, labels.astype(bool)) == pytest.approx(
        fit_calibration(logits, labels), rel=1e-4, abs=1e-4
    )


def test_huge_logits_overflow_nothing() -> None:
    temperature, offset = fit_calibration(
        [-2000.0, -1500.0, 1500.0, 2000.0, 1000.0], [0, 0, 1, 1, 0]
    )
    assert temperature == MAX_TEMPERATURE
    assert -2000.0 < offset < 0.0


def test_separated_classes_have_a_finite_answer() -> None:
    temperature, offset = fit_calibration([-1.0, -0.5, 0.5, 1.0], [0, 0, 1, 1])
    assert MIN_TEMPERATURE < temperature < 1.0
    assert offset == pytest.approx(0.0, abs=1e-9)
    tiny = [value * 1e-3 for value in (-1.0, -0.5, 0.5, 1.0)]
    assert fit_calibration(tiny, [0, 0, 1, 1])[0] == MIN_TEMPERATURE


@pytest.mark.parametrize(
    "logits", [[1.0, 0.5, -0.5, -1.0], [0.0, 0.0, 0.0, 0.0]], ids=["inverted", "constant"]
)
def test_logits_that_say_nothing_end_at_the_upper_bound(logits: list[float]) -> None:
    temperature, offset = fit_calibration(logits, [0, 0, 1, 1])
    assert temperature == MAX_TEMPERATURE
    assert offset == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        ([1.0, 2.0], [1, 1]),
        ([1.0, 2.0], [0, 0]),
        ([], []),
        ([1.0, math.nan], [0, 1]),
        ([1.0, math.inf], [0, 1]),
        ([1.0, 2.0], [0, 2]),
        ([1.0, 2.0], [0]),
        ([[1.0, 2.0]], [[0, 1]]),
    ],
)
def test_refuses_what_cannot_be_calibrated(logits: list[float], labels: list[int]) -> None:
    with pytest.raises(DatasetError):
        fit_calibration(logits, labels)


def make_calibration(temperature: float, offset: float = 0.0) -> Calibration:
    return Calibration(
        temperature=temperature, offset=offset, prevalence=0.5, fitted_on="drawn films"
    )


def test_probability_is_the_sigmoid_of_the_scaled_logit() -> None:
    assert compute_probability(0.0, make_calibration(3.0)) == 0.5
    assert compute_probability(2.0, make_calibration(2.0)) == pytest.approx(1 / (1 + math.exp(-1)))
    assert compute_probability(-4.0, make_calibration(2.0, 4.0)) == 0.5
    assert compute_probability(0.0, make_calibration(2.0, 2.0)) == pytest.approx(
        1 / (1 + math.exp(-1))
    )


def test_probability_of_any_finite_logit_is_a_probability_and_rises() -> None:
    logits = np.concatenate([[-1e308, -800.0], np.linspace(-40, 40, 999), [800.0, 1e308]])
    probabilities = compute_probability(logits, make_calibration(0.5))
    assert ((probabilities >= 0.0) & (probabilities <= 1.0)).all()
    assert (np.diff(probabilities) >= 0.0).all()


def test_one_film_and_many_have_the_same_bits() -> None:
    logits = np.random.default_rng(1).normal(0, 8, 1000).astype(np.float32)
    together = compute_probability(logits, make_calibration(1.7))
    alone = [compute_probability(float(logit), make_calibration(1.7)) for logit in logits]
    assert together.tolist() == alone


def test_prevalence_weights_the_classes() -> None:
    rng = np.random.default_rng(4)
    labels = (rng.random(4000) < 0.8).astype(int)
    logits = rng.normal(2.0 * labels - 0.5, 1.5)
    temperature, offset = fit_calibration(logits, labels, prevalence=0.5)
    even = make_calibration(temperature, offset)
    probability = compute_probability(logits, even)
    # Where half of the films are positive, the mean probability is a half too.
    by_class = [float(probability[labels == label].mean()) for label in (0, 1)]
    assert sum(by_class) / 2 == pytest.approx(0.5, abs=1e-3)
    assert fit_calibration(logits, labels, prevalence=labels.mean()) == pytest.approx(
        fit_calibration(logits, labels), rel=1e-9
    )
    with pytest.raises(DatasetError, match="prevalence"):
        fit_calibration(logits, labels, prevalence=1.0)
