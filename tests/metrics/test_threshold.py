from __future__ import annotations

import math

import numpy as np
import pytest

from hilum.metrics import compute_brier, count_at_threshold

sklearn_metrics = pytest.importorskip("sklearn.metrics")

RNG = np.random.default_rng(1)
LABELS = RNG.integers(0, 2, 300)
PROBABILITIES = np.clip(RNG.normal(0.4 + 0.2 * LABELS, 0.2), 0, 1).round(2)


@pytest.mark.parametrize("threshold", [0.0, 0.35, 0.5, 1.0])
def test_figures_are_those_of_scikit_learn(threshold: float) -> None:
    counts = count_at_threshold(LABELS, PROBABILITIES, threshold)
    called = threshold <= PROBABILITIES
    precision, recall, f1, _ = sklearn_metrics.precision_recall_fscore_support(
        LABELS, called, average="binary", zero_division=np.nan
    )
    assert counts.accuracy == pytest.approx(sklearn_metrics.accuracy_score(LABELS, called))
    assert counts.sensitivity == pytest.approx(recall)
    assert counts.precision == pytest.approx(precision, nan_ok=True)
    assert counts.f1 == pytest.approx(f1, nan_ok=True)
    expected = sklearn_metrics.recall_score(LABELS, called, pos_label=0)
    assert counts.specificity == pytest.approx(expected)


def test_a_score_on_the_threshold_is_positive() -> None:
    assert count_at_threshold([1], [0.5], 0.5).true_positive == 1


def test_a_figure_without_films_does_not_exist() -> None:
    counts = count_at_threshold([0, 0], [0.1, 0.2], 0.5)
    assert math.isnan(counts.sensitivity)
    assert math.isnan(counts.precision)
    assert counts.specificity == 1.0


def test_brier_is_that_of_scikit_learn() -> None:
    expected = sklearn_metrics.brier_score_loss(LABELS, PROBABILITIES)
    assert compute_brier(LABELS, PROBABILITIES) == pytest.approx(expected)
    assert compute_brier([0, 1], [0.5, 1.0], weights=[1.0, 3.0]) == pytest.approx(0.0625)
