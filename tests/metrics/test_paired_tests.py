from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.errors import DatasetError
from hilum.metrics import adjust_holm, compare_auc, compare_decisions, compute_auc
from hilum.metrics.paired_tests import compute_auc_covariance

RNG = np.random.default_rng(5)
LABELS = RNG.integers(0, 2, 120)
FIRST = RNG.normal(LABELS * 1.5, 1.0).round(1)
SECOND = RNG.normal(LABELS * 1.0, 1.0).round(1)


def compute_delong_naively(
    labels: NDArray[np.int_], scores: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """DeLong's covariance straight from the paper: every pair, one by one."""
    rows, columns = [], []
    for values in scores:
        pairs = np.subtract.outer(values[labels == 1], values[labels == 0])
        wins = (pairs > 0) + 0.5 * (pairs == 0)
        rows.append(wins.mean(axis=1))
        columns.append(wins.mean(axis=0))
    covariance = np.cov(rows) / len(rows[0]) + np.cov(columns) / len(columns[0])
    return np.asarray(covariance, dtype=np.float64)


def test_without_clusters_it_is_delongs_covariance() -> None:
    areas, covariance = compute_auc_covariance(LABELS, [FIRST, SECOND])
    np.testing.assert_allclose(covariance, compute_delong_naively(LABELS, [FIRST, SECOND]))
    assert areas[0] == pytest.approx(compute_auc(LABELS, FIRST), abs=1e-12)
    assert areas[1] == pytest.approx(compute_auc(LABELS, SECOND), abs=1e-12)


def test_a_patient_with_copies_of_one_film_counts_once() -> None:
    # Every film three times is no more knowledge: the clustered error is that of one each.
    patients = [str(index) for index in range(len(LABELS))]
    labels, first, second = (np.repeat(values, 3) for values in (LABELS, FIRST, SECOND))
    once = compare_auc(LABELS, FIRST, SECOND, patients)
    clustered = compare_auc(labels, first, second, np.repeat(patients, 3).tolist())
    careless = compare_auc(labels, first, second)
    assert clustered.standard_error == pytest.approx(once.standard_error)
    assert clustered.p_value == pytest.approx(once.p_value)
    assert careless.p_value < once.p_value


def test_clustered_error_is_what_the_bootstrap_sees() -> None:
    rng = np.random.default_rng(1)
    patient = np.repeat(np.arange(80), 3)
    label = (patient % 2).astype(int)
    own = rng.normal(0, 1, 80)[patient]
    first, second = (label + own + rng.normal(0, 0.5, 240) for _ in range(2))
    # A patient with films of both classes, so that the cross term counts.
    label[:6] = [0, 1, 1, 0, 0, 1]
    result = compare_auc(label, first, second, patient.astype(str).tolist())
    differences = []
    for _ in range(1500):
        weight = np.bincount(rng.integers(0, 80, 80), minlength=80)[patient].astype(float)
        differences.append(compute_auc(label, first, weight) - compute_auc(label, second, weight))
    assert result.standard_error == pytest.approx(np.std(differences), rel=0.12)


def test_p_values_are_even_where_the_models_are_equal() -> None:
    rng = np.random.default_rng(2)
    p_values = []
    for _ in range(300):
        labels = rng.permutation(np.arange(100) % 2)
        shared = labels + rng.normal(0, 1, 100)
        first, second = (shared + rng.normal(0, 0.5, 100) for _ in range(2))
        p_values.append(compare_auc(labels, first, second).p_value)
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.05)


def test_models_that_rank_alike_do_not_differ() -> None:
    result = compare_auc(LABELS, FIRST, 2 * FIRST + 1)
    assert (result.difference, result.standard_error, result.p_value) == (0.0, 0.0, 1.0)


def test_without_clusters_it_is_the_exact_mcnemar_test() -> None:
    stats = pytest.importorskip("scipy.stats")
    for first_only, second_only in ((9, 2), (3, 3), (0, 6), (40, 21), (1, 0)):
        labels = [1] * (first_only + second_only + 5)
        first = [1] * first_only + [0] * second_only + [1] * 5
        second = [0] * first_only + [1] * second_only + [1] * 5
        result = compare_decisions(labels, first, second)
        expected = stats.binomtest(first_only, first_only + second_only).pvalue
        assert result.p_value == pytest.approx(expected)
        assert (result.first_only, result.second_only) == (first_only, second_only)


def test_signs_of_patients_are_counted_one_by_one() -> None:
    gains = {"a": 3, "b": -1, "c": 2, "d": 1, "e": 0}
    patients, first, second = [], [], []
    for name, gain in gains.items():
        for _ in range(max(1, abs(gain))):
            patients.append(name)
            first.append(gain > 0)
            second.append(gain < 0)
    labels = [1] * len(patients)
    seen = abs(sum(gains.values()))
    sums = [
        abs(sum(sign * gain for sign, gain in zip(signs, gains.values(), strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(gains))
    ]
    expected = np.mean([total >= seen for total in sums])
    result = compare_decisions(labels, first, second, patients)
    assert result.p_value == pytest.approx(expected)
    assert result.patients == 4


def test_equal_decisions_are_no_difference() -> None:
    result = compare_decisions(LABELS, FIRST > 0, FIRST > 0)
    assert (result.first_only, result.second_only, result.p_value) == (0, 0, 1.0)


def test_several_tests_at_once_are_held_to_one_level() -> None:
    assert adjust_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert adjust_holm([0.9, 0.8]) == [1.0, 1.0]
    assert adjust_holm([]) == []


def test_malformed_input_is_refused() -> None:
    with pytest.raises(DatasetError, match="two patients of each class"):
        compare_auc([0, 0, 1], [1, 2, 3], [3, 2, 1])
    with pytest.raises(DatasetError, match="two patients of each class"):
        compare_auc([0, 0, 1, 1], [1, 2, 3, 4], [1, 2, 3, 4], ["a", "b", "c", "c"])
    with pytest.raises(DatasetError, match="one patient for every film"):
        compare_auc([0, 0, 1, 1], [1, 2, 3, 4], [1, 2, 3, 4], ["a"])
    with pytest.raises(DatasetError, match="finite"):
        compare_auc([0, 1], [math.nan, 1], [1, 2])
    with pytest.raises(DatasetError, match="one length"):
        compare_decisions([0, 1], [True], [True, False])
