"""Temperature scaling and the calibrated probability."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.decision import compute_probability, fit_temperature
from hilum.decision.calibrate import MAX_TEMPERATURE, MIN_TEMPERATURE
from hilum.errors import DatasetError
from hilum.spec import Calibration


def draw_logits(
    temperature: float, films: int = 4000, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw labels from sigmoid(z), and give z times ``temperature`` as the logits."""
    rng = np.random.default_rng(seed)
    z = rng.normal(1.0, 2.0, films)
    labels = (rng.random(films) < 1.0 / (1.0 + np.exp(-z))).astype(np.int64)
    return z * temperature, labels


def compute_loss(
    temperature: float, logits: NDArray[np.float64], labels: NDArray[np.int64]
) -> float:
    z = logits / temperature
    return float(np.mean(np.logaddexp(0.0, z) - labels * z))


@pytest.mark.parametrize("true_temperature", [0.3, 1.0, 2.5, 9.0])
def test_finds_the_temperature_that_made_the_labels(true_temperature: float) -> None:
    logits, labels = draw_logits(true_temperature)
    assert fit_temperature(logits, labels) == pytest.approx(true_temperature, rel=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_an_independent_optimiser(seed: int) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    logits, labels = draw_logits(3.0, films=300, seed=seed)
    reference = optimize.minimize_scalar(
        lambda beta: compute_loss(1.0 / beta, logits, labels),
        bounds=(1.0 / MAX_TEMPERATURE, 1.0 / MIN_TEMPERATURE),
        method="bounded",
        options={"xatol": 1e-12},
    )
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(1.0 / reference.x, rel=1e-5)
    assert compute_loss(found, logits, labels) <= reference.fun + 1e-15


def test_agrees_with_logistic_regression_without_intercept() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    logits, labels = draw_logits(2.0, films=500)
    model = linear_model.LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10)
    model.fit(logits[:, None], labels)
    assert fit_temperature(logits, labels) == pytest.approx(1.0 / model.coef_[0, 0], rel=1e-4)


def test_takes_float32_logits_and_boolean_labels() -> None:
    logits, labels = draw_logits(2.0)
    rounded = logits.astype(np.float32)
    assert fit_temperature(rounded, labels.astype(bool)) == pytest.approx(
        fit_temperature(logits, labels), rel=1e-5
    )


def test_huge_logits_overflow_nothing() -> None:
    temperature = fit_temperature([-2000.0, -1500.0, 1500.0, 2000.0, 1000.0], [0, 0, 1, 1, 0])
    assert temperature == MAX_TEMPERATURE


def test_separated_classes_end_at_the_lower_bound() -> None:
    assert fit_temperature([-1.0, -0.5, 0.5, 1.0], [0, 0, 1, 1]) == MIN_TEMPERATURE


@pytest.mark.parametrize(
    "logits", [[1.0, 0.5, -0.5, -1.0], [0.0, 0.0, 0.0, 0.0]], ids=["inverted", "constant"]
)
def test_logits_that_say_nothing_end_at_the_upper_bound(logits: list[float]) -> None:
    assert fit_temperature(logits, [0, 0, 1, 1]) == MAX_TEMPERATURE


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
        fit_temperature(logits, labels)


def make_calibration(temperature: float) -> Calibration:
    return Calibration(temperature=temperature, prevalence=0.5, fitted_on="drawn films")


def test_probability_is_the_sigmoid_of_the_scaled_logit() -> None:
    assert compute_probability(0.0, make_calibration(3.0)) == 0.5
    assert compute_probability(2.0, make_calibration(2.0)) == pytest.approx(1 / (1 + math.exp(-1)))


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
    labels = (rng.random(400) < 0.8).astype(int)
    logits = rng.normal(2.0 * labels - 0.5, 1.5)
    # As many copies of each normal film as make the classes even.
    negative = np.flatnonzero(labels == 0)
    positive = np.flatnonzero(labels == 1)
    even = np.concatenate([np.repeat(positive, negative.size), np.repeat(negative, positive.size)])
    expected = fit_temperature(logits[even], labels[even])
    assert fit_temperature(logits, labels, prevalence=0.5) == pytest.approx(expected, rel=1e-9)
    assert fit_temperature(logits, labels, prevalence=labels.mean()) == pytest.approx(
        fit_temperature(logits, labels), rel=1e-9
    )
    with pytest.raises(DatasetError, match="prevalence"):
        fit_temperature(logits, labels, prevalence=1.0)
