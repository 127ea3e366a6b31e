from __future__ import annotations

import numpy as np
import pytest

from hilum.errors import ConfigError, DatasetError
from hilum.metrics import compute_ece, compute_reliability

sklearn_calibration = pytest.importorskip("sklearn.calibration")

RNG = np.random.default_rng(3)
PROBABILITIES = RNG.uniform(0, 1, 500).round(2)
LABELS = (RNG.uniform(0, 1, 500) < PROBABILITIES**2).astype(int)


def test_bins_are_those_of_scikit_learn() -> None:
    bins = compute_reliability(LABELS, PROBABILITIES, bins=10)
    share, mean = sklearn_calibration.calibration_curve(LABELS, PROBABILITIES, n_bins=10)
    np.testing.assert_allclose(bins.positive_share, share)
    np.testing.assert_allclose(bins.mean_probability, mean)
    assert bins.weight.sum() == 500


def test_error_is_the_gap_that_was_made() -> None:
    # 0.8 is said of films of which half are positive, 0.1 of films of which a tenth are.
    labels = [1, 0] * 10 + [1] + [0] * 9
    probabilities = [0.8] * 20 + [0.1] * 10
    assert compute_ece(labels, probabilities) == pytest.approx(0.3 * 20 / 30)
    assert compute_ece(labels, probabilities, weights=[0] * 20 + [1] * 10) == pytest.approx(0.0)


def test_at_another_prevalence_the_classes_are_weighted() -> None:
    # Half of these films are positive and 0.2 is right where a fifth are.
    labels, probabilities = [1] * 10 + [0] * 10, [0.2] * 20
    assert compute_ece(labels, probabilities) == pytest.approx(0.3)
    assert compute_ece(labels, probabilities, prevalence=0.2) == pytest.approx(0.0, abs=1e-12)


def test_malformed_input_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"outside of \[0, 1\]"):
        compute_reliability([0, 1], [0.2, 1.2])
    with pytest.raises(DatasetError, match="there are none"):
        compute_reliability([], [])
    with pytest.raises(DatasetError, match="both classes"):
        compute_reliability([1, 1], [0.2, 0.4], prevalence=0.5)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        compute_reliability([0, 1], [0.2, 0.4], prevalence=1.0)
    with pytest.raises(ConfigError, match="at least one bin"):
        compute_reliability([0, 1], [0.2, 0.4], bins=0)
