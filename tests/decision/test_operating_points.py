"""Thresholds chosen on validation films."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hilum.decision import choose_operating_points
from hilum.errors import DatasetError
from hilum.spec import OperatingPoint


def draw_films(seed: int = 0, films: int = 500) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    labels = rng.random(films) < 0.7
    return 1.0 / (1.0 + np.exp(-rng.normal(np.where(labels, 2.0, -1.0), 2.0))), labels


def measure(
    point: OperatingPoint, scores: NDArray[np.float64], labels: NDArray[np.bool_]
) -> tuple[float, float]:
    called = scores >= point.threshold
    return float(called[labels].mean()), float((~called[~labels]).mean())


@pytest.mark.parametrize("seed", range(10))
def test_sensitivities_are_kept_and_no_higher_threshold_keeps_them(seed: int) -> None:
    scores, labels = draw_films(seed)
    points = choose_operating_points(scores, labels, "drawn films")
    for name, least in [("sensitivity_95", 0.95), ("sensitivity_99", 0.99)]:
        point = points[name]
        told = (point.sensitivity, point.specificity)
        assert measure(point, scores, labels) == pytest.approx(told, abs=1e-12)
        assert point.sensitivity >= least
        next_higher = scores[scores >= point.threshold].min()
        above = scores > next_higher
        assert above[labels].mean() < least


@pytest.mark.parametrize("seed", range(10))
def test_youden_has_the_largest_index_of_all_thresholds(seed: int) -> None:
    scores, labels = draw_films(seed)
    point = choose_operating_points(scores, labels, "drawn films")["youden"]
    best = max(
        (scores >= score)[labels].mean() - (scores >= score)[~labels].mean() for score in scores
    )
    assert point.sensitivity + point.specificity - 1.0 == pytest.approx(best, abs=1e-12)


def test_agrees_with_the_roc_curve_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, labels = draw_films(3)
    false_positive, true_positive, thresholds = metrics.roc_curve(
        labels, scores, drop_intermediate=False
    )
    points = choose_operating_points(scores, labels, "drawn films")
    first = np.flatnonzero(true_positive >= 0.95)[0]
    assert points["sensitivity_95"].threshold <= thresholds[first]
    assert points["sensitivity_95"].threshold > thresholds[first + 1]
    assert points["sensitivity_95"].specificity == pytest.approx(1.0 - false_positive[first])


def test_thresholds_lie_half_way_between_neighbours() -> None:
    points = choose_operating_points([0.1, 0.2, 0.6, 0.9], [0, 0, 1, 1], "four films")
    assert [point.threshold for point in points.values()] == pytest.approx([0.4] * 3)
    assert points["youden"].sensitivity == points["youden"].specificity == 1.0
    assert points["youden"].chosen_on == "four films"


def test_noise_of_another_machine_moves_no_film() -> None:
    scores, labels = draw_films(5)
    noise = np.random.default_rng(0).uniform(-1e-7, 1e-7, scores.size)
    for point in choose_operating_points(scores, labels, "drawn films").values():
        assert measure(point, scores + noise, labels) == measure(point, scores, labels)


def test_equal_scores_stay_on_one_side() -> None:
    points = choose_operating_points([0.5, 0.5, 0.5, 0.5], [0, 1, 0, 1], "drawn films")
    assert points["sensitivity_99"].sensitivity == 1.0
    assert points["sensitivity_99"].specificity == 0.0


def test_of_equal_youden_indices_the_more_sensitive_is_taken() -> None:
    # Thresholds 0.8 and 0.4 both have the index 0.5.
    points = choose_operating_points([0.8, 0.6, 0.4, 0.2], [1, 0, 1, 0], "drawn films")
    assert points["youden"].sensitivity == 1.0


def test_neighbouring_floats_are_told_apart() -> None:
    upper = 0.5
    lower = math.nextafter(upper, 0.0)
    points = choose_operating_points([lower, upper], [0, 1], "drawn films")
    assert lower < points["youden"].threshold <= upper


def test_survives_the_spec_file_to_the_last_bit() -> None:
    scores, labels = draw_films(7)
    for point in choose_operating_points(scores, labels, "drawn films").values():
        assert json.loads(json.dumps(point.model_dump()))["threshold"] == point.threshold


@given(
    st.lists(
        st.tuples(st.floats(0.0, 1.0, allow_subnormal=False), st.booleans()), min_size=2
    ).filter(lambda films: len({label for _, label in films}) == 2)
)
@settings(deadline=None, max_examples=200)
def test_any_films_of_both_classes_have_three_points(films: list[tuple[float, bool]]) -> None:
    scores = np.asarray([score for score, _ in films])
    labels = np.asarray([label for _, label in films])
    points = choose_operating_points(scores, labels, "drawn films")
    assert list(points) == ["youden", "sensitivity_95", "sensitivity_99"]
    assert measure(points["sensitivity_95"], scores, labels)[0] >= 0.95
    assert measure(points["sensitivity_99"], scores, labels)[0] >= 0.99
    assert points["sensitivity_99"].threshold <= points["sensitivity_95"].threshold


@pytest.mark.parametrize(
    ("probabilities", "labels"),
    [
        ([0.1, 0.9], [1, 1]),
        ([0.1, 0.9], [0, 0]),
        ([0.1, math.nan], [0, 1]),
        ([0.1, 1.1], [0, 1]),
        ([-0.1, 0.9], [0, 1]),
        ([0.1, 0.9, 0.5], [0, 1]),
        ([0.1, 0.9], [0, 3]),
        ([], []),
    ],
)
def test_refuses_films_that_set_no_threshold(probabilities: list[float], labels: list[int]) -> None:
    with pytest.raises(DatasetError):
        choose_operating_points(probabilities, labels, "drawn films")
