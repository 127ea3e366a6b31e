"""From a logit to a decision: calibration, operating points, and which side of the threshold."""

from __future__ import annotations

from hilum.decision.calibrate import compute_probability, fit_temperature
from hilum.decision.decide import Decision, decide, get_operating_point
from hilum.decision.operating_points import choose_operating_points

__all__ = [
    "Decision",
    "choose_operating_points",
    "compute_probability",
    "decide",
    "fit_temperature",
    "get_operating_point",
]
