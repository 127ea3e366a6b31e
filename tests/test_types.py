"""What flows between the rooms cannot be changed on the way, and becomes plain data."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from factories.radiographs import draw_noise, make_radiograph
from hilum.types import Explanation, FilmWarning, Prediction


def make_prediction() -> Prediction:
    return Prediction(
        model="tiny",
        model_version="1.0",
        probability=0.75,
        logit=1.5,
        decision="pneumonia",
        operating_point="youden",
        threshold=0.5,
        evidence=Explanation(
            np.arange(6, dtype=np.float32).reshape(2, 3),
            (0.0, -1.5, 30.0, 20.0),
            "evidence",
            "pneumonia",
            -0.25,
        ),
        embedding=np.ones(4, dtype=np.float32),
        radiograph=make_radiograph(draw_noise(20, 30), source="film.dcm"),
        warnings=(FilmWarning("lossy", "The film was compressed with loss."),),
    )


def test_the_types_are_frozen() -> None:
    prediction = make_prediction()
    for thing, name in [
        (prediction, "logit"),
        (prediction.evidence, "bias"),
        (prediction.radiograph, "pixels"),
        (prediction.radiograph.header, "rows"),
        (prediction.warnings[0], "code"),
    ]:
        with pytest.raises(FrozenInstanceError):
            setattr(thing, name, 0)


def test_to_dict_is_json_and_comes_back_the_same() -> None:
    facts = make_prediction().to_dict()
    assert json.loads(json.dumps(facts, allow_nan=False))["evidence"] == {
        "method": "evidence",
        "target": "pneumonia",
        "unit": "logit",
        "signed": True,
        "bias": -0.25,
        "options": {},
        "box": [0.0, -1.5, 30.0, 20.0],
        "shape": [2, 3],
        "values": [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]],
    }
    assert facts["source"] == "film.dcm"


def test_to_dict_holds_no_pixels_and_no_embedding() -> None:
    facts = make_prediction().to_dict()
    assert "pixels" not in json.dumps(facts)
    assert "embedding" not in facts
