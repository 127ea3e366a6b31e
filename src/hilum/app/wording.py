"""Words and figures of the page: what the screen shows, it also says.

Sentences are made from a :class:`~hilum.types.Prediction` and its model's spec alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from hilum.app.samples import Subject
from hilum.decision import Agreement
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
from hilum.language import Text, join_texts, recall
from hilum.report.wording import (
    describe_decision,
    describe_evidence,
    describe_model,
    describe_operating_point,
    describe_probability,
    describe_spread,
    describe_use,
    describe_zone,
    format_percent,
    format_signed,
    name_operating_point,
)
from hilum.spec import ModelSpec
from hilum.types import FilmHeader, Radiograph

__all__ = [
    "describe_agreement",
    "describe_decision",
    "describe_evidence",
    "describe_model",
    "describe_operating_point",
    "describe_probability",
    "describe_reading",
    "describe_spread",
    "describe_subject",
    "describe_trouble",
    "describe_use",
    "describe_zone",
    "format_percent",
    "format_signed",
    "list_facts",
    "name_operating_point",
]

# Title and advice for each kind of error; the error's own message stands between them.
_TROUBLE: tuple[tuple[type[HilumError], Text, Text], ...] = (
    (
        UnreadableImageError,
        Text("This file cannot be read"),
        Text("Export the film again, or choose another file: DICOM, PNG, JPEG or TIFF."),
    ),
    (
        UnsupportedImageError,
        Text("hilum does not read films of this kind"),
        Text(
            "Choose a frontal chest film: DICOM (CR, DX or Secondary Capture), PNG, JPEG or TIFF."
        ),
    ),
    (
        UnsafeImageError,
        Text("This file is too large to be opened safely"),
        Text("Choose a file that holds one film at its usual size."),
    ),
    (
        MissingExtraError,
        Text("A part of hilum is not installed"),
        Text("Whoever runs this page can install it, then start the page again."),
    ),
    (
        ModelError,
        Text("The model cannot be used"),
        Text(
            "Start the page with another one: hilum app --model NAME. hilum models list names the "
            "shipped ones."
        ),
    ),
)


def describe_trouble(error: HilumError) -> tuple[Text, Text]:
    """Give the title under which ``error`` is shown, and what to do about it."""
    for kind, title, advice in _TROUBLE:
        if isinstance(error, kind):
            return title, advice
    return Text("This film cannot be used"), Text("Choose another film.")


def describe_subject(
    shows: Subject | None, spec: ModelSpec, *, assessed: bool = True
) -> Text | None:
    """Say what a sample is not good for, where its header cannot."""
    oldest = spec.training_data.population.age_max_years
    if shows == "synthetic":
        said = Text("This is a synthetic film: it shows no patient.")
    elif shows == "adult" and oldest is not None and oldest < 18:
        said = Text(
            "This film shows an adult, and the model has learned from patients of up to "
            "{oldest:g} years only.",
            oldest=oldest,
        )
    else:
        return None
    if not assessed:
        return said
    return join_texts([said, Text("The answer shows how the page works, no more.")])


def describe_agreement(agreement: Agreement) -> Text:
    """Say how far several models agree on a film."""
    counts = join_texts(
        [
            Text("{count} × {decision}", count=count, decision=recall(decision))
            for decision, count in agreement.counts.items()
        ],
        ", ",
    )
    if agreement.probability_min is None or agreement.probability_max is None:
        return Text("No network assessed this film ({counts}).", counts=counts)
    low, high = format_percent(agreement.probability_min), format_percent(agreement.probability_max)
    between = (
        Text("Probability {low}.", low=low)
        if low == high
        else Text("Probabilities from {low} to {high}.", low=low, high=high)
    )
    if agreement.verdict == "agree":
        said = Text(
            "All networks that answer say {label} ({counts}).",
            label=recall(str(agreement.label)),
            counts=counts,
        )
    elif agreement.verdict == "disagree":
        said = Text("The networks disagree ({counts}): ask a radiologist.", counts=counts)
    else:
        said = Text("Not all networks can answer ({counts}): ask a radiologist.", counts=counts)
    return join_texts([said, between])


def list_facts(radiograph: Radiograph) -> list[tuple[Text, str]]:
    """List what the film's header said, as (term, value), without what it left out.

    ``Radiograph.header`` holds nothing that identifies a person, so neither does this.
    """
    header = radiograph.header
    frames = str(header.number_of_frames) if header.number_of_frames > 1 else None
    facts: list[tuple[Text, str | None]] = [
        (Text("Format"), radiograph.format),
        (Text("Modality"), header.modality),
        (Text("Object"), _get_name(header.sop_class_uid, FILMS)),
        (Text("Body part"), header.body_part_examined),
        (Text("View"), header.view_position),
        (Text("Laterality"), header.image_laterality),
        (Text("Orientation"), _join(header.patient_orientation, " \\ ")),
        (Text("Patient’s age"), _describe_age(header.patient_age_years)),
        (Text("Patient’s sex"), header.patient_sex),
        (Text("Size"), f"{header.columns} × {header.rows} px"),
        (Text("Pixel spacing"), _describe_spacing(header)),
        (Text("Bits stored"), str(header.bits_stored)),
        (Text("Grey scale"), header.photometric_interpretation),
        (Text("Presentation LUT"), header.presentation_lut_shape),
        (Text("Frames"), frames),
        (Text("Manufacturer"), header.manufacturer),
        (Text("Encoding"), _get_name(header.transfer_syntax_uid, CODECS)),
    ]
    return [(term, value) for term, value in facts if value]


def describe_reading(radiograph: Radiograph) -> Text:
    """Say how stored values became the picture; names of recipes and steps are codes."""
    if not radiograph.recipe_steps:
        return recall(radiograph.recipe)
    return Text(
        "{recipe}: {steps}",
        recipe=radiograph.recipe,
        steps=join_texts(radiograph.recipe_steps, " → "),
    )


def _describe_age(years: float | None) -> Text | None:
    if years is None:
        return None
    if years >= 90:
        return Text("90 years or more")
    if years >= 2:
        return Text("{years:.0f} years", years=years)
    return Text("{months:.0f} months", months=years * 12)


def _describe_spacing(header: FilmHeader) -> str | None:
    if header.pixel_spacing_mm is None:
        return None
    row_mm, column_mm = header.pixel_spacing_mm
    return f"{row_mm:.3g} × {column_mm:.3g} mm"


def _get_name(uid: str | None, named: Mapping[str, SopClass] | Mapping[str, Codec]) -> str | None:
    return None if uid is None else named[uid].name


def _join(parts: tuple[str, ...] | None, separator: str) -> str | None:
    return None if parts is None else separator.join(parts)
