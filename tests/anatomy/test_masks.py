"""Growing, shrinking and telling apart, against looking at every square."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.anatomy import grow_region, label_parts, shrink_region


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


def flood(mask: NDArray[np.bool_]) -> list[set[tuple[int, int]]]:
    """The connected parts of a region, in reading order, by walking from place to place."""
    left = {(int(row), int(column)) for row, column in zip(*np.nonzero(mask), strict=True)}
    parts = []
    for start in sorted(left):
        if start not in left:
            continue
        part, todo = set(), [start]
        while todo:
            row, column = todo.pop()
            if (row, column) in left:
                left.remove((row, column))
                part.add((row, column))
                todo += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
        parts.append(part)
    return parts


@pytest.mark.parametrize("density", [0.0, 0.2, 0.45, 0.6, 0.8, 1.0])
def test_parts_are_those_that_one_can_walk_through(density: float) -> None:
    for seed in range(8):
        mask = np.random.default_rng(seed).random((13, 17)) < density
        labels, count = label_parts(mask)
        expected = flood(mask)
        assert count == len(expected)
        for number, part in enumerate(expected, 1):
            assert set(zip(*np.nonzero(labels == number), strict=True)) == part
        assert not labels[~mask].any()


def test_parts_that_touch_at_a_corner_are_apart() -> None:
    labels, count = label_parts(np.eye(4, dtype=bool))
    assert count == 4
    assert labels.diagonal().tolist() == [1, 2, 3, 4]


def test_arms_that_meet_late_are_one_part() -> None:
    """A comb that is open above: its teeth are known to be one only in the last row."""
    comb = np.zeros((5, 9), dtype=bool)
    comb[:, ::2] = True
    assert label_parts(comb)[1] == 5
    comb[-1] = True
    labels, count = label_parts(comb)
    assert count == 1
    assert (labels[comb] == 1).all()
