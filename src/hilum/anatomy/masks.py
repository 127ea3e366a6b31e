"""Regions of a film that grow, shrink and are told apart."""

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


def label_parts(mask: Mask) -> tuple[NDArray[np.int32], int]:
    """Number the connected parts of a region; places that touch at a corner alone are apart.

    Returns
    -------
    int32, of the region's shape: 0 outside, the parts from 1 on, in reading order; and how many
    there are.
    """
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    # Runs of one row each, in reading order; both lists are.
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    parents = list(range(len(rows)))

    def find_first(run: int) -> int:
        while parents[run] != run:
            parents[run] = run = parents[parents[run]]
        return run

    above = 0
    for run, (row, start, end) in enumerate(zip(rows, starts, ends, strict=True)):
        while rows[above] < row - 1 or (rows[above] == row - 1 and ends[above] <= start):
            above += 1
        touching = above
        while rows[touching] == row - 1 and starts[touching] < end:
            first, other = sorted((find_first(run), find_first(touching)))
            parents[other] = first
            touching += 1
    firsts = np.asarray([find_first(run) for run in range(len(rows))], dtype=np.intp)
    kept, numbers = np.unique(firsts, return_inverse=True)
    labels = np.zeros(mask.shape, dtype=np.int32)
    for row, start, end, number in zip(rows, starts, ends, numbers, strict=True):
        labels[row, start:end] = number + 1
    return labels, len(kept)
