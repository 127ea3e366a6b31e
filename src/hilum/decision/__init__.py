"""From a logit to a decision: calibration, operating points, and which side of the threshold."""

from __future__ import annotations

from hilum.decision.agreement import Agreement, measure_agreement
from hilum.decision.calibrate import compute_probability, fit_calibration
from hilum.decision.conformal import fit_zone
from hilum.decision.decide import (
    Decision,
    decide,
    get_operating_point,
    get_uncertain_range,
)
from hilum.decision.drift import DistanceTest, Drift, describe_logits, measure_drift
from hilum.decision.gate import Gate, load_gate
from hilum.decision.operating_points import choose_operating_points
from hilum.decision.rules import Rule, choose_operating_point, parse_rule

__all__ = [
    "Agreement",
    "Decision",
    "DistanceTest",
    "Drift",
    "Gate",
    "Rule",
    "choose_operating_point",
    "choose_operating_points",
    "compute_probability",
    "decide",
    "describe_logits",
    "fit_calibration",
    "fit_zone",
    "get_operating_point",
    "get_uncertain_range",
    "load_gate",
    "measure_agreement",
    "measure_drift",
    "parse_rule",
]
