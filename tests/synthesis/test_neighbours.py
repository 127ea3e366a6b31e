"""A copy is found out, however it was bent."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.synthesis import ChestModel, compare_details, draw_film, measure_neighbours
from hilum.synthesis.fields import resize

Planes = NDArray[np.float32]


@pytest.fixture(scope="module")
def strangers() -> Planes:
    """Films that resemble each other no more than by their common ground."""
    rng = np.random.default_rng(0)
    small = rng.standard_normal((80, 14, 14), dtype=np.float32)
    return np.stack([np.clip(0.5 + 0.15 * resize(one, 224, 224), 0, 1) for one in small])


def test_a_copy_is_nearer_than_strangers_are(strangers: Planes) -> None:
    rng = np.random.default_rng(1)
    moved = np.roll(strangers[3], (5, -7), axis=(0, 1))
    copy = np.clip(0.8 * moved + 0.1 + 0.02 * rng.standard_normal(moved.shape), 0, 1)
    new = resize(rng.standard_normal((14, 14), dtype=np.float32), 224, 224) * 0.15 + 0.5
    picture, bits = measure_neighbours([copy.astype(np.float32), new], strangers)
    assert (picture.look, bits.look) == ("picture", "hash")
    assert picture.drawn[0] > 0.9 > picture.limit > picture.drawn[1]
    assert not picture.passed
    alone = measure_neighbours([new], strangers)
    assert all(check.passed for check in alone)
    same = measure_neighbours([strangers[3]], strangers)
    assert same[1].drawn[0] == pytest.approx(1.0)
    assert not same[1].passed


def test_films_are_not_their_own_neighbours(strangers: Planes) -> None:
    picture, bits = measure_neighbours([strangers[0]], strangers)
    assert picture.median < 0.9
    assert bits.median < 0.9
    assert picture.compared == len(strangers)


def test_a_network_that_knows_a_film_tells(strangers: Planes) -> None:
    rng = np.random.default_rng(2)
    real = rng.standard_normal((len(strangers), 32))
    drawn = np.stack([real[5] * 2.0 + 0.01, rng.standard_normal(32)])
    check = measure_neighbours([strangers[5], strangers[5]], strangers, embeddings=(drawn, real))[2]
    assert check.look == "embedding"
    assert check.drawn[0] == pytest.approx(1.0, abs=1e-3)
    assert check.drawn[1] <= check.limit


def test_copied_detail_shows_in_the_common_frame(chest_model: ChestModel) -> None:
    drawn = draw_film(chest_model, np.random.default_rng(1))
    copied = chest_model.details[7].astype(np.float32)
    check = compare_details([drawn.frame, copied], chest_model)
    assert check.drawn[0] < 0.7 < check.drawn[1]
