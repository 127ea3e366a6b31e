"""Laying many films of a chest over each other: ribs on ribs, domes on domes.

There is no reference film. All films are bent towards their own mean, which grows sharper as
they meet; coarse structure first, fine last. After each step the mean of all displacements is
taken out, so that the common frame is that of the average chest and of no single one.

Source: the forces are the symmetric demons of Thirion 1998 (Medical Image Analysis 2:243) and
Vercauteren 2009 (NeuroImage 45:S61); the mean as the target is that of Guimond 2000 (Computer
Vision and Image Understanding 77:192).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.synthesis.fields import Planes, bend, blur, iterate_batches

# All lengths are cells of this grid.
GRID = 112


@dataclass(frozen=True, slots=True)
class _Stage:
    """One scale.

    detail
        Blur of the films.
    surroundings, contrast
        Over which a film's brightness, and then its contrast, is made even.
    stiffness
        Blur of each step, and ``damping`` of what all steps together came to.
    trusted
        Share of the films, those that fit best, that make the mean.
    """

    detail: float
    surroundings: float
    contrast: float
    stiffness: float
    damping: float
    steps: int
    trusted: float


_STAGES = (
    _Stage(4.0, 14.0, 20.0, 4.0, 0.0, 12, 1.0),
    _Stage(2.5, 12.0, 18.0, 3.0, 1.5, 14, 0.7),
    _Stage(1.6, 8.0, 14.0, 3.0, 2.0, 16, 0.5),
    _Stage(1.0, 7.0, 12.0, 2.5, 2.0, 24, 0.5),
    _Stage(0.7, 6.0, 12.0, 2.0, 1.6, 24, 0.5),
)
_LONGEST_STEP = 1.5
TOTAL_STEPS = sum(stage.steps for stage in _STAGES)


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """How each film is bent into the common frame.

    fields
        float32, shape (N, 2, GRID, GRID): where in the film each place of the frame is found,
        as a displacement down and across in cells.
    agreement
        float32, shape (N,): correlation of the bent film with the mean, at the last scale.
    """

    fields: Planes
    agreement: Planes


def register_films(films: Planes, *, on_step: Callable[[], None] = lambda: None) -> Registration:
    """Find the common frame of many films.

    Parameters
    ----------
    films
        float32, shape (N, GRID, GRID), in [0, 1]; upright frontal films, squashed to a square.
    on_step
        Called after each of :data:`TOTAL_STEPS` steps.
    """
    count = len(films)
    fields = np.zeros((count, 2, GRID, GRID), dtype=np.float32)
    agreement = np.ones(count, dtype=np.float32)
    weights = np.ones(count, dtype=np.float32)
    for stage in _STAGES:
        shown = np.concatenate(
            [
                blur(even_out(films[one], stage.surroundings, stage.contrast), stage.detail)
                for one in iterate_batches(count)
            ]
        )
        shown /= shown.std()
        for _ in range(stage.steps):
            bent = [bend(shown[one], fields[one]) for one in iterate_batches(count)]
            mean = _average(bent, weights)
            agreement = _compare(bent, mean)
            weights = _trust(agreement, stage.trusted)
            mean /= mean.std()
            for one, now in zip(iterate_batches(count), bent, strict=True):
                fields[one] = _step(fields[one], now, mean, stage)
            fields -= fields.mean(axis=0)
            on_step()
    return Registration(fields, agreement)


def even_out(films: Planes, surroundings: float, contrast: float) -> Planes:
    """Take the brightness and the contrast of its surroundings from each place of films."""
    detail = films - blur(films, surroundings)
    spread = np.sqrt(blur(detail * detail, contrast) + np.float32(3e-4))
    evened: Planes = np.clip(detail / spread, -2.5, 2.5)
    return evened


def _average(bent: list[Planes], weights: Planes) -> Planes:
    parts = zip(iterate_batches(len(weights)), bent, strict=True)
    total = sum(np.tensordot(weights[one], now, 1) for one, now in parts)
    return np.asarray(total / weights.sum(), dtype=np.float32)


def _compare(bent: list[Planes], mean: Planes) -> Planes:
    length = float(np.sqrt((mean * mean).sum()))
    return np.concatenate(
        [
            (one * mean).sum(axis=(1, 2)) / (np.sqrt((one * one).sum(axis=(1, 2))) * length + 1e-6)
            for one in bent
        ]
    ).astype(np.float32)


def _trust(agreement: Planes, share: float) -> NDArray[np.float32]:
    """Let the films that fit best make the next mean."""
    bar = np.quantile(agreement, 1.0 - share)
    return (agreement >= bar).astype(np.float32)


def _measure_slope(planes: Planes) -> Planes:
    """Give the slope of planes down and across, shape (..., 2, H, W)."""
    down, across = np.gradient(planes, axis=(-2, -1))
    return np.stack([down, across], axis=-3).astype(np.float32)


def _step(fields: Planes, bent: Planes, mean: Planes, stage: _Stage) -> Planes:
    difference = mean - bent
    slope = np.float32(0.5) * (_measure_slope(bent) + _measure_slope(mean))
    size = (slope * slope).sum(axis=1) + np.float32(0.3) * difference * difference
    push = slope * (difference / (size + np.float32(1e-3)))[:, None]
    push = np.clip(push, -_LONGEST_STEP, _LONGEST_STEP).astype(np.float32)
    moved: Planes = fields + np.float32(1.5) * blur(push, stage.stiffness)
    if stage.damping:
        moved = np.float32(0.5) * (moved + blur(moved, stage.damping))
    return moved
