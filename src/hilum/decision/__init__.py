"""From a logit to a decision: calibration, operating points, and which side of the threshold."""

from __future__ import annotations

from hilum.decision.agreement import Agreement, Joined, join_answers, measure_agreement
from hilum.decision.calibrate import compute_probability, fit_calibration
from hilum.decision.conformal import fit_zone
from hilum.decision.decide import (
    Decision,
    decide,
    decide_at,
    get_operating_point,
    get_uncertain_range,
)
from hilum.decision.drift import DistanceTest, Drift, describe_logits, measure_drift
from hilum.decision.gate import Gate, load_gate
from hilum.decision.operating_points import choose_operating_points
from hilum.decision.rules import Rule, choose_operating_point, parse_rule
from hilum.decision.validation_roc import ThresholdFigures, ValidationRoc, trace_roc

__all__ = [
    "Agreement",
    "Decision",
    "DistanceTest",
    "Drift",
    "Gate",
    "Joined",
    "Rule",
    "ThresholdFigures",
    "ValidationRoc",
    "choose_operating_point",
    "choose_operating_points",
    "compute_probability",
    "decide",
    "decide_at",
    "describe_logits",
    "fit_calibration",
    "fit_zone",
    "get_operating_point",
    "get_uncertain_range",
    "join_answers",
    "load_gate",
    "measure_agreement",
    "measure_drift",
    "parse_rule",
    "trace_roc",
]
