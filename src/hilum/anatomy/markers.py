"""Lead markers and burnt-in letters: small, bright, sharp, and no part of the body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilum.anatomy.masks import grow_region, label_parts

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Grey of the film in [0, 1] above what lies around, within a square of 12 % of its width, that a
# marker has at least; and its own grey: lead stops everything, a letter is white.
_CONTRAST = 0.25
_GREY = 0.7
_WINDOW = 0.12
# They lie beside the body: the grey around them, and their distance from the film's border as a
# share of its width, are less than this. Ribs and collar bones are as bright, and are not.
_AROUND = 0.42
_BORDER = 0.12
# Share of the width around the lungs where a bright place is a rib.
_RIBS = 0.03
# Shares of the film that a stroke, and a group of them, may cover.
_SMALLEST, _LARGEST = 0.0001, 0.01
# A side of the box around a marker, at most, as a share of the width.
_LONGEST = 0.14
# Letters of one marker stand closer than this share of the width.
_GAP = 0.02


def find_markers(film: Plane, lungs: Mask) -> Mask:
    """Find lead markers and letters on a film.

    They stand out from dark surroundings by far, are small, and lie near the film's border and
    outside of the lungs: what is bright within them may be disease. A marker that lies on the body
    is missed.

    Parameters
    ----------
    film
        float32, shape (H, W), in [0, 1], bright = dense.
    lungs
        Shape (H, W), of :func:`hilum.anatomy.find_lungs`.

    Returns
    -------
    Shape (H, W), with a seam of 1 % of the width around each; all false where there is none.
    """
    width = film.shape[1]
    around = _open(film, max(3, round(_WINDOW * width)))
    ribs = grow_region(lungs, max(1, round(_RIBS * width)))
    bright = (film - around > _CONTRAST) & (film > _GREY) & ~ribs
    found = np.zeros(film.shape, dtype=bool)
    joined = grow_region(bright, max(1, round(_GAP * width / 2)))
    labels, groups = label_parts(joined)
    for group in range(1, groups + 1):
        strokes = (labels == group) & bright
        share = float(strokes.mean())
        if not _SMALLEST <= share <= _LARGEST or float(around[strokes].mean()) > _AROUND:
            continue
        places = np.nonzero(strokes)
        if max(int(np.ptp(one)) for one in places) > _LONGEST * width:
            continue
        down, across = (float(one.mean()) for one in places)
        edge = min(down, across, film.shape[0] - 1 - down, width - 1 - across)
        if edge < _BORDER * width:
            found |= strokes
    return grow_region(found, max(1, round(0.01 * width))) if found.any() else found


def _open(film: Plane, px: int) -> Plane:
    """Take away what is bright and narrower than ``px``: the grey opening by a square."""
    half = px // 2
    eroded = film
    for axis in (0, 1):
        eroded = _slide(eroded, half, axis, np.minimum)
    opened = eroded
    for axis in (0, 1):
        opened = _slide(opened, half, axis, np.maximum)
    return opened


def _slide(film: Plane, half: int, axis: int, choose: np.ufunc) -> Plane:
    """Give the least or greatest of the ``2 half + 1`` px around each along an axis."""
    pad = [(half, half) if one == axis else (0, 0) for one in (0, 1)]
    padded = np.moveaxis(np.pad(film, pad, mode="edge"), axis, 0)
    # Windows of 1, 2, 4 ... px; two of the last kind cover the one that is wanted.
    length, wanted = 1, 2 * half + 1
    while 2 * length <= wanted:
        padded = choose(padded[:-length], padded[length:])
        length *= 2
    rest = wanted - length
    result: Plane = choose(padded[: len(padded) - rest], padded[rest:])
    return np.moveaxis(result, 0, axis)
