"""A radiograph, and what its file said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hilum.language import Text, recall

Format = Literal["DICOM", "PNG", "JPEG", "TIFF", "ARRAY"]


@dataclass(frozen=True, slots=True)
class FilmWarning:
    """Something the reader of a result should know of the film or of the answer.

    ``code`` is stable and meant for programs (``"lateral_view"``); ``message`` is one
    sentence for people and holds no patient data.
    """

    code: str
    message: str

    @property
    def text(self) -> Text:
        """The message, so that it can be said in a reader's language."""
        return recall(self.message)


@dataclass(frozen=True, slots=True)
class FilmHeader:
    """What the file said of itself, without identity. ``None`` where it said nothing.

    Attributes carry the meaning of the DICOM keyword in brackets; raster files fill only
    ``bits_stored``, ``rows`` and ``columns``.

    rows, columns
        Size of the film as stored, in px, before any orientation is applied.
    patient_age_years
        (PatientAge) in years, weeks and days converted; ages of 90 and more are given as
        90, since a greater age can identify a person.
    patient_orientation
        (PatientOrientation) e.g. ``("L", "F")``: columns run to the patient's left.
    """

    rows: int
    columns: int
    bits_stored: int
    sop_class_uid: str | None = None
    transfer_syntax_uid: str | None = None
    modality: str | None = None
    photometric_interpretation: str | None = None
    presentation_lut_shape: str | None = None
    view_position: str | None = None
    body_part_examined: str | None = None
    image_laterality: str | None = None
    patient_orientation: tuple[str, str] | None = None
    patient_age_years: float | None = None
    patient_sex: str | None = None
    manufacturer: str | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    number_of_frames: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Radiograph:
    """One film, ready for :func:`hilum.preprocess.preprocess`.

    pixels
        float32, shape (H, W), in [0, 1], contiguous and read-only; **bright = dense**,
        whatever the file said.
    recipe
        Name of the recipe that turned stored values into ``pixels``, with its parameters,
        e.g. ``"radiograph_v1"`` or ``"hu_window(center=40, width=800)"``.
    recipe_steps
        What the recipe did on this film, in order, for the record
        (``("window LINEAR 2048/4096", "invert MONOCHROME1")``).
    source
        The name under which the film was given (a path, a file name), or ``None``.
    sha256
        Digest of the bytes that were read, or ``None`` for an array.
    """

    pixels: NDArray[np.float32]
    format: Format
    recipe: str
    header: FilmHeader
    recipe_steps: tuple[str, ...] = ()
    source: str | None = None
    sha256: str | None = None
    warnings: tuple[FilmWarning, ...] = ()
