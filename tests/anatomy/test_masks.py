"""Growing and shrinking, against looking at every square."""

from __future__ import annotations

import numpy as np
import pytest

from hilum.anatomy import grow_region, shrink_region


@pytest.mark.parametrize("px", [1, 3, 30])
def test_a_region_grows_by_squares(px: int) -> None:
    mask = np.random.default_rng(px).random((17, 23)) < 0.05
    grown = grow_region(mask, px)
    for row in range(17):
        for column in range(23):
            square = mask[max(row - px, 0) : row + px + 1, max(column - px, 0) : column + px + 1]
            assert grown[row, column] == square.any()


def test_a_region_shrinks_from_the_border_of_the_film_too() -> None:
    whole = np.ones((20, 20), dtype=bool)
    assert shrink_region(whole, 3).sum() == 14 * 14
    box = np.zeros((20, 20), dtype=bool)
    box[5:15, 4:12] = True
    expected = np.zeros_like(box)
    expected[7:13, 6:10] = True
    np.testing.assert_array_equal(shrink_region(box, 2), expected)
    np.testing.assert_array_equal(grow_region(expected, 2), box)


def test_nothing_happens_by_no_pixel() -> None:
    mask = np.eye(5, dtype=bool)
    assert grow_region(mask, 0) is mask
    assert shrink_region(mask, 0) is mask
