"""Regions of a film that grow and shrink."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def grow_region(mask: Mask, px: int) -> Mask:
    """Let a region grow by ``px`` in every direction, corners included.

    The cost does not depend on ``px``: what lies in the square around each pixel is counted by
    cumulative sums.
    """
    if px < 1:
        return mask
    counts = mask.astype(np.int32)
    for axis in (0, 1):
        length = counts.shape[axis]
        sums = np.concatenate(
            [np.zeros_like(counts.take([0], axis)), np.cumsum(counts, axis=axis)], axis=axis
        )
        places = np.arange(length)
        last, first = np.minimum(places + px + 1, length), np.maximum(places - px, 0)
        counts = sums.take(last, axis) - sums.take(first, axis)
    grown: Mask = counts > 0
    return grown


def shrink_region(mask: Mask, px: int) -> Mask:
    """Let a region shrink by ``px`` from every side; beyond the film there is none of it."""
    if px < 1:
        return mask
    beyond = np.pad(~mask, px, constant_values=True)
    return ~grow_region(beyond, px)[px:-px, px:-px]
