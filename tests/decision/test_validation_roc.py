"""The validation films' curve, held against the films themselves by scikit-learn."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.decision import (
    ValidationRoc,
    choose_operating_points,
    compute_probability,
    describe_logits,
    trace_roc,
)
from hilum.metrics import count_at_threshold
from hilum.models.zoo import list_models
from hilum.spec import Calibration, ModelSpec, OperatingPoint

sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn")

CALIBRATION = Calibration(temperature=1.1, offset=0.4, prevalence=0.5, fitted_on="drawn films")
Films = tuple[NDArray[np.float64], NDArray[np.bool_]]


def draw_films(positive: int, negative: int, seed: int = 0) -> Films:
    """Logits and labels of two classes that overlap."""
    rng = np.random.default_rng(seed)
    logits = np.concatenate([rng.normal(3, 2.5, positive), rng.normal(-3, 2, negative)])
    return logits, np.arange(positive + negative) < positive


def trace(logits: NDArray[np.float64], labels: NDArray[np.bool_]) -> ValidationRoc:
    return trace_roc(describe_logits(logits, labels), CALIBRATION)


def list_thresholds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half-way between neighbours, where rounding moves no film."""
    sorted_ones = np.unique(probabilities)
    middles: NDArray[np.float64] = (sorted_ones[1:] + sorted_ones[:-1]) / 2.0
    apart = np.diff(np.log(sorted_ones / (1.0 - sorted_ones))) > 1e-3
    return middles[apart]


@pytest.mark.parametrize(("positive", "negative"), [(101, 101), (11, 6), (2, 51)])
def test_few_films_come_back_as_they_were(positive: int, negative: int) -> None:
    """As many films as steps between quantiles, or a divisor of it: the films are the quantiles."""
    logits, labels = draw_films(positive, negative)
    roc = trace(logits, labels)
    probabilities = compute_probability(logits, CALIBRATION)
    rates = sklearn_metrics.roc_curve(labels, probabilities, drop_intermediate=False)
    curve = roc.curve
    np.testing.assert_allclose(curve.false_positive_rate, rates[0], atol=1e-12)
    np.testing.assert_allclose(curve.true_positive_rate, rates[1], atol=1e-12)
    np.testing.assert_allclose(curve.thresholds[1:], rates[2][1:], atol=1e-4)
    assert curve.auc == pytest.approx(sklearn_metrics.roc_auc_score(labels, logits), abs=1e-12)
    for threshold in list_thresholds(probabilities):
        figures = roc.measure_at(threshold)
        assert figures.exact
        assert figures.counts == count_at_threshold(labels, probabilities, threshold)


@pytest.mark.parametrize(("positive", "negative"), [(583, 202), (150, 1341), (37, 20), (1, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_bounds_hold_what_the_quantiles_leave_open(positive: int, negative: int, seed: int) -> None:
    logits, labels = draw_films(positive, negative, seed)
    roc = trace(logits, labels)
    probabilities = compute_probability(logits, CALIBRATION)
    false_alarms, found, thresholds = sklearn_metrics.roc_curve(
        labels, probabilities, drop_intermediate=False
    )
    for threshold in list_thresholds(probabilities):
        at = int(np.flatnonzero(thresholds >= threshold)[-1])
        figures = roc.measure_at(threshold)
        assert figures.sensitivity.low <= found[at] <= figures.sensitivity.high
        assert figures.specificity.low <= 1.0 - false_alarms[at] <= figures.specificity.high
        # What is open is the few films between two of 101 quantiles.
        assert abs(figures.sensitivity.value - found[at]) <= 0.01 + 1.0 / positive
        assert abs(figures.specificity.value - (1.0 - false_alarms[at])) <= 0.01 + 1.0 / negative
    assert roc.films == labels.size
    assert roc.curve.auc == pytest.approx(sklearn_metrics.roc_auc_score(labels, logits), abs=0.01)


def test_operating_points_lie_on_the_curve_exactly() -> None:
    logits, labels = draw_films(583, 202)
    points = choose_operating_points(compute_probability(logits, CALIBRATION), labels, "drawn")
    roc = trace_roc(describe_logits(logits, labels), CALIBRATION, points.values())
    for point in points.values():
        figures = roc.measure_at(point.threshold)
        assert figures.exact
        assert figures.sensitivity.value == pytest.approx(point.sensitivity, abs=1e-12)
        assert figures.specificity.value == pytest.approx(point.specificity, abs=1e-12)


def test_a_point_of_other_films_moves_nothing() -> None:
    logits, labels = draw_films(583, 202)
    foreign = OperatingPoint(
        threshold=0.5, rule="by hand", chosen_on="others", sensitivity=0.2, specificity=0.1
    )
    reference = describe_logits(logits, labels)
    with_it = trace_roc(reference, CALIBRATION, [foreign])
    without = trace_roc(reference, CALIBRATION)
    np.testing.assert_array_equal(with_it.probabilities, without.probabilities)


def test_the_ends_of_the_scale() -> None:
    roc = trace(*draw_films(60, 30))
    everything, nothing = roc.measure_at(0.0), roc.measure_at(1.0)
    assert astuple(everything.counts) == (60, 30, 0, 0)
    assert astuple(nothing.counts) == (0, 0, 30, 60)
    assert everything.sensitivity.value == everything.sensitivity.high == 1.0
    assert everything.sensitivity.low < 1.0  # 60 films do not prove that none is ever missed
    assert nothing.sensitivity.low == 0.0


@pytest.mark.parametrize("spec", list_models(), ids=lambda spec: spec.name)
def test_the_curves_of_shipped_models_are_those_of_their_specs(spec: ModelSpec) -> None:
    assert spec.validation_logits is not None
    roc = trace_roc(spec.validation_logits, spec.calibration, spec.operating_points.values())
    assert roc.films == spec.training_data.validation_films
    assert roc.curve.auc == pytest.approx(spec.validation_auc["clean"], abs=0.002)
    for point in spec.operating_points.values():
        figures = roc.measure_at(point.threshold)
        assert figures.exact
        assert figures.sensitivity.value == pytest.approx(point.sensitivity, abs=1e-12)
        assert figures.specificity.value == pytest.approx(point.specificity, abs=1e-12)
