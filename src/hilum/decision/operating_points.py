"""Choosing thresholds on the ROC curve of the calibrated probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hilum.decision.calibrate import check_scored_films
from hilum.errors import DatasetError
from hilum.metrics import compute_roc
from hilum.spec import OperatingPoint
from hilum.spec.words import ARGMAX_RULE, SENSITIVITY_RULE, YOUDEN_RULE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Name and least sensitivity of the points that are set by a sensitivity to keep.
SENSITIVITY_POINTS = {"sensitivity_95": 0.95, "sensitivity_99": 0.99}


def choose_operating_points(
    probabilities: ArrayLike, labels: ArrayLike, chosen_on: str
) -> dict[str, OperatingPoint]:
    """Choose the thresholds of a model from validation films.

    ``youden`` has the largest sum of sensitivity and specificity (of equals the most
    sensitive); ``sensitivity_95`` and ``sensitivity_99`` are the highest thresholds that keep
    at least that sensitivity. A threshold lies half-way between two neighbouring scores, so
    that rounding on another machine moves no film of this set across it.

    Parameters
    ----------
    probabilities
        Shape (N,): calibrated probabilities in [0, 1].
    labels
        Shape (N,): 1 where the film is positive, else 0.
    chosen_on
        In words, the films that these are, for the spec.

    Raises
    ------
    DatasetError
        There are not both classes, shapes differ, or a number is no probability.

    Source
    ------
    Youden 1950, "Index for rating diagnostic tests", Cancer 3:32.
    """
    scores, positive = check_scored_films(probabilities, labels)
    if scores.min() < 0.0 or scores.max() > 1.0:
        raise DatasetError("A probability is outside of [0, 1]. Calibrate the logits first.")
    curve = compute_roc(positive, scores)
    # The first point of the curve calls no film positive; that is no operating point.
    candidates = curve.thresholds[1:]
    sensitivity = curve.true_positive_rate[1:]
    youden = sensitivity - curve.false_positive_rate[1:]
    best = int(np.flatnonzero(youden >= youden.max() - 1e-12)[-1])
    chosen = {"youden": (best, YOUDEN_RULE)}
    for name, least in SENSITIVITY_POINTS.items():
        first = int(np.flatnonzero(sensitivity >= least)[0])
        chosen[name] = (first, SENSITIVITY_RULE.format(least=least))
    return {
        name: make_operating_point(scores, positive, candidates, index, rule, chosen_on)
        for name, (index, rule) in chosen.items()
    }


def describe_argmax(probabilities: ArrayLike, labels: ArrayLike, seen_on: str) -> OperatingPoint:
    """Give the operating point of a plain classifier, which names the likelier class.

    Nothing is chosen; ``seen_on`` are the films that its sensitivity and specificity are of.
    """
    scores, positive = check_scored_films(probabilities, labels)
    called = scores >= 0.5
    return OperatingPoint(
        threshold=0.5,
        rule=ARGMAX_RULE,
        chosen_on=seen_on,
        sensitivity=float(called[positive].mean()),
        specificity=float(1.0 - called[~positive].mean()),
    )


def make_operating_point(
    scores: NDArray[np.float64],
    positive: NDArray[np.bool_],
    candidates: NDArray[np.float64],
    index: int,
    rule: str,
    chosen_on: str,
) -> OperatingPoint:
    """Make the operating point that calls films positive from ``candidates[index]`` on.

    Parameters
    ----------
    scores, positive
        Shape (N,): the films it is chosen on.
    candidates
        Shape (K,): the distinct scores, falling.
    """
    threshold = _place_between(candidates, index)
    called = scores >= threshold
    return OperatingPoint(
        threshold=threshold,
        rule=rule,
        chosen_on=chosen_on,
        sensitivity=float(called[positive].mean()),
        specificity=float(1.0 - called[~positive].mean()),
    )


def _place_between(candidates: NDArray[np.float64], index: int) -> float:
    """Half-way between the candidate at ``index`` and the next lower score."""
    upper = float(candidates[index])
    lower = float(candidates[index + 1]) if index + 1 < candidates.size else 0.0
    middle = lower + (upper - lower) / 2
    # Two neighbouring floats have nothing between them.
    return middle if lower < middle <= upper else upper
