from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factories.networks import write_tiny_network
from factories.predictions import make_predictions
from hilum.decision import parse_rule
from hilum.errors import ConfigError, DatasetError, MissingExtraError
from hilum.evaluation import (
    Candidate,
    add_points,
    choose_points,
    compare_candidates,
    evaluate_candidates,
    judge,
    make_candidate,
    make_model_candidate,
)
from hilum.evaluation.restraint import measure_restraint
from hilum.metrics import compute_auc, count_at_threshold
from hilum.spec import ConformalZone, Coverage, SetMetrics


def judge_drawn(**options: Any) -> SetMetrics:
    settings: dict[str, Any] = {"command": "test", "resamples": 100} | options
    return judge(make_predictions(), {"half": 0.5, "low": 0.1}, **settings)


def test_both_libraries_find_the_same() -> None:
    pytest.importorskip("sklearn")
    ours = judge_drawn(library="numpy", calibration_prevalence=0.3).model_dump()
    theirs = judge_drawn(library="scikit-learn", calibration_prevalence=0.3).model_dump()

    def compare(one: Any, other: Any) -> None:
        if isinstance(one, dict):
            assert one.keys() == other.keys()
            for key in one:
                compare(one[key], other[key])
        elif isinstance(one, (tuple, list)):
            for left, right in zip(one, other, strict=True):
                compare(left, right)
        elif isinstance(one, float):
            assert one == pytest.approx(other, abs=1e-12)
        else:
            assert one == other

    compare(ours, theirs)


def test_without_scikit_learn_numpy_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [make_candidate(make_predictions())]
    facts: dict[str, Any] = {"data": "drawn", "part": "", "command": "test", "resamples": 100}
    from hilum.evaluation import document

    monkeypatch.setattr(document, "has_sklearn", lambda: False)
    assert evaluate_candidates(drawn, **facts).computed_with == "numpy"
    monkeypatch.setitem(__import__("sys").modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match="lab"):
        evaluate_candidates(drawn, library="scikit-learn", **facts)


def test_figures_are_those_of_the_films() -> None:
    drawn, found = make_predictions(), judge_drawn()
    assert (found.films, found.positive, found.patients) == (120, 60, 60)
    assert found.roc_auc.value == pytest.approx(compute_auc(drawn.labels, drawn.scores))
    counts = count_at_threshold(drawn.labels, drawn.probabilities, 0.5)
    point = found.operating_points["half"]
    assert point.sensitivity.value == pytest.approx(counts.sensitivity)
    assert point.balanced_accuracy is not None
    assert point.balanced_accuracy.value == pytest.approx(counts.balanced_accuracy)
    assert point.predictive_values[0].prevalence == 0.1
    ppv = point.predictive_values[0].ppv
    assert ppv is not None
    by_hand = counts.sensitivity * 0.1 / (counts.sensitivity * 0.1 + (1 - counts.specificity) * 0.9)
    assert ppv.value == pytest.approx(by_hand)
    assert ppv.low < ppv.value < ppv.high


def test_pathogens_are_judged_apart() -> None:
    drawn, found = make_predictions(), judge_drawn().pathogens
    assert set(found) == {"bacteria", "virus"}
    own = np.array([film.pathogen in (None, "virus") for film in drawn.films])
    expected = compute_auc(drawn.labels[own], drawn.scores[own])
    assert found["virus"].roc_auc.value == pytest.approx(expected)
    assert found["virus"].films == 30
    both = [found[name].sensitivity["half"].value * found[name].films for name in found]
    whole = judge_drawn().operating_points["half"].sensitivity.value
    assert sum(both) / 60 == pytest.approx(whole)


def test_a_figure_that_does_not_exist_is_none() -> None:
    found = judge(make_predictions(), {"never": 1.0}, command="test", resamples=100)
    point = found.operating_points["never"]
    assert point.precision is None
    assert point.sensitivity.value == 0.0
    assert point.npv is not None


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="threshold"):
        judge(make_predictions(), {"high": 1.2}, command="")
    with pytest.raises(ConfigError, match="prevalence"):
        judge_drawn(prevalences=[0.0])
    with pytest.raises(ConfigError, match="at least one threshold"):
        judge(make_predictions(), {}, command="")


# --- candidates ----------------------------------------------------------------------------


def test_thresholds_are_chosen_on_other_patients() -> None:
    candidate = make_candidate(make_predictions())
    validation = make_predictions("validation", seed=7)
    with pytest.raises(DatasetError, match="60 patients are both"):
        choose_points(candidate, validation, [parse_rule("youden")])
    films = tuple(replace(film, patient=f"v-{film.patient}") for film in validation.films)
    validation = replace(validation, films=films)
    rules = [parse_rule("sensitivity=0.9"), parse_rule("f-beta=2")]
    chosen = choose_points(candidate, validation, rules)
    assert chosen.default_point == "sensitivity_90"
    assert set(chosen.points) == {"half", "sensitivity_90", "f_beta_2"}
    assert chosen.points["f_beta_2"].chosen_on == "120 films of validation"
    counts = count_at_threshold(validation.labels, validation.probabilities, chosen.threshold)
    assert counts.sensitivity >= 0.9


