"""Words and figures of the page: what the screen shows, it also says.

Sentences are made from a :class:`~hilum.types.Prediction` and its model's spec alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hilum.app.samples import Subject
from hilum.decision import Agreement, get_uncertain_range
from hilum.errors import (
    HilumError,
    MissingExtraError,
    ModelError,
    UnreadableImageError,
    UnsafeImageError,
    UnsupportedImageError,
)
from hilum.io.codecs import CODECS, Codec
from hilum.io.sop_classes import FILMS, SopClass
from hilum.spec import ModelSpec, OperatingPoint
from hilum.types import UNCERTAIN, FilmHeader, Prediction, Radiograph

# Title and advice for each kind of error; the error's own message stands between them.
_TROUBLE: tuple[tuple[type[HilumError], str, str], ...] = (
    (
        UnreadableImageError,
        "This file cannot be read",
        "Export the film again, or choose another file: DICOM, PNG, JPEG or TIFF.",
    ),
    (
        UnsupportedImageError,
        "hilum does not read films of this kind",
        "Choose a frontal chest film: DICOM (CR, DX or Secondary Capture), PNG, JPEG or TIFF.",
    ),
    (
        UnsafeImageError,
        "This file is too large to be opened safely",
        "Choose a file that holds one film at its usual size.",
    ),
    (
        MissingExtraError,
        "A part of hilum is not installed",
        "Whoever runs this page can install it, then start the page again.",
    ),
    (
        ModelError,
        "The model cannot be used",
        "Start the page with another one: hilum app --model NAME. "
        "hilum models list names the shipped ones.",
    ),
)


def describe_trouble(error: HilumError) -> tuple[str, str]:
    """Give the title under which ``error`` is shown, and what to do about it."""
    for kind, title, advice in _TROUBLE:
        if isinstance(error, kind):
            return title, advice
    return "This film cannot be used", "Choose another film."


def format_percent(share: float) -> str:
    """Write a probability or a rate: one decimal, and never a false 0 or 100."""
    if 0.0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1.0:
        return "> 99.9 %"
    return f"{100.0 * share:.1f} %"


def format_signed(value: float) -> str:
    """Write a figure in logit units with its sign."""
    text = f"{abs(value):.2f}"
    if float(text) == 0.0:
        return text
    return f"{'+' if value > 0 else '−'}{text}"


def name_operating_point(name: str) -> str:
    """Turn the spec's name of an operating point into words."""
    if kept := re.fullmatch(r"(sensitivity|specificity)_(\d{1,3})", name):
        return f"{kept[1].capitalize()} ≥ {kept[2]} %"
    return name.replace("_", " ").replace("-", " ").capitalize()


def describe_operating_point(point: OperatingPoint) -> str:
    """Say what an operating point bought where it was chosen."""
    return (
        f"sensitivity {format_percent(point.sensitivity)}, "
        f"specificity {format_percent(point.specificity)}"
    )


def describe_decision(prediction: Prediction, spec: ModelSpec) -> tuple[str, str]:
    """Say the decision, and which side of which threshold it stands on.

    Returns
    -------
    The decision in a few words, and the sentence that explains it.
    """
    verdict = f"Decision: {prediction.decision}"
    if not prediction.assessed:
        return verdict, "because the model cannot judge this film."
    point = name_operating_point(prediction.operating_point)
    if prediction.decision == UNCERTAIN:
        low, high = (
            format_percent(end) for end in get_uncertain_range(spec, prediction.operating_point)
        )
        return verdict, (
            f"ask a radiologist. Between {low} and {high} the model cannot keep its promised rate "
            f"of error (threshold {format_percent(prediction.threshold)}, operating point {point})."
        )
    side = "at or above" if prediction.side == spec.labels.positive else "below"
    reason = (
        f"the probability is {side} the threshold of {format_percent(prediction.threshold)} "
        f"(operating point {point})."
    )
    return verdict, reason


def describe_agreement(agreement: Agreement) -> str:
    """Say how far several models agree on a film."""
    counts = ", ".join(f"{count} × {decision}" for decision, count in agreement.counts.items())
    if agreement.probability_min is None or agreement.probability_max is None:
        return f"No network assessed this film ({counts})."
    low, high = format_percent(agreement.probability_min), format_percent(agreement.probability_max)
    between = f"Probabilities from {low} to {high}." if low != high else f"Probability {low}."
    if agreement.verdict == "agree":
        return f"All networks that answer say {agreement.label} ({counts}). {between}"
    if agreement.verdict == "disagree":
        return f"The networks disagree ({counts}): ask a radiologist. {between}"
    return f"Not all networks can answer ({counts}): ask a radiologist. {between}"


