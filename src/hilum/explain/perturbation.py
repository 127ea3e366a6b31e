"""Methods that cover parts of the film and watch the logit: occlusion and RISE.

They ask nothing of the network but its logit. Their maps are in logit units, but not those of
``evidence``: what a place *would change* if it were covered, not what it contributes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hilum.errors import ConfigError
from hilum.explain.probe import Fill, Map, Probe
from hilum.products import weigh_both_ways


def compute_occlusion(
    probe: Probe, *, patch_px: int = 32, stride_px: int = 16, fill: Fill = "mean"
) -> Map:
    """Cover one square after another; give by how much the logit falls (Zeiler 2014).

    Parameters
    ----------
    patch_px, stride_px
        Side of the square, and how far it moves, in px of the network's input. Each cell of the
        map is a square of ``stride_px`` and holds the mean over all squares that cover it.

    Raises
    ------
    ConfigError
        The square is larger than the input or smaller than its step.
    """
    height, width = probe.size_px
    if not 1 <= stride_px <= patch_px <= min(height, width):
        raise ConfigError(
            f"occlusion: 1 <= stride_px <= patch_px <= {min(height, width)} is needed, not "
            f"stride_px={stride_px} and patch_px={patch_px}."
        )
    rows, columns = -(-height // stride_px), -(-width // stride_px)
    # Squares hang over every border by what it takes to cover the outer cells as often.
    overhang = (-(-patch_px // stride_px) - 1) * stride_px
    tops = range(-overhang, height, stride_px)
    lefts = range(-overhang, width, stride_px)
    boxes = [(top, left) for top in tops for left in lefts]

    def cover() -> Iterator[Map]:
        for top, left in boxes:
            shown = np.ones((height, width), dtype=np.float32)
            shown[max(top, 0) : top + patch_px, max(left, 0) : left + patch_px] = 0.0
            yield shown

    whole = probe.score(probe.planes[None])[0]
    drops = whole - probe.score_covered(cover(), len(boxes), fill=fill)
    total, count = np.zeros((rows, columns)), np.zeros((rows, columns))
    for (top, left), drop in zip(boxes, drops, strict=True):
        # Squares move by whole cells; a cell counts where its centre is covered.
        down = slice(*_span(top, patch_px, stride_px))
        across = slice(*_span(left, patch_px, stride_px))
        total[down, across] += drop
        count[down, across] += 1
    return (total / count).astype(np.float32)


def _span(start: int, length: int, step: int) -> tuple[int, int]:
    """Give the cells whose centres lie in a stretch of px."""
    first = -(-(start - step // 2) // step)
    last = -(-(start + length - step // 2) // step)
    return max(first, 0), max(last, 0)


def compute_rise(
    probe: Probe,
    *,
    masks: int = 512,
    cells: int = 8,
    shown: float = 0.5,
    seed: int = 0,
    fill: Fill = "mean",
) -> Map:
    """Show random parts of the film; give the change of the logit from covered to shown.

    RISE (Petsiuk 2018) sums its masks, each weighed by the score under it. Here the slope of the
    score on what is shown at each place is given instead (the same sum, centred and divided by
    the variance), so the map is in logit units, signed, and zero where a place does not matter.

    Parameters
    ----------
    masks
        Passes of the network. More of them make the map less noisy, as 1/sqrt(masks).
    cells
        Cells along a side of a mask, before it is enlarged and shifted at random.
    shown
        Share of the cells that show.

    Raises
    ------
    ConfigError
        An option is out of its range.
    """
    height, width = probe.size_px
    if masks < 2 or not 2 <= cells <= min(height, width) or not 0.0 < shown < 1.0:
        raise ConfigError(
            f"rise: masks >= 2, 2 <= cells <= {min(height, width)} and 0 < shown < 1 are needed, "
            f"not masks={masks}, cells={cells} and shown={shown}."
        )
    drawn = np.stack(list(_draw_masks(masks, cells, shown, (height, width), seed)))
    logits = probe.score_covered(iter(drawn), masks, fill=fill)
    centred = (logits - logits.mean()).astype(np.float32)
    mean = drawn.mean(axis=0)
    covariance = np.tensordot(centred, drawn, axes=1) / masks
    variance = (drawn * drawn).mean(axis=0) - mean * mean
    slope: Map = covariance / np.maximum(variance, np.float32(1e-3))
    return slope


def _draw_masks(
    count: int, cells: int, shown: float, size_px: tuple[int, int], seed: int
) -> Iterator[Map]:
    rng = np.random.default_rng(seed)
    height, width = size_px
    cell_h, cell_w = -(-height // cells), -(-width // cells)
    for _ in range(count):
        # One cell more than fit, so that every shift fills the film.
        grid = (rng.random((cells + 1, cells + 1)) < shown).astype(np.float32)
        top, left = int(rng.integers(0, cell_h)), int(rng.integers(0, cell_w))
        down = _weigh((np.arange(height) + top) / cell_h, cells + 1)
        across = _weigh((np.arange(width) + left) / cell_w, cells + 1)
        yield weigh_both_ways(down, grid, across)


def _weigh(places: NDArray[np.float64], cells: int) -> Map:
    """Give the weight of each cell for linear interpolation at ``places``, in cells."""
    places = np.clip(places, 0.0, cells - 1.0)
    weights: Map = np.clip(1.0 - np.abs(places[:, None] - np.arange(cells)), 0.0, None).astype(
        np.float32
    )
    return weights
