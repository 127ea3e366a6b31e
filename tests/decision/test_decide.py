"""Which side of the threshold a film is on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from factories.networks import build_tiny_onnx, make_tiny_facts
from hilum.decision import compute_probability, decide, decide_at
from hilum.errors import ConfigError, ModelError
from hilum.spec import ModelSpec


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return ModelSpec.model_validate(make_tiny_facts(build_tiny_onnx()))


def test_a_decision_names_its_operating_point(spec: ModelSpec) -> None:
    decision = decide(-1.0, spec, "sensitivity_95")
    assert decision.operating_point == "sensitivity_95"
    assert decision.threshold == 0.3
    assert decision.probability == compute_probability(-1.0, spec.calibration)
    assert decision.decision == "pneumonia"


def test_none_is_the_default_of_the_spec(spec: ModelSpec) -> None:
    assert decide(-1.0, spec) == decide(-1.0, spec, "youden")
    assert decide(-1.0, spec).decision == "normal"


def test_the_threshold_itself_is_positive(spec: ModelSpec) -> None:
    middle = -spec.calibration.offset
    assert decide(middle, spec).probability == decide(middle, spec).threshold == 0.5
    assert decide(middle, spec).decision == "pneumonia"
    assert decide(middle - 1e-15, spec).decision == "normal"


def test_labels_are_the_words_of_the_spec(spec: ModelSpec) -> None:
    labels = spec.labels.model_copy(update={"positive": "opacity", "negative": "clear"})
    renamed = spec.model_copy(update={"labels": labels})
    assert [decide(logit, renamed).decision for logit in (3.0, -3.0)] == ["opacity", "clear"]


def test_an_unknown_operating_point_is_told_with_the_known_ones(spec: ModelSpec) -> None:
    with pytest.raises(ConfigError, match="youden, sensitivity_95, sensitivity_99"):
        decide(0.0, spec, "best")


@pytest.mark.parametrize("logit", [math.nan, math.inf, -math.inf])
def test_a_logit_that_is_no_number_has_no_probability(spec: ModelSpec, logit: float) -> None:
    with pytest.raises(ModelError, match="finite"):
        decide(logit, spec)


def test_any_threshold_decides_as_an_operating_point_of_it_would(spec: ModelSpec) -> None:
    zone = {
        "alpha": 0.05,
        "positive_from": 0.2,
        "negative_to": 0.6,
        "fitted_on": "drawn films",
        "coverage": {"positive": 0.95, "negative": 0.95, "lowest": 0.9, "folds": 5},
    }
    for whole in (spec, ModelSpec.model_validate(spec.model_dump() | {"conformal": zone})):
        for name, point in whole.operating_points.items():
            for logit in np.linspace(-4.0, 4.0, 41):
                told = decide(float(logit), whole, name)
                assert decide_at(told.probability, point.threshold, whole) == (
                    told.side,
                    told.decision,
                )
