"""Which side of the threshold a film is on, and which threshold that was."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hilum.decision.calibrate import compute_probability
from hilum.errors import ConfigError, ModelError
from hilum.language import Text
from hilum.types import UNCERTAIN

if TYPE_CHECKING:
    from hilum.spec import ModelSpec, OperatingPoint


@dataclass(frozen=True, slots=True)
class Decision:
    """A probability, the operating point it was held against, and what follows.

    side
        The spec's label for the side of the threshold: positive when
        ``probability >= threshold``.
    decision
        ``side``, or ``"uncertain"`` where the spec's conformal zone does not agree with it.
    """

    probability: float
    side: str
    decision: str
    operating_point: str
    threshold: float


def get_operating_point(spec: ModelSpec, name: str | None = None) -> tuple[str, OperatingPoint]:
    """Find an operating point of ``spec`` by its name; ``None`` is the spec's default.

    Raises
    ------
    ConfigError
        The spec has no operating point of that name; the message lists those it has.
    """
    chosen = spec.default_operating_point if name is None else name
    try:
        return chosen, spec.operating_points[chosen]
    except KeyError:
        known = ", ".join(spec.operating_points)
        raise ConfigError(
            Text(
                '{name} has no operating point "{chosen}". It has: {known}.',
                name=spec.name,
                chosen=chosen,
                known=known,
            )
        ) from None


def decide(logit: float, spec: ModelSpec, operating_point: str | None = None) -> Decision:
    """Turn the network's logit into a calibrated probability and a decision.

    Raises
    ------
    ConfigError
        See :func:`get_operating_point`.
    ModelError
        The logit is not finite: there is no probability to tell.
    """
    name, point = get_operating_point(spec, operating_point)
    if not math.isfinite(logit):
        raise ModelError(
            Text(
                "{name} returned a logit that is not a finite number.",
                name=spec.name,
            )
        )
    probability = compute_probability(float(logit), spec.calibration)
    side, decision = decide_at(probability, point.threshold, spec)
    return Decision(
        probability=probability,
        side=side,
        decision=decision,
        operating_point=name,
        threshold=point.threshold,
    )


def decide_at(probability: float, threshold: float, spec: ModelSpec) -> tuple[str, str]:
    """Decide on a calibrated probability at any threshold.

    Returns
    -------
    The label of the side, and the decision: the same, or ``"uncertain"``.
    """
    positive = probability >= threshold
    side = spec.labels.positive if positive else spec.labels.negative
    return side, side if _is_certain(probability, positive, spec) else UNCERTAIN


def _is_certain(probability: float, positive: bool, spec: ModelSpec) -> bool:
    """Tell whether the set of possible answers holds that side of the threshold alone."""
    zone = spec.conformal
    if zone is None:
        return True
    can_be = (probability <= zone.negative_to, probability >= zone.positive_from)
    return can_be == (not positive, positive)


def get_uncertain_range(spec: ModelSpec, operating_point: str | None = None) -> tuple[float, float]:
    """Give the probabilities between which the decision is ``"uncertain"``.

    The conformal zone, widened to the threshold where that lies outside of it. Without a zone
    both ends are the threshold.

    Raises
    ------
    ConfigError
        See :func:`get_operating_point`.
    """
    _, point = get_operating_point(spec, operating_point)
    zone = spec.conformal
    if zone is None:
        return point.threshold, point.threshold
    ends = (zone.positive_from, zone.negative_to, point.threshold)
    return min(ends), max(ends)
