from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.errors import DatasetError
from hilum.metrics import compute_auc, compute_roc

sklearn_metrics = pytest.importorskip("sklearn.metrics")

scored_films = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-5, 5)), min_size=2, max_size=60
).filter(lambda films: {label for label, _ in films} == {0, 1})


@given(scored_films)
def test_curve_and_area_are_those_of_scikit_learn(films: list[tuple[int, int]]) -> None:
    labels, scores = (list(column) for column in zip(*films, strict=True))
    curve = compute_roc(labels, scores)
    expected = sklearn_metrics.roc_curve(labels, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.false_positive_rate, expected[0], atol=1e-12)
    np.testing.assert_allclose(curve.true_positive_rate, expected[1], atol=1e-12)
    np.testing.assert_array_equal(curve.thresholds, expected[2])
    assert curve.auc == pytest.approx(sklearn_metrics.roc_auc_score(labels, scores), abs=1e-12)


@given(scored_films, st.data())
def test_weights_count_as_copies_of_a_film(
    films: list[tuple[int, int]], data: st.DataObject
) -> None:
    times = data.draw(st.lists(st.integers(1, 3), min_size=len(films), max_size=len(films)))
    labels, scores = (np.array(column) for column in zip(*films, strict=True))
    copied = compute_auc(np.repeat(labels, times), np.repeat(scores, times))
    assert compute_auc(labels, scores, weights=times) == pytest.approx(copied, abs=1e-12)


def test_area_is_the_probability_of_the_right_order() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    scores = rng.normal(labels, 1.0).round(1)
    positive, negative = scores[labels == 1], scores[labels == 0]
    wins = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
    assert compute_auc(labels, scores) == pytest.approx(wins, abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "scores", "words"),
    [
        ([1, 1], [0.1, 0.2], "both classes"),
        ([], [], "both classes"),
        ([0, 1], [0.1], "one length"),
        ([0, 2], [0.1, 0.2], "0 .* or 1"),
        ([0, 1], [0.1, float("nan")], "finite"),
        ([[0, 1]], [[0.1, 0.2]], "one length"),
    ],
)
def test_malformed_input_is_refused(labels: object, scores: object, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        compute_roc(labels, scores)  # type: ignore[arg-type]  # wrong on purpose


def test_a_class_without_weight_is_missing() -> None:
    with pytest.raises(DatasetError, match="both classes"):
        compute_roc([0, 1], [0.1, 0.2], weights=[1.0, 0.0])
