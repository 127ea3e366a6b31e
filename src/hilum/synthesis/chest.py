"""What films of a chest have in common, and how they differ, in numbers.

Two linear models over many patients: of shape (the fields of :mod:`hilum.synthesis.registration`)
and of greys in the common frame. Each keeps a mean and its strongest modes. Detail that is finer
than the modes is kept as no more than how strong it is at each place, band by band.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.errors import DatasetError
from hilum.synthesis.fields import (
    Planes,
    bend,
    blur,
    enlarge_field,
    iterate_batches,
    resize,
    take_band,
)
from hilum.synthesis.registration import GRID, register_films

SIDE = 224
# A mode that few films made could resemble one of them.
LEAST_FILMS = 200
GREY_MODES = 60
SHAPE_MODES = 40
# Bands of detail, as the blurs between which they lie, in cells of SIDE.
BANDS = ((0.0, 0.7), (0.7, 1.4), (1.4, 2.8), (2.8, 5.6))
# Films that do not fit the common frame (turned, cut, other children) would only blur it.
_KEPT = 0.75
# How strongly a place of the mean prefers films whose structure agrees there.
_PREFERENCE = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class ChestModel:
    """A model of a set of films.

    films
        How many films it was learned from, one of each patient.
    mean
        float32, shape (SIDE, SIDE): the average chest in the common frame.
    modes, spread
        Shape (K, SIDE, SIDE), each of unit length, and (K,): standard deviation along each.
    texture
        Shape (len(BANDS), SIDE, SIDE): standard deviation of the detail beyond the modes.
    shape_mean, shape_modes, shape_spread
        The same for the fields, shape (2, GRID, GRID), (S, 2, GRID, GRID) and (S,).
    details
        Fine detail of the films beyond the mean, shape (M, SIDE, SIDE), for the check of
        neighbours alone; drawing does not look at it.
    """

    films: int
    mean: Planes
    modes: Planes
    spread: Planes
    texture: Planes
    shape_mean: Planes
    shape_modes: Planes
    shape_spread: Planes
    details: NDArray[np.float16]


def fit_chest_model(films: Planes, *, on_step: Callable[[], None] = lambda: None) -> ChestModel:
    """Learn a model from films.

    Parameters
    ----------
    films
        float32, shape (N, SIDE, SIDE), in [0, 1]: one film of each patient, upright, frontal,
        squashed to a square.
    on_step
        Called after each step of the registration.

    Raises
    ------
    DatasetError
        There are fewer than :data:`LEAST_FILMS`: a drawn film could resemble one of them.
    """
    check_patients(len(films))
    small = np.stack([resize(one, GRID, GRID) for one in films])
    found = register_films(small, on_step=on_step)
    kept = np.sort(np.argsort(-found.agreement, kind="stable")[: round(_KEPT * len(films))])
    fields = found.fields[kept]
    laid = np.concatenate(
        [
            bend(films[kept[one]], np.stack([enlarge_field(field, SIDE) for field in fields[one]]))
            for one in iterate_batches(len(kept))
        ]
    )
    plain = laid.mean(axis=0)
    modes, spread = _find_modes(laid - plain, GREY_MODES)
    mean = _sharpen_mean(laid, plain)
    shape_mean = fields.mean(axis=0)
    shape_modes, shape_spread = _find_modes(fields - shape_mean, SHAPE_MODES)
    return ChestModel(
        films=len(kept),
        mean=mean,
        modes=modes,
        spread=spread,
        texture=_measure_texture(laid - plain, modes),
        shape_mean=shape_mean,
        shape_modes=shape_modes,
        shape_spread=shape_spread,
        details=np.concatenate(
            [
                take_detail(laid[one] - plain).astype(np.float16)
                for one in iterate_batches(len(laid))
            ]
        ),
    )


def check_patients(count: int) -> None:
    """Refuse to learn from few patients.

    Raises
    ------
    DatasetError
        There are fewer than :data:`LEAST_FILMS`.
    """
    if count < LEAST_FILMS:
        raise DatasetError(
            f"A model of chests is learned from at least {LEAST_FILMS} patients, so that no drawn "
            f"film resembles one of them; here are {count}."
        )


def take_detail(planes: Planes) -> Planes:
    """Give the fine part of films in the common frame: ribs' edges, vessels, grain."""
    return take_band(planes, 0.0, 2.0)


def _find_modes(centred: Planes, count: int) -> tuple[Planes, Planes]:
    """Give the strongest principal components, each with a sign that does not depend on chance."""
    flat = centred.reshape(len(centred), -1)
    values, vectors = np.linalg.eigh((flat @ flat.T).astype(np.float64))
    strongest = np.argsort(-values)[:count]
    lengths = np.sqrt(np.maximum(values[strongest], 1e-12))
    modes = (vectors[:, strongest].T.astype(np.float32) @ flat) / lengths[:, None]
    farthest = np.abs(modes).argmax(axis=1)
    modes *= np.sign(modes[np.arange(len(modes)), farthest])[:, None]
    shaped: Planes = modes.reshape(len(modes), *centred.shape[1:]).astype(np.float32)
    return shaped, (lengths / np.sqrt(len(centred))).astype(np.float32)


def _sharpen_mean(laid: Planes, plain: Planes) -> Planes:
    """Average anew, each place with more weight on films that show the common structure there.

    Ribs that lie half a space off would otherwise veil the mean.
    """
    base, mean = blur(plain, 8.0), plain.astype(np.float32)
    for _ in range(3):
        common = mean - blur(mean, 8.0)
        strength = blur(common * common, 6.0)
        total: NDArray[Any] = np.zeros_like(plain)
        weight: NDArray[Any] = np.zeros_like(plain)
        for one in iterate_batches(len(laid)):
            detail = laid[one] - blur(laid[one], 8.0)
            own = blur(detail * detail, 6.0)
            alike = blur(detail * common, 6.0) / np.sqrt(own * strength + np.float32(1e-7))
            share = np.exp(np.float32(_PREFERENCE) * alike)
            total += (share * detail).sum(axis=0)
            weight += share.sum(axis=0)
        mean = (base + total / weight).astype(np.float32)
    return mean


def _measure_texture(centred: Planes, modes: Planes) -> Planes:
    """Measure the detail beyond the modes on every fourth film, robust against lead letters."""
    flat = modes.reshape(len(modes), -1)
    some = centred[::4].reshape(-1, flat.shape[1])
    beyond = (some - (some @ flat.T) @ flat).reshape(-1, *centred.shape[1:]).astype(np.float32)
    return np.stack([blur(_measure_spread(take_band(beyond, *band)), 4.0) for band in BANDS])


def _measure_spread(planes: Planes) -> Planes:
    """Give the standard deviation at each place, from the median of the absolute values."""
    middle = np.median(np.abs(planes), axis=0)
    return np.asarray(middle / 0.6745, dtype=np.float32)
