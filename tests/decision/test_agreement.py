"""How far models agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilum.decision import measure_agreement
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
