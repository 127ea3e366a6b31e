"""Lines that bound what lies above a level, on planes whose shape is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.anatomy import label_parts
from hilum.errors import ConfigError
from hilum.explain import trace_contours
from hilum.explain.contours import trace_plane
from hilum.explain.surface import interpolate_map, sample_surface
from hilum.types import Explanation


def make_explanation(
    values: NDArray[np.float32], *, signed: bool = True, side_px: float = 140.0
) -> Explanation:
    box = (0.0, 0.0, side_px, side_px)
    return Explanation(values, box, "evidence", "pneumonia", 0.0, signed=signed)


def make_cone(rows: int, columns: int) -> NDArray[np.float32]:
    down, across = np.mgrid[:rows, :columns]
    return np.asarray(20.0 - np.hypot(down - 20.0, across - 25.0), dtype=np.float32)


def test_the_line_around_a_cone_is_a_circle() -> None:
    [(line, closed)] = trace_plane(make_cone(41, 51), 8.0)
    assert closed
    np.testing.assert_array_equal(line[0], line[-1])
    np.testing.assert_allclose(np.hypot(line[:, 0] - 20.0, line[:, 1] - 25.0), 12.0, atol=0.03)


def test_a_line_that_leaves_the_plane_ends_at_its_border() -> None:
    [(line, closed)] = trace_plane(make_cone(21, 51), 8.0)
    assert not closed
    assert line[0, 0] == line[-1, 0] == 20.0
    assert sorted([line[0, 1], line[-1, 1]]) == [13.0, 37.0]


def test_the_value_along_a_line_is_its_level() -> None:
    """By the plane's own straight lines between neighbours."""
    plane = np.random.default_rng(0).normal(0, 1, (15, 18)).astype(np.float32)
    lines = trace_plane(plane, 0.3)
    assert lines
    for line, _ in lines:
        rows, columns = np.floor(line + 1e-9).astype(int).T
        down, across = (line - np.stack([rows, columns], axis=1)).T
        # A crossing lies on a side of a square: at most one of the two is not whole.
        assert np.minimum(np.abs(down), np.abs(across)).max() < 1e-6
        below = plane[np.minimum(rows + 1, 14), columns]
        right = plane[rows, np.minimum(columns + 1, 17)]
        here = plane[rows, columns]
        value = here + down * (below - here) + across * (right - here)
        np.testing.assert_allclose(value, 0.3, atol=1e-5)


def test_every_part_has_its_own_line() -> None:
    """On a plane with a low border, as many rings run around parts as there are parts."""
    for seed in range(20):
        plane = np.pad(
            np.random.default_rng(seed).normal(0, 1, (12, 14)).astype(np.float32),
            1,
            constant_values=-9.0,
        )
        lines = trace_plane(plane, 0.2)
        assert all(closed for _, closed in lines)
        # Around a part a ring runs one way, and around a hole in it the other.
        areas = [
            float(np.sum(line[:-1, 0] * line[1:, 1] - line[1:, 0] * line[:-1, 1]))
            for line, _ in lines
        ]
        count = label_parts(plane > 0.2)[1]
        assert count in (sum(area > 0 for area in areas), sum(area < 0 for area in areas))


def test_nothing_above_the_level_has_no_line() -> None:
    assert trace_plane(np.zeros((5, 5), dtype=np.float32), 1.0) == []
    assert trace_plane(np.full((5, 5), 2.0, dtype=np.float32), 1.0) == []


def test_lines_are_in_px_of_the_film_and_carry_their_sign() -> None:
    values = np.zeros((14, 14), dtype=np.float32)
    values[3, 4], values[10, 9] = 10.0, -10.0
    contours = trace_contours(make_explanation(values), (4.0, 20.0))
    assert [contour.level for contour in contours] == [4.0, -4.0]
    for contour, (x, y) in zip(contours, [(45.0, 35.0), (95.0, 105.0)], strict=True):
        assert contour.closed
        np.testing.assert_allclose(contour.points.mean(axis=0), (x, y), atol=1.0)
        assert 4.0 < np.ptp(contour.points[:, 0]) < 20.0


@pytest.mark.parametrize(("signed", "against", "count"), [(False, None, 1), (True, False, 1)])
def test_lines_against_the_target_are_of_signed_maps(
    signed: bool, against: bool | None, count: int
) -> None:
    values = np.zeros((14, 14), dtype=np.float32)
    values[3, 4], values[10, 9] = 10.0, -10.0
    explanation = make_explanation(values, signed=signed)
    assert len(trace_contours(explanation, (4.0,), against=against)) == count


def test_a_line_runs_to_the_edge_of_the_map() -> None:
    values = np.zeros((14, 14), dtype=np.float32)
    values[:4] = 10.0
    [contour] = trace_contours(make_explanation(values), (4.0,))
    assert not contour.closed
    assert sorted([contour.points[0, 0], contour.points[-1, 0]]) == [0.0, 140.0]


@pytest.mark.parametrize("level", [0.0, -4.0, float("nan"), float("inf")])
def test_a_level_that_is_none_is_refused(level: float) -> None:
    with pytest.raises(ConfigError, match="above zero"):
        trace_contours(make_explanation(np.ones((4, 4), dtype=np.float32)), (4.0, level))


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (14, 12), (224, 224), (3, 300)])
def test_the_surface_holds_every_cell_and_goes_no_further(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(1).normal(0, 5, shape).astype(np.float32)
    surface = sample_surface(make_explanation(values))
    each = [samples // cells for samples, cells in zip(surface.values.shape, shape, strict=True)]
    assert all(one % 2 for one in each)
    centres = surface.values[each[0] // 2 :: each[0], each[1] // 2 :: each[1]]
    np.testing.assert_allclose(centres, values, rtol=1e-5, atol=1e-5)
    assert values.min() - 1e-5 <= surface.values.min()
    assert surface.values.max() <= values.max() + 1e-5


def test_a_part_of_the_map_is_the_same_surface() -> None:
    values = np.random.default_rng(2).normal(0, 5, (6, 8)).astype(np.float32)
    whole = interpolate_map(values, (80, 60), (0.0, 0.0, 8.0, 6.0))
    part = interpolate_map(values, (30, 20), (2.0, 1.0, 5.0, 3.0))
    np.testing.assert_allclose(part, whole[10:30, 20:50], rtol=1e-5, atol=1e-5)
