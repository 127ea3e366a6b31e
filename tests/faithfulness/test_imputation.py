"""Holes that are filled, against the linear system solved exactly."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hilum.faithfulness.imputation import impute, solve_means


def draw_smooth(seed: int, shape: tuple[int, int], cells: int = 7) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).random((cells, cells), dtype=np.float32)
    size = (shape[1], shape[0])
    smooth = np.asarray(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC))
    clipped: NDArray[np.float32] = np.clip(smooth, 0.0, 1.0)
    return clipped


def solve_exactly(film: NDArray[np.float32], missing: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Write the system out and solve it: what a small film can afford."""
    places = {place: index for index, place in enumerate(zip(*np.nonzero(missing), strict=True))}
    matrix, right = np.zeros((len(places), len(places))), np.zeros(len(places))
    for (row, column), own in places.items():
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                there = (row + down, column + across)
                inside = 0 <= there[0] < film.shape[0] and 0 <= there[1] < film.shape[1]
                if (down, across) == (0, 0) or not inside:
                    continue
                weight = 1 / 6 if 0 in (down, across) else 1 / 12
                matrix[own, own] += weight
                if there in places:
                    matrix[own, places[there]] -= weight
                else:
                    right[own] += weight * film[there]
    solved = film.astype(np.float64)
    solved[missing] = np.linalg.solve(matrix, right)
    return solved


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_hole_is_filled_as_the_linear_system_has_it(share: float) -> None:
    film = draw_smooth(0, (41, 36))
    order = draw_smooth(1, film.shape, cells=4)
    missing = order > np.quantile(order, 1.0 - share)
    filled = solve_means(film, missing)
    np.testing.assert_array_equal(filled[~missing], film[~missing])
    difference = np.abs(filled - solve_exactly(film, missing))
    assert difference.mean() < 0.01
    assert difference.max() < 0.05


def test_an_even_film_stays_even_but_for_the_noise() -> None:
    film = np.full((32, 24), 0.4, dtype=np.float32)
    missing = np.zeros(film.shape, dtype=bool)
    missing[4:28, 4:20] = True
    np.testing.assert_allclose(solve_means(film, missing), film, atol=1e-6)
    filled = impute(film, missing, np.random.default_rng(0))
    assert 0.005 < (filled - film)[missing].std() < 0.02
    np.testing.assert_array_equal(filled[~missing], film[~missing])


def test_nothing_missing_and_everything_missing() -> None:
    film = draw_smooth(2, (20, 20))
    nothing, everything = np.zeros(film.shape, dtype=bool), np.ones(film.shape, dtype=bool)
    assert impute(film, nothing, np.random.default_rng(0)) is film
    filled = impute(film, everything, np.random.default_rng(0))
    assert abs(float(filled.mean()) - float(film.mean())) < 0.02
    assert float(filled.std()) < 0.05
