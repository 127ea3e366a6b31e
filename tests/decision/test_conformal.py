from __future__ import annotations

import json

import numpy as np
import pytest

from factories.networks import build_tiny_onnx, make_tiny_facts
from hilum.decision import decide, fit_zone, get_uncertain_range
from hilum.decision.conformal import count_needed_films, find_bounds, find_covered
from hilum.errors import ConfigError, DatasetError
from hilum.spec import ModelSpec, parse_spec
from hilum.types import UNCERTAIN


def draw_scores(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two overlapping classes; every third film is negative."""
    rng = np.random.default_rng(seed)
    positive = np.arange(count) % 3 > 0
    logits = rng.normal(np.where(positive, 1.5, -1.5), 1.2)
    return 1 / (1 + np.exp(-logits)), positive


def make_spec(zone: dict[str, float], threshold: float) -> ModelSpec:
    facts = make_tiny_facts(build_tiny_onnx())
    coverage = {"positive": 1.0, "negative": 1.0, "lowest": 1.0, "folds": 5}
    facts["conformal"] = {"alpha": 0.02, "fitted_on": "x", "coverage": coverage, **zone}
    facts["operating_points"][facts["default_operating_point"]]["threshold"] = threshold
    facts["calibration"] |= {"temperature": 1.0, "offset": 0.0}
    return parse_spec(json.dumps(facts))


def logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


@pytest.mark.parametrize("alpha", [0.02, 0.1, 0.3])
def test_new_films_are_covered_as_promised(alpha: float) -> None:
    """Over many draws the mean coverage of either class is at least 1 - alpha, and not 1."""
    held = []
    for seed in range(200):
        scores, positive = draw_scores(300, seed)
        bounds = find_bounds({"clean": scores}, positive, alpha)
        new, of_which = draw_scores(300, 1000 + seed)
        covered = find_covered(new, of_which, bounds)
        held.append((covered[of_which].mean(), covered[~of_which].mean()))
    for share in np.mean(held, axis=0):
        assert 1 - alpha - 0.004 <= share <= 1 - alpha + 0.02


def test_the_bounds_are_quantiles_of_one_class_each() -> None:
    scores = np.array([0.01 * k for k in range(100)] * 2)
    positive = np.arange(200) >= 100
    # rank ceil(101 * 0.9) = 91 of 100, counted from the far side of each class.
    assert find_bounds({"clean": scores}, positive, 0.1) == pytest.approx((0.09, 0.90))


def test_the_most_cautious_disturbance_decides() -> None:
    scores, positive = draw_scores(300, 0)
    apart = find_bounds({"clean": scores}, positive, 0.1)
    blurred = scores * 0.8
    both = find_bounds({"clean": scores, "blur": blurred}, positive, 0.1)
    assert both[0] == find_bounds({"blur": blurred}, positive, 0.1)[0] < apart[0]
    assert both[1] == apart[1]


def test_the_promise_is_checked_on_other_patients() -> None:
    scores, positive = draw_scores(600, 3)
    patients = [f"p{index // 2}" for index in range(600)]
    zone = fit_zone({"clean": scores}, positive, patients, alpha=0.05, fitted_on="drawn")
    assert zone.coverage.folds == 5
    assert zone.coverage.lowest == min(zone.coverage.positive, zone.coverage.negative)
    assert 0.92 <= zone.coverage.lowest < 1.0


def test_too_few_films_promise_nothing() -> None:
    assert [count_needed_films(alpha) for alpha in (0.02, 0.05, 0.1)] == [49, 19, 9]
    scores, positive = draw_scores(90, 0)
    with pytest.raises(DatasetError, match="takes 49 films"):
        fit_zone({"clean": scores}, positive, ["p"] * 90, alpha=0.02, fitted_on="x")
    with pytest.raises(ConfigError, match="alpha"):
        fit_zone({"clean": scores}, positive, ["p"] * 90, alpha=0.5, fitted_on="x")


@pytest.mark.parametrize(
    ("probability", "decision"),
    [
        (0.05, "normal"),
        (0.101, UNCERTAIN),
        (0.2, UNCERTAIN),
        (0.399, UNCERTAIN),
        (0.41, "pneumonia"),
    ],
)
def test_between_the_bounds_the_answer_is_uncertain(probability: float, decision: str) -> None:
    spec = make_spec({"positive_from": 0.1, "negative_to": 0.4}, threshold=0.3)
    assert get_uncertain_range(spec) == (0.1, 0.4)
    decided = decide(logit(probability), spec)
    assert decided.decision == decision
    assert decided.side == ("pneumonia" if probability >= 0.3 else "normal")


@pytest.mark.parametrize("bounds", [(0.1, 0.4), (0.4, 0.1)])
@pytest.mark.parametrize("threshold", [0.02, 0.2, 0.9])
def test_no_answer_contradicts_the_zone(bounds: tuple[float, float], threshold: float) -> None:
    """Where the operating point and the zone disagree, nobody is told an answer."""
    zone = dict(zip(("positive_from", "negative_to"), bounds, strict=True))
    spec = make_spec(zone, threshold)
    low, high = get_uncertain_range(spec)
    assert (low, high) == (min(*bounds, threshold), max(*bounds, threshold))
    for probability in np.linspace(0.005, 0.995, 199):
        decided = decide(logit(float(probability)), spec)
        if probability < low - 1e-9:
            assert decided.decision == "normal"
        elif probability > high + 1e-9:
            assert decided.decision == "pneumonia"
        elif low + 1e-9 < probability < high - 1e-9:
            assert decided.decision == UNCERTAIN
