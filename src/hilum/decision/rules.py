"""Rules by which a threshold is chosen on the ROC curve, each by its name and in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hilum.decision.calibrate import check_scored_films
from hilum.decision.operating_points import make_operating_point
from hilum.errors import ConfigError, DatasetError
from hilum.metrics import compute_roc
from hilum.spec.words import (
    COST_RULE,
    F_BETA_RULE,
    SENSITIVITY_RULE,
    SPECIFICITY_RULE,
    YOUDEN_RULE,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from hilum.spec import OperatingPoint

    Floats = NDArray[np.float64]

RULE_FORMS = "youden, sensitivity=0.97, specificity=0.9, f-beta=2, cost=10:1"


@dataclass(frozen=True, slots=True)
class Rule:
    """How a threshold is chosen.

    name
        Fit to name an operating point in a spec, e.g. ``"f_beta_2"``.
    text
        The rule in words, for the spec.
    score
        Takes sensitivity, false positive rate (each of shape (K,), rising) and the prevalence;
        gives the worth of each candidate, ``-inf`` where it is not allowed. The largest is
        chosen; of equals the most sensitive, or the least where ``prefer_strict``.
    """

    name: str
    text: str
    score: Callable[[Floats, Floats, float], Floats]
    prefer_strict: bool = False


def parse_rule(text: str) -> Rule:
    """Read a rule: ``youden``, ``sensitivity=X``, ``specificity=X``, ``f-beta=B``, ``cost=M:F``.

    ``cost=10:1`` says that a missed pneumonia costs ten times as much as a false alarm.

    Raises
    ------
    ConfigError
        It is no such rule, or its number is out of range.
    """
    kind, _, value = text.strip().lower().partition("=")
    if kind == "youden" and not value:
        return Rule(
            "youden",
            YOUDEN_RULE,
            lambda sensitivity, false_alarms, _: sensitivity - false_alarms,
        )
    if kind == "cost":
        return _make_cost_rule(text, value)
    number = _read_number(text, value)
    if kind == "f-beta" and number > 0.0:
        return _make_f_beta_rule(number)
    if kind in {"sensitivity", "specificity"} and 0.0 < number <= 1.0:
        return _make_least_rule(kind, number)
    raise ConfigError(f'"{text}" is no rule for a threshold. Rules: {RULE_FORMS}.')


def _read_number(text: str, value: str) -> float:
    # Not float() alone: it takes nan, inf and 1_0.
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", value):
        raise ConfigError(f'"{text}" is no rule for a threshold. Rules: {RULE_FORMS}.')
    return float(value)


def _write_name(kind: str, number: float) -> str:
    return f"{kind}_{number:g}".replace(".", "_")


def _make_least_rule(kind: str, least: float) -> Rule:
    if kind == "sensitivity":
        return Rule(
            _write_name("sensitivity", 100 * least),
            SENSITIVITY_RULE.format(least=least),
            lambda sensitivity, _, __: np.where(sensitivity >= least, 0.0, -np.inf),
            prefer_strict=True,
        )
    return Rule(
        _write_name("specificity", 100 * least),
        SPECIFICITY_RULE.format(least=least),
        lambda _, false_alarms, __: np.where(1.0 - false_alarms >= least, 0.0, -np.inf),
    )


def _make_f_beta_rule(beta: float) -> Rule:
    def score(sensitivity: Floats, false_alarms: Floats, prevalence: float) -> Floats:
        found = sensitivity * prevalence
        alarms = false_alarms * (1.0 - prevalence)
        return (1.0 + beta**2) * found / (found + alarms + beta**2 * prevalence)

    return Rule(_write_name("f_beta", beta), F_BETA_RULE.format(beta=beta), score)


def _make_cost_rule(text: str, value: str) -> Rule:
    missed, colon, false_alarm = value.partition(":")
    costs = _read_number(text, missed), _read_number(text, false_alarm if colon else "1")
    if min(costs) <= 0.0:
        raise ConfigError(f'"{text}": a cost is more than 0.')

    def score(sensitivity: Floats, false_alarms: Floats, prevalence: float) -> Floats:
        of_missed = costs[0] * prevalence * (1.0 - sensitivity)
        return -(of_missed + costs[1] * (1.0 - prevalence) * false_alarms)

    return Rule(
        f"{_write_name('cost', costs[0])}_{costs[1]:g}".replace(".", "_"),
        COST_RULE.format(missed=costs[0], false_alarm=costs[1]),
        score,
    )


def choose_operating_point(
    probabilities: ArrayLike,
    labels: ArrayLike,
    rule: Rule,
    chosen_on: str,
    *,
    prevalence: float | None = None,
) -> OperatingPoint:
    """Choose a threshold by ``rule`` from validation films.

    Parameters
    ----------
    probabilities
        Shape (N,): in [0, 1].
    labels
        Shape (N,): 1 where the film is positive, else 0.
    chosen_on
        In words, the films that these are.
    prevalence
        Share of positive films that the rules for F-beta and cost reckon with; ``None`` takes
        that of these films. Youden's index and the least sensitivity do not depend on it.

    Raises
    ------
    DatasetError
        There are not both classes, shapes differ, a number is no probability, or no threshold
        does what the rule demands.
    ConfigError
        The prevalence is not between 0 and 1.
    """
    scores, positive = check_scored_films(probabilities, labels)
    if scores.min() < 0.0 or scores.max() > 1.0:
        raise DatasetError("A probability is outside of [0, 1]. Calibrate the logits first.")
    share = float(positive.mean()) if prevalence is None else prevalence
    if not 0.0 < share < 1.0:
        raise ConfigError(f"A prevalence lies between 0 and 1, not at {share:g}.")
    curve = compute_roc(positive, scores)
    # The first point of the curve calls no film positive; that is no operating point.
    worth = rule.score(curve.true_positive_rate[1:], curve.false_positive_rate[1:], share)
    if not np.isfinite(worth.max()):
        raise DatasetError(f"No threshold on these films has what is asked: {rule.text}.")
    best = np.flatnonzero(worth >= worth.max() - 1e-12)
    index = int(best[0] if rule.prefer_strict else best[-1])
    return make_operating_point(scores, positive, curve.thresholds[1:], index, rule.text, chosen_on)
