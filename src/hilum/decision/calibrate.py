"""Platt scaling: two numbers that make probabilities mean what they say (Platt 1999)."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from hilum.errors import DatasetError
from hilum.metrics.roc import check_labels_and_scores

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from hilum.spec import Calibration

# Far outside of what trained networks need: Guo 2017 found 0.9 to 3.
MIN_TEMPERATURE = 0.05
MAX_TEMPERATURE = 20.0

_MAX_STEPS = 200
_LEAST_STEP = 1e-10
_CONVERGED = 1e-12


@overload
def compute_probability(logit: float, calibration: Calibration) -> float: ...
@overload
def compute_probability(
    logit: NDArray[np.floating], calibration: Calibration
) -> NDArray[np.float64]: ...
def compute_probability(
    logit: float | NDArray[np.floating], calibration: Calibration
) -> float | NDArray[np.float64]:
    """Give the calibrated probability, ``sigmoid((logit + offset) / temperature)``.

    One film and an array of films go through the same arithmetic, so a film does not change
    sides of a threshold with the company in which it is scored.
    """
    logits = np.atleast_1d(np.asarray(logit, dtype=np.float64))
    with np.errstate(over="ignore"):  # infinity has a probability too
        probability = _sigmoid((logits + calibration.offset) / calibration.temperature)
    if np.ndim(logit) == 0:
        return float(probability[0])
    return probability


def fit_calibration(
    logits: ArrayLike, labels: ArrayLike, *, prevalence: float | None = None
) -> tuple[float, float]:
    """Find the temperature and the offset that make the labels most likely.

    A temperature alone (Guo 2017) mends a network that is too sure or not sure enough. One
    that was trained on films far more disturbed than those it meets is off to one side as well.

    Parameters
    ----------
    logits
        Shape (N,), the network's own outputs.
    labels
        Shape (N,): 1 (or ``True``) where the film is positive, else 0.
    prevalence
        Share of positive films at which the probability is to hold: the classes are weighted
        as if it were theirs. ``None`` takes the films as they are.

    Returns
    -------
    Temperature and offset: the probability is ``sigmoid((logit + offset) / temperature)``. The
    temperature lies within ``MIN_TEMPERATURE`` and ``MAX_TEMPERATURE``; it is the upper bound
    where the logits say nothing of the classes.

    Raises
    ------
    DatasetError
        There are not both classes, shapes differ, a number is not finite, or the prevalence
        is not between 0 and 1.

    Source
    ------
    Platt 1999, "Probabilistic Outputs for Support Vector Machines": his targets, which stop
    short of 0 and 1, keep the optimum finite where the logits separate the classes. Damped
    Newton steps as in Lin, Lin and Weng 2007.
    """
    z, y = check_scored_films(logits, labels)
    if prevalence is not None and not 0.0 < prevalence < 1.0:
        raise DatasetError(f"The prevalence must be between 0 and 1, not {prevalence:g}.")
    share = y.mean()
    wanted = share if prevalence is None else prevalence
    weight = np.where(y, wanted / share, (1.0 - wanted) / (1.0 - share))
    positives, negatives = int(y.sum()), int((~y).sum())
    target = np.where(y, (positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0))
    # In units of their own spread, so that logits of any size are solved alike.
    centre, spread = float(z.mean()), float(z.std()) or 1.0
    scaled = (z - centre) / spread
    slope, constant = _fit_line(scaled, target, weight, free=True, slope=0.0)
    bounds = (spread / MAX_TEMPERATURE, spread / MIN_TEMPERATURE)
    if not bounds[0] <= slope <= bounds[1]:
        bound = bounds[0] if slope < bounds[0] else bounds[1]
        slope, constant = _fit_line(scaled, target, weight, free=False, slope=bound)
    temperature = min(max(spread / slope, MIN_TEMPERATURE), MAX_TEMPERATURE)
    return temperature, constant * temperature - centre


def _fit_line(
    z: NDArray[np.float64],
    target: NDArray[np.float64],
    weight: NDArray[np.float64],
    *,
    free: bool,
    slope: float,
) -> tuple[float, float]:
    """Minimise the weighted cross entropy of sigmoid(slope * z + constant), which is convex.

    ``free``: both numbers; otherwise ``slope`` stays as it is.
    """
    design = np.stack([z, np.ones_like(z)]) if free else np.ones((1, z.size))
    fixed = np.zeros_like(z) if free else slope * z
    line = np.array([slope, 0.0]) if free else np.zeros(1)
    loss = _compute_loss(fixed + line @ design, target, weight)
    for _ in range(_MAX_STEPS):
        probability = _sigmoid(fixed + line @ design)
        gradient = design @ (weight * (probability - target)) / z.size
        curvature = weight * probability * (1.0 - probability) / z.size
        hessian = (design * curvature) @ design.T + 1e-12 * np.eye(len(line))
        step = np.linalg.solve(hessian, gradient)
        length = 1.0
        while length > _LEAST_STEP:
            ahead = line - length * step
            loss_ahead = _compute_loss(fixed + ahead @ design, target, weight)
            # Next to the optimum a good step gains less than the loss is rounded by.
            gained = 1e-4 * length * float(gradient @ step) - 4 * np.finfo(float).eps * loss
            if loss_ahead <= loss - gained:
                break
            length /= 2.0
        else:
            break  # no step makes it better: the optimum, as far as these numbers go
        line, loss = ahead, loss_ahead
        if np.abs(length * step).max() < _CONVERGED:
            break
    return (float(line[0]), float(line[1])) if free else (slope, float(line[0]))


def _compute_loss(
    scores: NDArray[np.float64], target: NDArray[np.float64], weight: NDArray[np.float64]
) -> float:
    return float(np.mean(weight * (np.logaddexp(0.0, scores) - target * scores)))


def _sigmoid(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    # exp of a negative number alone: no overflow on either side.
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0, 1.0, small) / (1.0 + small)


def check_scored_films(
    scores: ArrayLike, labels: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give scores and labels as arrays, or say what is wrong with them.

    Raises
    ------
    DatasetError
        There are not both classes, shapes differ, or a number is not finite or no label.
    """
    positive, values = check_labels_and_scores(labels, scores)
    if positive.all() or not positive.any():
        raise DatasetError(
            f"Both classes are needed, and the {values.size} films given are of one class only."
        )
    return values, positive
