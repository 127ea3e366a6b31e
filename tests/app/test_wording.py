from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilum.app.wording import (
    describe_decision,
    describe_evidence,
    describe_reading,
    describe_subject,
    describe_trouble,
    format_percent,
    format_signed,
    list_facts,
    name_operating_point,
)
from hilum.errors import (
    InputError,
    MissingExtraError,
    SpecMismatchError,
    UnreadableImageError,
    UnsafeImageError,
    UnsupportedImageError,
)
from hilum.spec import ConformalZone, Coverage, ModelSpec
from hilum.types import NOT_ASSESSED, UNCERTAIN, Explanation, FilmHeader, Prediction, Radiograph


def make_prediction(values: list[list[float]], *, bias: float = -0.5) -> Prediction:
    """A prediction with the given map over a film of 60 x 30 px."""
    cells = np.asarray(values, dtype=np.float32)
    return Prediction(
        model="tiny",
        model_version="1.0",
        probability=0.8,
        logit=float(cells.mean()) + bias,
        decision="pneumonia",
        operating_point="sensitivity_95",
        threshold=0.3,
        side="pneumonia",
        evidence=Explanation(
            values=cells,
            box=(0.0, 0.0, 30.0, 60.0),
            method="evidence",
            target="pneumonia",
            bias=bias,
        ),
        embedding=np.zeros(4, dtype=np.float32),
        radiograph=Radiograph(
            pixels=np.zeros((60, 30), dtype=np.float32),
            format="DICOM",
            recipe="radiograph_v1",
            header=FilmHeader(rows=60, columns=30, bits_stored=12),
            recipe_steps=("window LINEAR 2048/4096", "invert MONOCHROME1"),
        ),
    )


def list_words(radiograph: Radiograph) -> dict[str, str]:
    """The facts by the English of their terms."""
    return {str(term): value for term, value in list_facts(radiograph)}


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.0 %"),
        (0.0004, "< 0.1 %"),
        (0.2345, "23.4 %"),
        (0.9994, "> 99.9 %"),
        (1.0, "100.0 %"),
    ],
)
def test_percent_is_never_a_false_certainty(share: float, text: str) -> None:
    assert format_percent(share) == text


@pytest.mark.parametrize(("value", "text"), [(1.5, "+1.50"), (-2.0, "−2.00"), (-0.001, "0.00")])
def test_signed(value: float, text: str) -> None:
    assert format_signed(value) == text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("youden", "Youden"),
        ("sensitivity_95", "Sensitivity ≥ 95 %"),
        ("ward-round", "Ward round"),
    ],
)
def test_operating_points_have_words(name: str, words: str) -> None:
    assert name_operating_point(name) == words


def test_decision_tells_the_side_and_the_threshold(tiny_spec: ModelSpec) -> None:
    positive = make_prediction([[1.0]])
    verdict, reason = describe_decision(positive, tiny_spec)
    assert verdict == "Decision: pneumonia"
    assert "at or above the threshold of 30.0 %" in reason
    assert "Sensitivity ≥ 95 %" in reason
    negative = replace(positive, decision="normal", side="normal", probability=0.2)
    verdict, reason = describe_decision(negative, tiny_spec)
    assert verdict == "Decision: normal"
    assert "below the threshold" in reason


def test_an_uncertain_answer_sends_to_a_radiologist(tiny_spec: ModelSpec) -> None:
    zone = ConformalZone(
        alpha=0.02,
        positive_from=0.1,
        negative_to=0.6,
        fitted_on="x",
        coverage=Coverage(positive=1.0, negative=1.0, lowest=1.0, folds=5),
    )
    spec = tiny_spec.model_copy(update={"conformal": zone})
    prediction = replace(
        make_prediction([[1.0]]),
        decision=UNCERTAIN,
        probability=0.4,
        operating_point=tiny_spec.default_operating_point,
    )
    verdict, reason = describe_decision(prediction, spec)
    assert verdict == "Decision: uncertain"
    assert "ask a radiologist" in reason
    assert "Between 10.0 % and 60.0 %" in reason


