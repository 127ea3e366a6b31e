from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.errors import DatasetError
from hilum.metrics import bootstrap_by_patient, compute_wilson_interval


def make_mean(values: NDArray[np.float64]) -> object:
    def compute_mean(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([np.average(values, weights=weights)])

    return compute_mean


def test_interval_of_a_mean_has_the_width_that_theory_gives() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0.0, 1.0, 400)
    patients = [str(index) for index in range(400)]
    low, high = bootstrap_by_patient(patients, [0] * 400, make_mean(values))  # type: ignore[arg-type]
    expected = 2 * 1.96 * values.std() / np.sqrt(400)
    assert high[0] - low[0] == pytest.approx(expected, rel=0.1)
    assert low[0] < values.mean() < high[0]


def test_films_of_one_patient_are_not_independent() -> None:
    # Every patient has four films of one value: the interval is that of 100 films, not of 400.
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(0.0, 1.0, 100), 4)
    patients = np.repeat(np.arange(100).astype(str), 4).tolist()
    low, high = bootstrap_by_patient(patients, [0] * 400, make_mean(values))  # type: ignore[arg-type]
    assert high[0] - low[0] == pytest.approx(2 * 1.96 * values.std() / 10, rel=0.15)


def test_every_resample_keeps_the_number_of_patients_of_each_class() -> None:
    labels = [0] * 30 + [1] * 10
    seen = []

    def compute_sums(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        seen.append((weights[:30].sum(), weights[30:].sum()))
        return np.array([weights[0]])

    bootstrap_by_patient([str(i) for i in range(40)], labels, compute_sums, resamples=50)
    assert set(seen) == {(30.0, 10.0)}


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.arange(20.0)
    patients = [str(index) for index in range(20)]
    calls = [
        bootstrap_by_patient(patients, [0] * 20, make_mean(values), resamples=100, seed=seed)  # type: ignore[arg-type]
        for seed in (3, 3, 4)
    ]
    assert calls[0] == calls[1]
    assert calls[0] != calls[2]


def test_undefined_resamples_are_left_out_and_an_undefined_figure_is_an_error() -> None:
    def compute_sometimes(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([np.nan if weights[0] == 0 else 1.0])

    low, high = bootstrap_by_patient(["a", "b"], [0, 0], compute_sometimes, resamples=50)
    assert (low[0], high[0]) == (1.0, 1.0)
    with pytest.raises(DatasetError, match="undefined"):
        bootstrap_by_patient(["a"], [0], lambda _: np.array([np.nan]), resamples=5)
    with pytest.raises(DatasetError, match="one label for every film"):
        bootstrap_by_patient([], [], lambda _: np.array([1.0]))


@pytest.mark.parametrize("whole", [1, 10, 202, 583])
def test_shares_have_wilsons_interval(whole: int) -> None:
    stats = pytest.importorskip("scipy.stats", reason="needs SciPy")
    for found in {0, 1, whole // 2, whole - 1, whole}:
        for confidence in (0.8, 0.95):
            expected = stats.binomtest(found, whole).proportion_ci(confidence, method="wilson")
            interval = compute_wilson_interval(found, whole, confidence=confidence)
            assert interval == pytest.approx(tuple(expected), abs=1e-9)


@pytest.mark.parametrize(("found", "whole"), [(0, 0), (3, 2), (-1, 2), (float("nan"), 2)])
def test_what_is_no_share_has_no_interval(found: float, whole: float) -> None:
    with pytest.raises(DatasetError, match="no share"):
        compute_wilson_interval(found, whole)
