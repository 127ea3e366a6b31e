"""Which side of the threshold a film is on, and which threshold that was."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hilum.decision.calibrate import compute_probability
from hilum.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from hilum.spec import ModelSpec, OperatingPoint


@dataclass(frozen=True, slots=True)
class Decision:
    """A probability, the operating point it was held against, and the word for the side.

    The decision is positive when ``probability >= threshold``.
    """

    probability: float
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
            f'{spec.name} has no operating point "{chosen}". It has: {known}.'
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
        raise ModelError(f"{spec.name} returned a logit that is not a finite number.")
    probability = compute_probability(float(logit), spec.calibration)
    positive = probability >= point.threshold
    return Decision(
        probability=probability,
        decision=spec.labels.positive if positive else spec.labels.negative,
        operating_point=name,
        threshold=point.threshold,
    )