def test_a_refused_film_is_told_no_probability(tiny_spec: ModelSpec) -> None:
    prediction = replace(
        make_prediction([[1.0]]), decision=NOT_ASSESSED, probability=None, side=None
    )
    verdict, reason = describe_decision(prediction, tiny_spec)
    assert verdict == "Decision: not assessed"
    assert "%" not in reason + describe_evidence(prediction)
    assert "answer" not in str(describe_subject("adult", tiny_spec, assessed=False))


def test_evidence_names_the_place_and_adds_up() -> None:
    grid = [[0.0, 0.0, 0.0], [0.0, 0.0, -3.0], [6.0, 0.0, 0.0]]
    sentence = describe_evidence(make_prediction(grid))
    assert "for pneumonia is strongest in the lower left of the picture (+6.00)" in sentence
    assert "against it in the middle right of the picture (−3.00)" in sentence
    assert "average +0.33" in sentence
    assert "constant −0.50" in sentence
    assert "logit −0.17" in sentence


def test_evidence_of_another_method_is_not_said_to_add_up() -> None:
    prediction = make_prediction([[1.0, -1.0]])
    other = replace(prediction, evidence=replace(prediction.evidence, method="gradcam"))
    assert "logit" not in describe_evidence(other)


def test_a_cell_in_the_padding_is_not_placed_on_the_film() -> None:
    prediction = make_prediction([[5.0, 0.0, 0.0]])
    padded = replace(prediction.evidence, box=(-30.0, 0.0, 60.0, 60.0))
    assert "outside the film" in describe_evidence(replace(prediction, evidence=padded))


def test_an_empty_map_is_said() -> None:
    assert "zero everywhere" in describe_evidence(make_prediction([[0.0, 0.0]]))


def test_facts_leave_out_what_the_file_did_not_say() -> None:
    radiograph = make_prediction([[0.0]]).radiograph
    facts = list_words(radiograph)
    assert facts == {"Format": "DICOM", "Size": "30 × 60 px", "Bits stored": "12"}
    header = replace(
        radiograph.header,
        sop_class_uid="1.2.840.10008.5.1.4.1.1.1",
        patient_age_years=1.5,
        pixel_spacing_mm=(0.143, 0.143),
        patient_orientation=("L", "F"),
        number_of_frames=2,
    )
    facts = list_words(replace(radiograph, header=header))
    assert facts["Object"] == "Computed Radiography"
    assert facts["Patient’s age"] == "18 months"
    assert facts["Pixel spacing"] == "0.143 × 0.143 mm"
    assert facts["Orientation"] == "L \\ F"
    assert facts["Frames"] == "2"


@pytest.mark.parametrize(("years", "text"), [(4.0, "4 years"), (90.0, "90 years or more")])
def test_age(years: float, text: str) -> None:
    radiograph = make_prediction([[0.0]]).radiograph
    header = replace(radiograph.header, patient_age_years=years)
    assert list_words(replace(radiograph, header=header))["Patient’s age"] == text


def test_reading_tells_the_recipe_and_its_steps() -> None:
    text = describe_reading(make_prediction([[0.0]]).radiograph)
    assert text == "radiograph_v1: window LINEAR 2048/4096 → invert MONOCHROME1"


def test_samples_are_honest(tiny_spec: ModelSpec) -> None:
    assert "up to 5 years" in str(describe_subject("adult", tiny_spec))
    assert "no patient" in str(describe_subject("synthetic", tiny_spec))
    assert describe_subject(None, tiny_spec) is None


def test_each_trouble_has_a_title_and_an_advice() -> None:
    errors = (
        UnreadableImageError("x"),
        UnsupportedImageError("x"),
        UnsafeImageError("x"),
        MissingExtraError("jpeg-lossless", "read this film"),
        SpecMismatchError("x"),
        InputError("x"),
    )
    titles = [describe_trouble(error) for error in errors]
    assert len({title for title, _ in titles}) == len(errors)
    assert all(advice.endswith(".") for _, advice in titles)
