"""What flows between the rooms cannot be changed on the way, and becomes plain data."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from factories.radiographs import draw_noise, make_radiograph
from hilum.types import Explanation, FilmWarning, Prediction, Spread


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
        "spread": None,
        "warnings": [],
    }
    assert facts["source"] == "film.dcm"
    assert facts["spread"] is None


@pytest.mark.parametrize(
    ("views", "members", "over", "text"),
    [
        (6, 1, "views", "6 views"),
        (1, 3, "members", "3 members"),
        (2, 3, "views and members", "2 views by 3 members"),
    ],
)
def test_a_spread_says_what_it_is_over(views: int, members: int, over: str, text: str) -> None:
    spread = Spread(views, members, -1.0, 2.0, 0.5, 0.25, 0.75)
    assert (spread.over, str(spread)) == (over, text)
    prediction = make_prediction()
    cells = np.full((2, 3), 0.5, dtype=np.float32)
    told = replace(
        prediction, spread=spread, evidence=replace(prediction.evidence, spread=cells)
    ).to_dict()
    assert json.loads(json.dumps(told["spread"], allow_nan=False)) == {
        "over": over,
        "views": views,
        "members": members,
        "logit_min": -1.0,
        "logit_max": 2.0,
        "logit_std": 0.5,
        "probability_min": 0.25,
        "probability_max": 0.75,
    }
    assert prediction.evidence.map_spread() is None
    apart = replace(prediction.evidence, spread=cells).map_spread()
    assert apart is not None
    assert (apart.method, apart.signed, apart.unit) == ("evidence.spread", False, "logit")
    assert apart.values is cells
    assert apart.box == prediction.evidence.box
    assert told["evidence"]["spread"] == [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]


def test_to_dict_holds_no_pixels_and_no_embedding() -> None:
    facts = make_prediction().to_dict()
    assert "pixels" not in json.dumps(facts)
    assert "embedding" not in facts
