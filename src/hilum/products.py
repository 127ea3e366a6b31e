"""Products of matrices on the thread that asks for them.

OpenBLAS, with which NumPy multiplies, shares a product of more than some 2¹⁸ multiplications among
all cores, and waits for the last. For a product of a tenth of a millisecond that gains nothing,
and where the cores have other work to do (a network that runs beside it, a server with several
visitors) it waits a hundred times as long. Smaller products it does not share. Source: its
``interface/gemm.c``, where ``GEMM_MULTITHREAD_THRESHOLD`` stands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SHARED_FROM = 2**18
# Of a single row, OpenBLAS shares much less.
_ROWS = 4

Matrix = NDArray[np.float32]


def multiply(left: Matrix, right: Matrix) -> Matrix:
    """Give ``left @ right``, in pieces that OpenBLAS does not share.

    For products of some million multiplications; of larger ones threads are worth their while.

    Parameters
    ----------
    left, right
        float32, shapes (M, K) and (K, N).
    """
    shared, columns = right.shape
    wide = max(1, min(columns, _SHARED_FROM // (_ROWS * max(1, shared))))
    high = max(_ROWS, _SHARED_FROM // max(1, shared * wide))
    product = np.empty((len(left), columns), dtype=np.float32)
    for first in range(0, columns, wide):
        part = right[:, first : first + wide]
        for top in range(0, len(left), high):
            product[top : top + high, first : first + wide] = left[top : top + high] @ part
    return product


def weigh_both_ways(down: Matrix, plane: Matrix, across: Matrix) -> Matrix:
    """Give ``down @ plane @ across.T``: a plane weighed along both of its axes, as blurs are.

    Parameters
    ----------
    down, plane, across
        float32, shapes (H, h), (h, w) and (W, w).

    Returns
    -------
    float32, shape (H, W).
    """
    return multiply(multiply(down, plane), across.T)