def describe_evidence(prediction: Prediction) -> str:
    """Say where the evidence lies, and what it adds up to."""
    evidence = prediction.evidence
    values = evidence.values
    parts = []
    strongest, weakest = float(values.max()), float(values.min())
    if strongest > 0.0:
        where = _name_place(prediction, int(values.argmax()))
        parts.append(f"for {evidence.target} is strongest {where} ({format_signed(strongest)})")
    if weakest < 0.0:
        where = _name_place(prediction, int(values.argmin()))
        parts.append(f"against it {where} ({format_signed(weakest)})")
    if not parts:
        return "The map is zero everywhere: the answer does not depend on this film."
    sentence = f"Evidence {', '.join(parts)}."
    if evidence.method != "evidence":
        return sentence
    # Only this method's map sums to the logit.
    if prediction.probability is None:
        return sentence
    return (
        f"{sentence} All cells average {format_signed(float(values.mean(dtype=float)))}; with the "
        f"network’s constant {format_signed(evidence.bias)} that is the logit "
        f"{format_signed(prediction.logit)}; calibrated, a probability of "
        f"{format_percent(prediction.probability)}."
    )


def describe_use(prediction: Prediction) -> str:
    """Say of a picture that leaves the page what made it and what it is not."""
    return (
        f"By {prediction.model} {prediction.model_version}: what the network used, not where "
        "disease is. Research software, not a medical device."
    )


def _name_place(prediction: Prediction, cell: int) -> str:
    """Name the part of the picture in which a cell of the map lies."""
    rows, columns = prediction.evidence.values.shape
    left, top, right, bottom = prediction.evidence.box
    height_px, width_px = prediction.radiograph.pixels.shape
    row, column = divmod(cell, columns)
    x = (left + (column + 0.5) / columns * (right - left)) / width_px
    y = (top + (row + 0.5) / rows * (bottom - top)) / height_px
    if not (0.0 <= x <= 1.0 and 0.0 <= y <= 1.0):
        return "outside the film, in the padding"
    vertical = ("upper", "middle", "lower")[min(int(y * 3), 2)]
    horizontal = ("left", "centre", "right")[min(int(x * 3), 2)]
    if (vertical, horizontal) == ("middle", "centre"):
        return "in the centre of the picture"
    return f"in the {vertical} {horizontal} of the picture"


def describe_model(spec: ModelSpec) -> str:
    """Say which model this is and whom it has learned from."""
    return (
        f"{spec.name} {spec.version}. Learned from {spec.training_data.train_films:,} films: "
        f"{spec.training_data.population.description.rstrip('.')}."
    )


def describe_subject(
    shows: Subject | None, spec: ModelSpec, *, assessed: bool = True
) -> str | None:
    """Say what a sample is not good for, where its header cannot."""
    worth = " The answer shows how the page works, no more." if assessed else ""
    if shows == "drawing":
        return f"This is a drawing of a chest.{worth}"
    oldest = spec.training_data.population.age_max_years
    if shows == "adult" and oldest is not None and oldest < 18:
        return (
            f"This film shows an adult, and the model has learned from patients of up to "
            f"{oldest:g} years only.{worth}"
        )
    return None


def list_facts(radiograph: Radiograph) -> list[tuple[str, str]]:
    """List what the film's header said, as (term, value), without what it left out.

    ``Radiograph.header`` holds nothing that identifies a person, so neither does this.
    """
    header = radiograph.header
    facts = [
        ("Format", radiograph.format),
        ("Modality", header.modality),
        ("Object", _get_name(header.sop_class_uid, FILMS)),
        ("Body part", header.body_part_examined),
        ("View", header.view_position),
        ("Laterality", header.image_laterality),
        ("Orientation", _join(header.patient_orientation, " \\ ")),
        ("Patient’s age", _describe_age(header.patient_age_years)),
        ("Patient’s sex", header.patient_sex),
        ("Size", f"{header.columns} × {header.rows} px"),
        ("Pixel spacing", _describe_spacing(header)),
        ("Bits stored", str(header.bits_stored)),
        ("Grey scale", header.photometric_interpretation),
        ("Presentation LUT", header.presentation_lut_shape),
        ("Frames", str(header.number_of_frames) if header.number_of_frames > 1 else None),
        ("Manufacturer", header.manufacturer),
        ("Encoding", _get_name(header.transfer_syntax_uid, CODECS)),
    ]
    return [(term, value) for term, value in facts if value]


def describe_reading(radiograph: Radiograph) -> str:
    """Say how stored values became the picture."""
    steps = ", then ".join(radiograph.recipe_steps)
    return f"{radiograph.recipe}: {steps}" if steps else radiograph.recipe


def _describe_age(years: float | None) -> str | None:
    if years is None:
        return None
    if years >= 90:
        return "90 years or more"
    if years >= 2:
        return f"{years:.0f} years"
    return f"{years * 12:.0f} months"


def _describe_spacing(header: FilmHeader) -> str | None:
    if header.pixel_spacing_mm is None:
        return None
    row_mm, column_mm = header.pixel_spacing_mm
    return f"{row_mm:.3g} × {column_mm:.3g} mm"


def _get_name(uid: str | None, named: Mapping[str, SopClass] | Mapping[str, Codec]) -> str | None:
    return None if uid is None else named[uid].name


def _join(parts: tuple[str, ...] | None, separator: str) -> str | None:
    return None if parts is None else separator.join(parts)
