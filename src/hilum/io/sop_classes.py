"""Which SOP classes hold a film, and what to say of the others.

The SOP class decides, not Modality: that is often wrong on real films.

Source: PS3.4 B.5, PS3.6 Annex A.
"""

from __future__ import annotations

from dataclasses import dataclass

from hilum.language import Text


@dataclass(frozen=True, slots=True)
class SopClass:
    """One storage SOP class.

    warnings
        Codes of :mod:`~hilum.io.film_warnings` that every film of this class carries.
    """

    name: str
    warnings: tuple[str, ...] = ()


_STORAGE = "1.2.840.10008.5.1.4.1.1."

FILMS: dict[str, SopClass] = {
    _STORAGE + "1": SopClass("Computed Radiography"),
    _STORAGE + "1.1": SopClass("Digital X-Ray, for presentation"),
    _STORAGE + "1.1.1": SopClass("Digital X-Ray, for processing", ("for_processing",)),
    _STORAGE + "7": SopClass("Secondary Capture"),
    _STORAGE + "7.2": SopClass("Multi-frame Grayscale Byte Secondary Capture"),
    _STORAGE + "7.3": SopClass("Multi-frame Grayscale Word Secondary Capture"),
    _STORAGE + "7.4": SopClass("Multi-frame True Color Secondary Capture"),
    _STORAGE + "12.1": SopClass("X-Ray Angiographic", ("unusual_sop_class",)),
    _STORAGE + "12.1.1": SopClass("Enhanced XA", ("unusual_sop_class",)),
    _STORAGE + "12.2": SopClass("X-Ray Radiofluoroscopic", ("unusual_sop_class",)),
    _STORAGE + "12.2.1": SopClass("Enhanced XRF", ("unusual_sop_class",)),
    "1.2.840.10008.5.1.1.29": SopClass("Hardcopy Grayscale (retired)", ("unusual_sop_class",)),
}
"""SOP Class UID -> class, of all classes that hilum reads."""

_OTHERS: tuple[tuple[str, Text], ...] = (
    (_STORAGE + "1.2", Text("a mammogram")),
    (_STORAGE + "1.3", Text("an intra-oral dental radiograph")),
    (_STORAGE + "2", Text("a CT image")),
    (_STORAGE + "3", Text("an ultrasound image")),
    (_STORAGE + "4", Text("an MR image")),
    (_STORAGE + "6", Text("an ultrasound image")),
    (_STORAGE + "7.1", Text("a single-bit secondary capture")),
    (_STORAGE + "9", Text("a waveform")),
    (_STORAGE + "11", Text("a presentation state")),
    (_STORAGE + "13.1", Text("a tomosynthesis or 3D X-ray image")),
    (_STORAGE + "20", Text("a nuclear medicine image")),
    (_STORAGE + "66.4", Text("a segmentation")),
    (_STORAGE + "77", Text("a visible light image")),
    (_STORAGE + "88", Text("a structured report")),
    (_STORAGE + "104", Text("an encapsulated document")),
    (_STORAGE + "128", Text("a PET image")),
    (_STORAGE + "130", Text("a PET image")),
    (_STORAGE + "481", Text("a radiotherapy object")),
    ("1.2.840.10008.1.3.10", Text("a directory of a DICOM medium")),
)


def describe_other(uid: str) -> Text:
    """Say in words what an object of a class is that holds no film."""
    for prefix, words in _OTHERS:
        if uid == prefix or uid.startswith(prefix + "."):
            return words
    return Text("of a kind without a film")
