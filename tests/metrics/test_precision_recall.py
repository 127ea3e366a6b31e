from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.errors import DatasetError
from hilum.metrics import compute_average_precision, compute_precision_recall

sklearn_metrics = pytest.importorskip("sklearn.metrics")

scored_films = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-5, 5)), min_size=2, max_size=60
).filter(lambda films: {label for label, _ in films} == {0, 1})


@given(scored_films)
def test_curve_and_area_are_those_of_scikit_learn(films: list[tuple[int, int]]) -> None:
    labels, scores = (list(column) for column in zip(*films, strict=True))
    curve = compute_precision_recall(labels, scores)
    precision, recall, thresholds = sklearn_metrics.precision_recall_curve(labels, scores)
    # scikit-learn runs the other way and adds the point (1, 0).
    np.testing.assert_allclose(curve.precision, precision[-2::-1], atol=1e-12)
    np.testing.assert_allclose(curve.recall, recall[-2::-1], atol=1e-12)
    np.testing.assert_array_equal(curve.thresholds, thresholds[::-1])
    expected = sklearn_metrics.average_precision_score(labels, scores)
    assert compute_average_precision(labels, scores) == pytest.approx(expected, abs=1e-12)


def test_films_without_weight_do_not_count() -> None:
    with_idle = compute_average_precision([0, 1, 0, 1], [9, 3, 2, 1], weights=[0, 1, 1, 1])
    assert with_idle == pytest.approx(compute_average_precision([1, 0, 1], [3, 2, 1]))


def test_positive_films_are_needed() -> None:
    for labels in ([0, 0], []):
        with pytest.raises(DatasetError, match="positive films"):
            compute_precision_recall(labels, np.zeros(len(labels)))
