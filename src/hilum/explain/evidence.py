"""The network's own map on a finer grid."""

from __future__ import annotations

import itertools

import numpy as np
from PIL import Image

from hilum.errors import ConfigError
from hilum.explain.probe import Map, Probe

# Cells of the fine grid along each side of a cell of the network's.
FINENESS = 4
# Of the looks at the upper corners and the lower ones, left and right: one of each pair, crosswise.
_MIRRORED = (False, True, True, False)


def compute_evidence_fine(probe: Probe, *, share: float = 13.0 / 14.0) -> Map:
    """Give the evidence on a grid four times as fine, as the mean over four closer looks.

    The network sees each of the film's four corners enlarged to the whole input, two of them
    mirrored. So the cells of each look lie elsewhere on the film, and what one look sees by
    chance the others do not; the mean is both finer and steadier than the map of the film.

    How large a look is, was chosen on 14 films of the validation side by the hits of planted
    opacities in the maps of three networks: looks of half the film are finer, and the network
    knows less of what it sees.

    Parameters
    ----------
    share
        Part of the film's sides that a closer look covers.

    Raises
    ------
    ConfigError
        The share is out of its range.
    """
    if not 0.5 < share < 1.0:
        raise ConfigError(f"evidence_fine: share lies between 0.5 and 1, not at {share:g}.")
    rows, columns = probe.backend.spec.architecture.evidence_shape
    height, width = FINENESS * rows, FINENESS * columns
    part = round(share * height), round(share * width)
    fade = _fade(part)
    seen, total = np.zeros((height, width)), np.zeros((height, width))
    corners = itertools.product((0, height - part[0]), (0, width - part[1]))
    for done, ((top, left), mirrored) in enumerate(zip(corners, _MIRRORED, strict=True), start=1):
        planes = _enlarge(probe, (top / height, left / width), part[0] / height, part[1] / width)
        if mirrored:
            planes = np.ascontiguousarray(planes[..., ::-1])
        look = probe.backend.run(planes[None]).evidence[0]
        place = np.s_[top : top + part[0], left : left + part[1]]
        seen[place] += fade * _resize(look[:, ::-1] if mirrored else look, part)
        total[place] += fade
        probe.report(done, len(_MIRRORED))
    fine: Map = (probe.sign * seen / total).astype(np.float32)
    return fine


def _enlarge(probe: Probe, corner: tuple[float, float], tall: float, wide: float) -> Map:
    """Bring a part of the input, in shares of its sides, to the input's size."""
    height, width = probe.size_px
    top, left = corner[0] * height, corner[1] * width
    box = (left, top, left + wide * width, top + tall * height)
    return np.stack(
        [
            np.asarray(
                Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC, box=box)
            )
            for plane in probe.planes
        ]
    )


def _resize(values: Map, shape: tuple[int, int]) -> Map:
    image = Image.fromarray(np.ascontiguousarray(values))
    resized: Map = np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
    return resized


def _fade(shape: tuple[int, int]) -> Map:
    """Give the weight of each cell of a closer look: half at its border, where it sees least."""
    down, across = (
        np.minimum(1.0, np.minimum(np.arange(cells) + 0.5, cells - 0.5 - np.arange(cells)))
        for cells in shape
    )
    fade: Map = np.outer(down, across).astype(np.float32)
    return fade
