"""Temperature scaling: one number that makes probabilities mean what they say (Guo 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from hilum.errors import DatasetError
from hilum.metrics.roc import check_labels_and_scores

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from hilum.spec import Calibration

# A set that the network separates without one error has no finite optimum: the likelihood
# grows for ever as the temperature falls. The bounds keep the answer finite and are far
# outside of what trained networks need (Guo 2017 found 0.9 to 3).
MIN_TEMPERATURE = 0.05
MAX_TEMPERATURE = 20.0

_MAX_STEPS = 200


@overload
def compute_probability(logit: float, calibration: Calibration) -> float: ...
@overload
def compute_probability(
    logit: NDArray[np.floating], calibration: Calibration
) -> NDArray[np.float64]: ...
def compute_probability(
    logit: float | NDArray[np.floating], calibration: Calibration
) -> float | NDArray[np.float64]:
    """Give the calibrated probability, ``sigmoid(logit / temperature)``.

    One film and an array of films go through the same arithmetic, so a film does not change
    sides of a threshold with the company in which it is scored.
    """
    logits = np.atleast_1d(np.asarray(logit, dtype=np.float64))
    with np.errstate(over="ignore"):  # infinity has a probability too
        scaled = logits / calibration.temperature
    # exp of a negative number alone: no overflow on either side.
    small = np.exp(-np.abs(scaled))
    probability = np.where(scaled >= 0, 1.0, small) / (1.0 + small)
    if np.ndim(logit) == 0:
        return float(probability[0])
    return probability.astype(np.float64, copy=False)


def fit_temperature(
    logits: ArrayLike, labels: ArrayLike, *, prevalence: float | None = None
) -> float:
    """Find the temperature that makes the labels most likely.

    The mean negative log-likelihood is convex in ``1 / temperature``; its minimum is found by
    Newton steps inside a shrinking bracket, so it converges from anywhere.

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
    The temperature, within ``MIN_TEMPERATURE`` and ``MAX_TEMPERATURE``. It is the lower bound
    where the logits' signs separate the two classes without an error, and the upper bound
    where the logits say nothing of the classes.

    Raises
    ------
    DatasetError
        There are not both classes, shapes differ, a number is not finite, or the prevalence
        is not between 0 and 1.

    Source
    ------
    Guo et al. 2017, "On Calibration of Modern Neural Networks", ICML, section 4.2.
    """
    z, y = check_scored_films(logits, labels)
    if prevalence is not None and not 0.0 < prevalence < 1.0:
        raise DatasetError(f"The prevalence must be between 0 and 1, not {prevalence:g}.")
    share = y.mean()
    wanted = share if prevalence is None else prevalence
    weight = np.where(y, wanted / share, (1.0 - wanted) / (1.0 - share))
    sign = np.where(y, 1.0, -1.0)
    low, high = 1.0 / MAX_TEMPERATURE, 1.0 / MIN_TEMPERATURE
    if _compute_slope(low, z, sign, weight)[0] >= 0:
        return MAX_TEMPERATURE
    if _compute_slope(high, z, sign, weight)[0] <= 0:
        return MIN_TEMPERATURE
    beta = min(max(1.0, low), high)
    for _ in range(_MAX_STEPS):
        slope, curvature = _compute_slope(beta, z, sign, weight)
        if slope > 0:
            high = beta
        else:
            low = beta
        step = beta - slope / curvature if curvature > 0 else low
        following = step if low < step < high else (low + high) / 2
        if abs(following - beta) <= 1e-14 * beta:
            break
        beta = following
    return float(1.0 / beta)


def _compute_slope(
    beta: float,
    logits: NDArray[np.float64],
    sign: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> tuple[float, float]:
    """First and second derivative of the mean loss by beta = 1 / temperature."""
    margin = sign * logits
    small = np.exp(-np.abs(beta * margin))
    # Probability of the wrong class: sigmoid(-beta * margin).
    wrong = np.where(margin >= 0, small, 1.0) / (1.0 + small)
    slope = -np.mean(weight * margin * wrong)
    curvature = np.mean(weight * margin**2 * wrong * (1.0 - wrong))
    return float(slope), float(curvature)


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
