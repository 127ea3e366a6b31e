from __future__ import annotations

import numpy as np
import pytest

from hilum.products import multiply, weigh_both_ways


@pytest.mark.parametrize(
    ("rows", "shared", "columns"),
    # The last has pieces that are not whole, both ways.
    [(1, 1, 1), (0, 3, 2), (128, 128, 128), (32, 224, 224), (3, 70_000, 2), (37, 1_301, 970)],
)
def test_pieces_make_the_whole_product(rows: int, shared: int, columns: int) -> None:
    rng = np.random.default_rng(0)
    left = rng.standard_normal((rows, shared), dtype=np.float32)
    right = rng.standard_normal((shared, columns), dtype=np.float32)
    found = multiply(left, right)
    assert found.shape == (rows, columns)
    assert found.dtype == np.float32
    exact = left.astype(np.float64) @ right.astype(np.float64)
    np.testing.assert_allclose(found, exact, atol=1e-5 * shared)


def test_a_plane_is_weighed_along_its_own_axes() -> None:
    rng = np.random.default_rng(1)
    plane = rng.random((5, 7), dtype=np.float32)
    down, across = rng.random((11, 5), dtype=np.float32), rng.random((13, 7), dtype=np.float32)
    np.testing.assert_allclose(
        weigh_both_ways(down, plane, across),
        np.einsum("ai,ij,bj->ab", down, plane, across),
        rtol=1e-5,
    )
