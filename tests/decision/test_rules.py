from __future__ import annotations

import numpy as np
import pytest

from hilum.decision import choose_operating_point, choose_operating_points, parse_rule
from hilum.errors import ConfigError, DatasetError
from hilum.metrics import count_at_threshold

RNG = np.random.default_rng(4)
LABELS = (RNG.uniform(0, 1, 400) < 0.3).astype(int)
PROBABILITIES = np.clip(RNG.normal(0.35 + 0.3 * LABELS, 0.18), 0, 1)
GRID = np.linspace(0, 1, 4001)


def choose(rule: str, prevalence: float | None = None) -> float:
    return choose_operating_point(
        PROBABILITIES, LABELS, parse_rule(rule), "drawn films", prevalence=prevalence
    ).threshold


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_f_beta_is_the_largest_of_all_thresholds(beta: float) -> None:
    found = count_at_threshold(LABELS, PROBABILITIES, choose(f"f-beta={beta}"))
    best = max(count_at_threshold(LABELS, PROBABILITIES, at).compute_f_beta(beta) for at in GRID)
    assert found.compute_f_beta(beta) >= best - 1e-12


@pytest.mark.parametrize("prevalence", [None, 0.05, 0.6])
def test_cost_is_the_least_of_all_thresholds(prevalence: float | None) -> None:
    share = LABELS.mean() if prevalence is None else prevalence

    def compute_cost(threshold: float) -> float:
        counts = count_at_threshold(LABELS, PROBABILITIES, threshold)
        missed, alarms = 1 - counts.sensitivity, 1 - counts.specificity
        return float(5 * share * missed + 2 * (1 - share) * alarms)

    chosen = choose("cost=5:2", prevalence)
    assert compute_cost(chosen) <= min(compute_cost(at) for at in GRID) + 1e-12


def test_a_dearer_miss_lowers_the_threshold() -> None:
    thresholds = [choose(f"cost={missed}:1") for missed in (1, 5, 50)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[0] > thresholds[-1]


def test_the_rules_of_the_spec_are_the_same_by_either_road() -> None:
    points = choose_operating_points(PROBABILITIES, LABELS, "drawn films")
    for name, rule in (("youden", "youden"), ("sensitivity_95", "sensitivity=0.95")):
        own = choose_operating_point(PROBABILITIES, LABELS, parse_rule(rule), "drawn films")
        assert own == points[name]
        assert parse_rule(rule).name == name


def test_specificity_is_kept_with_the_most_sensitivity() -> None:
    counts = count_at_threshold(LABELS, PROBABILITIES, choose("specificity=0.9"))
    assert counts.specificity >= 0.9
    lower = np.sort(PROBABILITIES[LABELS == 0])
    # The next lower normal film would be one too many.
    assert (lower >= choose("specificity=0.9")).mean() + 1 / lower.size > 0.1


@pytest.mark.parametrize(
    ("rule", "name"),
    [("f-beta=2", "f_beta_2"), ("f-beta=0.5", "f_beta_0_5"), ("cost=10:1", "cost_10_1"),
     ("cost=3", "cost_3_1"), ("sensitivity=0.975", "sensitivity_97_5")],
)  # fmt: skip
def test_a_rule_names_its_operating_point(rule: str, name: str) -> None:
    assert parse_rule(rule).name == name


@pytest.mark.parametrize(
    "rule",
    ["", "best", "youden=1", "sensitivity", "sensitivity=95", "sensitivity=nan", "f-beta=0",
     "cost=", "cost=1:0", "cost=a:b", "f-beta=-1"],
)  # fmt: skip
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(ConfigError):
        parse_rule(rule)


def test_malformed_films_are_refused() -> None:
    rule = parse_rule("youden")
    with pytest.raises(DatasetError, match=r"one class only"):
        choose_operating_point([0.1, 0.2], [1, 1], rule, "films")
    with pytest.raises(DatasetError, match="outside of"):
        choose_operating_point([0.1, 1.2], [0, 1], rule, "films")
    with pytest.raises(ConfigError, match="prevalence"):
        choose_operating_point([0.1, 0.2], [0, 1], rule, "films", prevalence=0.0)
    with pytest.raises(DatasetError, match="No threshold"):
        choose_operating_point([0.5, 0.5], [0, 1], parse_rule("specificity=0.9"), "films")
