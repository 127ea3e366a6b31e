from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.decision import compute_probability, describe_logits, measure_drift
from hilum.decision.drift import LEAST_FILMS, QUANTILES, Drift
from hilum.errors import ConfigError, DatasetError
from hilum.models.zoo import list_models, resolve_model
from hilum.spec import LogitQuantiles, ModelSpec, ValidationLogits

POSITIVE, NEGATIVE = 583, 202
USUAL = POSITIVE / (POSITIVE + NEGATIVE)


def draw_films(
    rng: np.random.Generator, positive: int, negative: int, *, shift: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Logits of two classes, whose spreads differ; ``shift`` moves the negative ones."""
    logits = np.concatenate([rng.normal(4, 2.5, positive), rng.normal(-4 + shift, 2, negative)])
    return logits, np.arange(positive + negative) < positive


def draw_validation(rng: np.random.Generator) -> ValidationLogits:
    return describe_logits(*draw_films(rng, POSITIVE, NEGATIVE))


def measure_site(seed: int, films: int, share: float, *, shift: float = 0.0) -> Drift:
    """A new validation set, and new films of a site with another share of positive ones."""
    rng = np.random.default_rng(seed)
    reference = draw_validation(rng)
    positive = int(rng.binomial(films, share))
    logits, _ = draw_films(rng, positive, films - positive, shift=shift)
    return measure_drift(logits, reference, seed=seed)


@pytest.mark.parametrize("films", [100, 1500])
def test_films_as_on_validation_raise_false_alarms_at_the_level_of_the_tests(films: int) -> None:
    """The validation films are drawn anew each time: their own chance counts too."""
    sites = [measure_site(seed, films, USUAL) for seed in range(60)]
    for name in ("same_share", "any_share"):
        alarms = sum(getattr(site, name).p_value < 0.2 for site in sites)
        # 12 of 60 are expected, and all but one in a thousand draws lie within these.
        assert 3 <= alarms <= 23, name


def test_another_share_alone_is_no_shift_of_the_scores() -> None:
    sites = [measure_site(100 + seed, 800, 0.2) for seed in range(60)]
    assert all(site.same_share and site.same_share.p_value < 0.01 for site in sites)
    assert sum(bool(site.any_share and site.any_share.p_value < 0.2) for site in sites) <= 23
    verdicts = [site.verdict for site in sites]
    assert verdicts.count("other share") >= 55
    held = sum(bool(site.share and site.share.low <= 0.2 <= site.share.high) for site in sites)
    assert held >= 52  # of 57 expected


def test_a_shift_of_the_scores_of_one_class_is_found_at_any_share() -> None:
    for share in (USUAL, 0.3):
        verdicts = [measure_site(seed, 1000, share, shift=3.0).verdict for seed in range(12)]
        assert verdicts.count("other scores") >= 11


def test_a_large_journal_does_not_make_a_shift_of_what_a_small_validation_cannot_tell() -> None:
    alarms = [measure_site(seed, 20_000, 0.5).verdict == "other scores" for seed in range(20)]
    assert sum(alarms) <= 2


def test_the_same_logits_have_the_same_answer() -> None:
    rng = np.random.default_rng(3)
    reference = draw_validation(rng)
    logits, _ = draw_films(rng, 60, 40)
    first, second = (measure_drift(order, reference) for order in (logits, logits[::-1]))
    assert first.any_share == second.any_share
    assert first.share == second.share


def test_too_few_films_are_not_tested() -> None:
    reference = draw_validation(np.random.default_rng(0))
    for films in (0, 1, LEAST_FILMS - 1):
        drift = measure_drift(np.linspace(-3, 3, films), reference)
        assert drift.verdict == "too few films"
        assert (drift.same_share, drift.any_share, drift.share) == (None, None, None)
        assert drift.validation_share == pytest.approx(USUAL)
        assert drift.fitted.shape == drift.observed.shape == drift.logits.shape


def test_quantiles_are_those_of_each_class() -> None:
    logits = [*range(101), *range(-50, 0)]
    described = describe_logits(logits, [1] * 101 + [0] * 50)
    assert (described.positive.films, described.negative.films) == (101, 50)
    assert described.positive.quantiles == tuple(float(number) for number in range(101))
    assert len(described.negative.quantiles) == QUANTILES
    assert described.negative.quantiles[0] == -50.0
    assert described.negative.quantiles[-1] == -1.0


def test_cumulative_shares_reach_from_none_to_all() -> None:
    rng = np.random.default_rng(5)
    drift = measure_drift(draw_films(rng, 40, 40)[0], draw_validation(rng))
    for curve in (drift.positive, drift.negative, drift.fitted, drift.observed):
        assert (np.diff(curve) >= 0).all()
    assert drift.positive[-1] == drift.negative[-1] == drift.fitted[-1] == 1.0
    assert drift.negative[0] == 0.0 < drift.negative[5]


@settings(max_examples=25, deadline=None)
@given(
    logits=st.lists(st.floats(-1e6, 1e6), max_size=40),
    positive=st.lists(st.floats(-50, 50), min_size=2, max_size=5),
    negative=st.lists(st.floats(-50, 50), min_size=2, max_size=5),
)
def test_any_finite_logits_have_an_answer(
    logits: list[float], positive: list[float], negative: list[float]
) -> None:
    """Also ties, classes that score alike, and films far outside of validation."""
    reference = ValidationLogits(
        positive=LogitQuantiles(films=len(positive), quantiles=tuple(sorted(positive))),
        negative=LogitQuantiles(films=len(negative), quantiles=tuple(sorted(negative))),
    )
    drift = measure_drift(logits, reference)
    if drift.any_share is not None and drift.same_share is not None:
        for test in (drift.any_share, drift.same_share):
            assert 0.0 <= test.distance <= 1.0
            assert 0.0 < test.p_value <= 1.0
        assert drift.share is not None
        assert 0.0 <= drift.share.low <= drift.share.high <= 1.0


def test_wrong_input_is_refused() -> None:
    reference = draw_validation(np.random.default_rng(0))
    with pytest.raises(ConfigError, match="alpha"):
        measure_drift([0.0] * 50, reference, alpha=0.0)
    with pytest.raises(DatasetError, match="finite"):
        measure_drift([float("nan")] * 50, reference)
    with pytest.raises(DatasetError, match="Both classes"):
        describe_logits([1.0, 2.0], [1, 1])
    with pytest.raises(ValueError, match="do not fall"):
        LogitQuantiles(films=2, quantiles=(1.0, 0.0))


@pytest.mark.parametrize(
    "spec", [one for one in list_models() if one.validation_logits], ids=lambda spec: spec.name
)
def test_shipped_quantiles_are_those_of_the_films_that_set_the_thresholds(spec: ModelSpec) -> None:
    """Each operating point has the sensitivity and specificity that they say."""
    reference = spec.validation_logits
    assert reference is not None
    films = reference.positive.films + reference.negative.films
    assert films == spec.training_data.validation_films
    for point in spec.operating_points.values():
        for own, expected in (
            (reference.positive, 1.0 - point.sensitivity),
            (reference.negative, point.specificity),
        ):
            probabilities = compute_probability(np.array(own.quantiles), spec.calibration)
            below = np.interp(point.threshold, probabilities, np.linspace(0, 1, QUANTILES))
            assert below == pytest.approx(expected, abs=0.01)


def test_the_default_model_can_be_compared() -> None:
    assert resolve_model()[0].validation_logits is not None
