"""The region of the lungs in a frontal film, from its greys and from where lungs usually are.

Lungs are darker than what surrounds them within the chest, and of all frontal films they lie in
nearly the same places. Each place of the film is given the odds that it is lung::

    odds = darkness · WEIGHT + prior

``darkness`` is how far the film, smoothed until the ribs are gone, lies below its surroundings,
in their standard deviations; near the border of the body and outside of it it is far below
zero. ``prior`` is the logit of the share of normal training films that have lung there; it was
found by the same rule from films of the training part (:func:`fit_prior`). Of what
has odds above even, the part on either side of the midline that holds the likeliest place is
kept, its border smoothed and its holes filled.

A lung that is white from one end to the other has the prior alone: its region is an ordinary
lung's. The method is for upright frontal films of one patient, as the input gate lets pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.errors import ConfigError
from hilum.products import weigh_both_ways

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

# The grid on which lungs are found.
GRID = 128
# All lengths are in cells of the grid.
_RIBS = 3.0
_WALL = 1.0
_SURROUNDINGS = 16.0
_SPREAD = 24.0
_SKIN = 5.0
_WEIGHT = 1.8
_LIMIT = 1.5
_LUNG_LIKELY = -1.0


def find_lungs(film: Plane) -> Mask:
    """Find the lungs of an upright frontal film.

    Parameters
    ----------
    film
        float32, shape (H, W), in [0, 1], bright is dense: ``Radiograph.pixels``, or what
        :func:`hilum.preprocess.resize_film` makes of it.

    Returns
    -------
    bool, shape (H, W): both lungs, with what of them lies in front of or behind the heart where
    it is darker than its surroundings. Empty where nothing looks like a lung.

    Raises
    ------
    ConfigError
        The film is not of two dimensions, or is smaller than 32 px.
    """
    if film.ndim != 2 or min(film.shape) < 32:
        raise ConfigError(f"Lungs are found in a film of at least 32 px, not {film.shape}.")
    small = _resize(film, (GRID, GRID))
    prior = read_prior()
    found = outline_lungs(measure_darkness(small, prior), prior)
    height, width = film.shape
    return _resize(found.astype(np.float32), (height, width)) > 0.5


def measure_darkness(small: Plane, prior: Plane) -> Plane:
    """Say how far each place lies below its surroundings, in their standard deviations.

    Parameters
    ----------
    small, prior
        Shape (GRID, GRID); where the prior sees lung, no air around the patient is looked for.
    """
    smooth = _blur(small, _RIBS)
    outside = _find_outside(_blur(small, _WALL), prior)
    body = (~outside).astype(np.float32)
    share = _blur(body, _SURROUNDINGS) + np.float32(1e-3)
    surroundings = _blur(smooth * body, _SURROUNDINGS) / share
    difference = surroundings - smooth
    wide = _blur(body, _SPREAD) + np.float32(1e-3)
    variance = _blur(difference * difference * body, _SPREAD) / wide
    darkness = np.clip(difference / np.sqrt(variance + np.float32(1e-4)), -_LIMIT, _LIMIT)
    # Muscle and fat at the side of the chest are dark too; no lung touches the air outside.
    darkness -= 4.0 * _blur(outside.astype(np.float32), _SKIN)
    return np.where(outside, np.float32(-3.0), darkness).astype(np.float32)


def outline_lungs(darkness: Plane, prior: Plane) -> Mask:
    """Find one lung on each side of the midline.

    Parameters
    ----------
    darkness
        From :func:`measure_darkness`.
    prior
        Shape (GRID, GRID): logit of the share of films that have lung there.
    """
    odds = _WEIGHT * darkness + prior
    lungs = np.zeros(odds.shape, dtype=bool)
    for side in (np.s_[:, : GRID // 2], np.s_[:, GRID // 2 :]):
        candidates = np.zeros(odds.shape, dtype=bool)
        candidates[side] = odds[side] > 0
        candidates = _grow(_shrink(candidates, 2), 2)
        if not candidates.any():
            continue
        likeliest = np.where(candidates, odds, -np.inf)
        seed = np.zeros(odds.shape, dtype=bool)
        seed[np.unravel_index(likeliest.argmax(), odds.shape)] = True
        lung = np.pad(_spread_within(seed, candidates), 12)
        lungs |= _fill_holes(_shrink(_grow(lung, 8), 8))[12:-12, 12:-12]
    return lungs


def fit_prior(films: Iterable[Plane], *, rounds: int = 3) -> Plane:
    """Learn where lungs usually are, from films and the rule itself.

    It begins with two upright ellipses, outlines the lungs of all films, and takes their mean,
    smoothed and made symmetric, for the next round.

    Parameters
    ----------
    films
        Films of healthy lungs, as for :func:`find_lungs`.

    Returns
    -------
    Logits, shape (GRID, GRID).
    """
    small = [_resize(film, (GRID, GRID)) for film in films]
    down, across = np.mgrid[:GRID, :GRID] / np.float32(GRID)
    ellipses = [
        np.exp(-0.5 * (((across - centre) / 0.09) ** 2 + ((down - 0.5) / 0.19) ** 2))
        for centre in (0.33, 0.67)
    ]
    prior = _to_logit(np.clip(np.maximum(*ellipses), 0.02, 0.9))
    for _ in range(rounds):
        outlines = [outline_lungs(measure_darkness(one, prior), prior) for one in small]
        found = np.stack(outlines).astype(np.float32)
        smooth = _blur(found.mean(axis=0), 2.0)
        prior = _to_logit(np.clip(0.5 * (smooth + smooth[:, ::-1]), 0.01, 0.97))
    return prior


def _to_logit(share: NDArray[np.floating[Any]]) -> Plane:
    logit: Plane = np.log(share / (1.0 - share)).astype(np.float32)
    return logit


@cache
def read_prior() -> Plane:
    """Give the prior that is shipped: logits, shape (GRID, GRID)."""
    with files("hilum.anatomy").joinpath("lung_prior.npz").open("rb") as file:
        coarse: Plane = np.load(file)["logit"].astype(np.float32)
    return _resize(coarse, (GRID, GRID))


def _resize(plane: Plane, shape: tuple[int, int]) -> Plane:
    if plane.shape == shape:
        return plane
    smaller = plane.shape[0] > shape[0]
    method = Image.Resampling.BOX if smaller else Image.Resampling.BILINEAR
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    resized: Plane = np.asarray(image.resize((shape[1], shape[0]), method))
    return resized


@cache
def _make_blur(size: int, sigma: float) -> Plane:
    distance = np.arange(size)[:, None] - np.arange(size)
    weights = np.exp(-0.5 * (distance / sigma) ** 2).astype(np.float32)
    blur: Plane = weights / weights.sum(axis=1, keepdims=True)
    return blur


def _blur(plane: Plane, sigma: float) -> Plane:
    down, across = (_make_blur(size, sigma) for size in plane.shape)
    return weigh_both_ways(down, plane, across)


def _find_outside(smooth: Plane, prior: Plane) -> Mask:
    """Find the air around the patient: what is dark and touches the border of the film."""
    dark = smooth < max(0.45 * float(np.median(smooth)), 0.08)
    border = np.zeros(dark.shape, dtype=bool)
    border[[0, -1], :] = border[:, [0, -1]] = True
    # A dark lung behind a thin chest wall would be flooded from there.
    return _spread_within(border & dark, dark & (prior < _LUNG_LIKELY))


def _grow(mask: Mask, cells: int) -> Mask:
    """Let a region grow by so many cells in each of the four directions."""
    grown = mask.copy()
    for _ in range(cells):
        before = grown.copy()
        grown[1:] |= before[:-1]
        grown[:-1] |= before[1:]
        grown[:, 1:] |= before[:, :-1]
        grown[:, :-1] |= before[:, 1:]
    return grown


def _shrink(mask: Mask, cells: int) -> Mask:
    return ~_grow(~mask, cells)


def _spread_within(seed: Mask, region: Mask) -> Mask:
    """Give the parts of a region that a seed lies in."""
    found = seed & region
    while True:
        before = int(found.sum())
        for turned, within in ((found, region), (found.T, region.T)):
            turned |= _spread_along_rows(turned, within)
            turned |= _spread_along_rows(turned[:, ::-1], within[:, ::-1])[:, ::-1]
        if int(found.sum()) == before:
            return found


def _spread_along_rows(found: Mask, region: Mask) -> Mask:
    """Let what is found spread to the right, until the region ends."""
    place = np.arange(found.shape[1])
    last_found = np.maximum.accumulate(np.where(found, place, -1), axis=1)
    last_end = np.maximum.accumulate(np.where(region, -1, place), axis=1)
    return region & (last_found > last_end)


def _fill_holes(mask: Mask) -> Mask:
    border = np.zeros(mask.shape, dtype=bool)
    border[[0, -1], :] = border[:, [0, -1]] = True
    return ~_spread_within(border & ~mask, ~mask)
