"""How far models agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from factories.networks import build_tiny_onnx, make_tiny_facts
from hilum.decision import compute_probability, join_answers, measure_agreement
from hilum.spec import ModelSpec
from hilum.types import (
    NOT_ASSESSED,
    UNCERTAIN,
    Explanation,
    FilmHeader,
    Prediction,
    Radiograph,
)


@pytest.fixture
def prediction() -> Prediction:
    """An answer to a film of 8 x 8 px."""
    evidence = Explanation(
        values=np.zeros((2, 2), dtype=np.float32),
        box=(0.0, 0.0, 8.0, 8.0),
        method="evidence",
        target="pneumonia",
        bias=0.0,
    )
    return Prediction(
        model="tiny",
        model_version="1.0",
        probability=0.5,
        logit=0.0,
        decision=UNCERTAIN,
        operating_point="youden",
        threshold=0.5,
        evidence=evidence,
        embedding=np.zeros(4, dtype=np.float32),
        radiograph=Radiograph(
            pixels=np.zeros((8, 8), dtype=np.float32),
            format="PNG",
            recipe="radiograph_v1",
            header=FilmHeader(rows=8, columns=8, bits_stored=8),
        ),
    )


@pytest.mark.parametrize(
    ("decisions", "verdict", "label"),
    [
        (["pneumonia", "pneumonia"], "agree", "pneumonia"),
        (["normal", NOT_ASSESSED], "agree", "normal"),
        (["normal", "pneumonia", UNCERTAIN], "disagree", None),
        (["normal", UNCERTAIN], "open", None),
        ([UNCERTAIN], "open", None),
        ([NOT_ASSESSED, NOT_ASSESSED], "nobody", None),
        ([], "nobody", None),
    ],
)
def test_what_models_say_together(
    prediction: Prediction, decisions: list[str], verdict: str, label: str | None
) -> None:
    said = [
        replace(
            prediction,
            decision=decision,
            probability=None if decision == NOT_ASSESSED else 0.1 * (number + 1),
        )
        for number, decision in enumerate(decisions)
    ]
    agreement = measure_agreement(said)
    assert (agreement.verdict, agreement.label) == (verdict, label)
    assert sum(agreement.counts.values()) == len(decisions)
    known = [one.probability for one in said if one.probability is not None]
    assert agreement.probability_min == min(known, default=None)
    assert agreement.probability_max == max(known, default=None)


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return ModelSpec.model_validate(make_tiny_facts(build_tiny_onnx()))


def recalibrate(spec: ModelSpec, **facts: float) -> ModelSpec:
    calibration = spec.calibration.model_copy(update=facts)
    return spec.model_copy(update={"calibration": calibration})


def test_models_are_joined_by_their_calibrated_log_odds(
    prediction: Prediction, spec: ModelSpec
) -> None:
    other = recalibrate(spec, temperature=3.0, offset=-1.0)
    answers = [(spec, replace(prediction, logit=2.0)), (other, replace(prediction, logit=-5.0))]
    joined = join_answers(answers)
    assert joined is not None
    own = [compute_probability(answer.logit, one.calibration) for one, answer in answers]
    odds = np.array([p / (1.0 - p) for p in own])
    mean = float(np.sqrt(odds.prod()))  # the geometric mean of the odds
    assert joined.probability == pytest.approx(mean / (1.0 + mean), rel=1e-12)
    assert (joined.spread.members, joined.spread.views) == (2, 1)
    assert joined.spread.probability_min == pytest.approx(min(own), rel=1e-12)
    assert joined.spread.probability_max == pytest.approx(max(own), rel=1e-12)
    assert joined.spread.logit_std == pytest.approx(float(np.log(odds).std()), rel=1e-12)


def test_who_did_not_assess_the_film_has_no_say(prediction: Prediction, spec: ModelSpec) -> None:
    refused = replace(prediction, decision=NOT_ASSESSED, probability=None, logit=50.0)
    said = (spec, replace(prediction, logit=1.0))
    joined = join_answers([said, said, (spec, refused)])
    assert joined is not None
    assert joined.probability == pytest.approx(compute_probability(1.0, spec.calibration))
    assert join_answers([said, (spec, refused)]) is None
    assert join_answers([]) is None


def test_probabilities_of_other_meaning_are_not_joined(
    prediction: Prediction, spec: ModelSpec
) -> None:
    rarer = recalibrate(spec, prevalence=0.1)
    assert join_answers([(spec, prediction), (rarer, prediction)]) is None
    labels = spec.labels.model_copy(update={"positive": "opacity"})
    renamed = spec.model_copy(update={"labels": labels})
    assert join_answers([(spec, prediction), (renamed, prediction)]) is None