def test_a_threshold_is_added_under_a_name_of_its_own() -> None:
    candidate = add_points(make_candidate(make_predictions()), {"mine": 0.3})
    assert (candidate.default_point, candidate.threshold) == ("mine", 0.3)
    with pytest.raises(ConfigError, match="already"):
        add_points(candidate, {"half": 0.4})


# --- pairs ---------------------------------------------------------------------------------


def make_pair(**options: Any) -> list[Candidate]:
    better = make_predictions("better", worth=3.0, **options)
    worse = make_predictions("worse", worth=0.5, seed=1, **options)
    return [make_candidate(better), make_candidate(worse)]


def test_the_better_model_is_found_to_be_better() -> None:
    (pair,) = compare_candidates(make_pair(), resamples=200)
    assert (pair.first, pair.second, pair.films, pair.patients) == ("better", "worse", 120, 60)
    assert pair.auc.p_value < 0.001
    assert pair.auc.low > 0.0
    assert pair.decisions.first_only > pair.decisions.second_only
    assert pair.decisions.p_value < 0.01
    difference = pair.differences["roc_auc"]
    assert difference.value == pytest.approx(pair.auc.difference)
    assert difference.low > 0.0
    assert pair.differences["brier"].high < 0.0


def test_p_values_are_held_to_one_level_over_all_pairs() -> None:
    three = [*make_pair(), make_candidate(make_predictions("third", worth=2.8, seed=2))]
    pairs = compare_candidates(three, resamples=100)
    assert [(pair.first, pair.second) for pair in pairs] == [
        ("better", "worse"),
        ("better", "third"),
        ("worse", "third"),
    ]
    assert all(pair.auc_p_adjusted >= pair.auc.p_value for pair in pairs)
    largest = max(pairs, key=lambda pair: pair.auc.p_value)
    assert largest.auc_p_adjusted == pytest.approx(largest.auc.p_value)


def test_what_cannot_be_compared_is_refused() -> None:
    better, worse = make_pair()
    with pytest.raises(DatasetError, match="two models or more"):
        compare_candidates([better])
    with pytest.raises(DatasetError, match="one name"):
        compare_candidates([better, better])
    paths = [film.path for film in worse.predictions.films]
    shuffled = replace(worse, predictions=worse.predictions.select(paths[::-1]))
    with pytest.raises(DatasetError, match="same order"):
        compare_candidates([better, shuffled])


# --- restraint -----------------------------------------------------------------------------


def test_films_without_an_answer_are_counted() -> None:
    drawn = make_predictions()
    assert measure_restraint(make_candidate(drawn)) is None
    gated = ["looks_turned looks_foreign", "", "looks_turned", *[""] * 117]
    uncertain = np.zeros(120, dtype=bool)
    uncertain[:10] = True
    candidate = make_candidate(replace(drawn, gated=tuple(gated), uncertain=uncertain))
    found = measure_restraint(candidate, resamples=100)
    assert found is not None
    assert (found.refused_positive, found.refused_negative) == (1, 1)
    assert found.reasons == {"looks_turned": 2, "looks_foreign": 1}
    assert found.refused.value == pytest.approx(2 / 120)
    # Two of the ten uncertain films are refused before.
    assert found.uncertain.value == pytest.approx(8 / 120)
    assert found.answered == 110
    counts = count_at_threshold(drawn.labels[10:], drawn.probabilities[10:], 0.5)
    assert found.accuracy is not None
    assert found.accuracy.value == pytest.approx(counts.accuracy)
    assert found.accuracy.low < found.accuracy.value < found.accuracy.high
    # Nobody knows what the zone of these predictions was.
    assert (found.promised, found.covered_positive, found.covered_negative) == (None, None, None)


def test_the_promise_of_the_zone_is_held_against_the_films(tmp_path: Path) -> None:
    coverage = Coverage(positive=0.9, negative=0.9, lowest=0.9, folds=5)
    zone = ConformalZone(
        alpha=0.1, positive_from=0.3, negative_to=0.6, fitted_on="others", coverage=coverage
    )
    spec = write_tiny_network(tmp_path).model_copy(update={"conformal": zone})
    drawn = make_predictions()
    predictions = replace(drawn, gated=("",) * 120)
    found = measure_restraint(make_model_candidate(predictions, spec), resamples=100)
    assert found is not None
    assert found.promised == pytest.approx(0.9)
    assert found.covered_positive is not None
    assert found.covered_negative is not None
    sick, well = (drawn.probabilities[drawn.labels == label] for label in (1, 0))
    assert found.covered_positive.value == pytest.approx((sick >= 0.3).mean())
    assert found.covered_negative.value == pytest.approx((well <= 0.6).mean())
    # Not each film is covered, or the figure could be a constant.
    assert found.covered_negative.value < 1.0


def test_where_nothing_is_answered_nothing_is_claimed() -> None:
    drawn = make_predictions()
    candidate = make_candidate(replace(drawn, gated=("no",) * 120))
    found = measure_restraint(candidate, resamples=100)
    assert found is not None
    assert (found.answered, found.accuracy, found.specificity) == (0, None, None)
