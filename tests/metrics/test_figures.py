"""NumPy's figures and scikit-learn's are the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.errors import DatasetError
from hilum.metrics import figures

pytest.importorskip("sklearn")
from hilum.metrics import sklearn_figures

films = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 20), st.integers(0, 3)), min_size=4, max_size=60
).filter(lambda rows: {label for label, _, weight in rows if weight} == {0, 1})


@settings(max_examples=60, deadline=None)
@given(films, st.integers(0, 21), st.booleans())
def test_both_libraries_give_the_same_figures(
    rows: list[tuple[int, int, int]], threshold: int, weighted: bool
) -> None:
    labels, steps, drawn = (np.array(column) for column in zip(*rows, strict=True))
    probabilities = steps / 20.0
    weights = drawn.astype(float) if weighted else None
    arguments = (labels, probabilities - 3.0, probabilities, weights)
    ours, theirs = (module.compute_set_figures(*arguments) for module in (figures, sklearn_figures))
    assert tuple(ours) == tuple(theirs) == figures.SET_FIGURES
    for name, value in ours.items():
        assert value == pytest.approx(theirs[name], abs=1e-12), name
    ours, theirs = (
        module.compute_point_figures(labels, probabilities, threshold / 20.0, weights)
        for module in (figures, sklearn_figures)
    )
    assert tuple(ours) == tuple(theirs) == figures.POINT_FIGURES
    for name, value in ours.items():
        assert value == pytest.approx(theirs[name], abs=1e-12, nan_ok=True), name


def test_one_class_is_refused_by_both() -> None:
    labels, scores = np.array([1, 1]), np.array([0.2, 0.8])
    for module in (figures, sklearn_figures):
        with pytest.raises(DatasetError, match="both classes"):
            module.compute_set_figures(labels, scores, scores)
