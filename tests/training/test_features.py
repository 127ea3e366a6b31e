"""The components of a teacher's features, and how a student's are read as them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.training.features import FeatureBasis, draw_reading


def make_activations(rank: int, features: int = 12) -> NDArray[np.float32]:
    """Features of twenty films that lie in a plane of ``rank`` directions, off the origin."""
    rng = np.random.default_rng(0)
    cells = rng.standard_normal((20, 4, 3, rank)) * np.linspace(3.0, 0.5, rank)
    planes = cells @ rng.standard_normal((rank, features)) + 5.0
    return np.moveaxis(planes, -1, 1).astype(np.float32)


def test_components_are_apart_and_of_unit_deviation() -> None:
    activations = make_activations(rank=12)
    basis = FeatureBasis.fit(activations, components=7)
    found = np.stack([basis.project(film) for film in activations])
    assert found.shape == (20, 7, 4, 3)
    assert found.dtype == np.float32
    cells = np.moveaxis(found, 1, -1).reshape(-1, 7)
    np.testing.assert_allclose(cells.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(cells.T @ cells / len(cells), np.eye(7), atol=1e-3)


def test_there_are_no_more_components_than_the_features_have() -> None:
    activations = make_activations(rank=3)
    basis = FeatureBasis.fit(activations, components=7)
    assert basis.directions.shape == (3, 12)
    # Nothing is lost: the features are a linear function of the three.
    cells = np.moveaxis(activations, 1, -1).reshape(-1, 12) - basis.mean
    found = cells @ basis.directions.T
    back, *_ = np.linalg.lstsq(found, cells, rcond=None)
    np.testing.assert_allclose(found @ back, cells, atol=1e-3)


def test_a_basis_does_not_hang_on_the_sign_of_an_eigenvector() -> None:
    activations = make_activations(rank=4)
    found = FeatureBasis.fit(activations).directions
    largest = found[range(len(found)), np.abs(found).argmax(axis=1)]
    assert (largest > 0).all()


@pytest.mark.parametrize(("components", "features"), [(4, 9), (9, 9), (9, 4)])
def test_a_reading_weighs_all_components_alike(components: int, features: int) -> None:
    reading = draw_reading(components, features, seed=3)
    assert reading.shape == (components, features)
    np.testing.assert_allclose(np.linalg.norm(reading, axis=1), 1.0, rtol=1e-6)
    if components <= features:
        np.testing.assert_allclose(reading @ reading.T, np.eye(components), atol=1e-6)
    assert np.array_equal(reading, draw_reading(components, features, seed=3))
    assert not np.array_equal(reading, draw_reading(components, features, seed=4))
