"""What flows between the rooms: a radiograph, and what a network said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Format = Literal["DICOM", "PNG", "JPEG", "TIFF", "ARRAY"]

# Evidence at which a picture's colour saturates, in logit units. It is absolute: the same colour
# means the same evidence on every film, and a film without evidence stays without colour.
# 95 of 100 cells of the default network's maps on its training films are weaker than 29 and 99
# are weaker than 35, so strong evidence is still told from very strong evidence.
EVIDENCE_SCALE = 32.0

# Spread of a cell at which a picture's colour saturates, in logit units; absolute as well. Of the
# default network's maps over six views, 99 of 100 cells on validation films spread less than 4.4.
SPREAD_SCALE = 4.0

SpreadOver = Literal["views", "members", "views and members"]

# Decisions beside the model's own labels.
NOT_ASSESSED = "not assessed"
UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class FilmWarning:
    """Something the reader of a result should know of the film or of the answer.

    ``code`` is stable and meant for programs (``"lateral_view"``); ``message`` is one
    sentence for people and holds no patient data.
    """

    code: str
    message: str


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


@dataclass(frozen=True, slots=True)
class Region:
    """A connected part of a map in which the evidence is stronger than a level.

    target, side
        What the evidence in it speaks for or against.
    unit
        Of the map, see :class:`Explanation`.
    level
        Above which the evidence lies, in that unit and without its sign.
    box
        ``(left, top, right, bottom)`` in px of ``Radiograph.pixels``; it may reach into the
        padding beyond the film, as the map does.
    area_share
        Of the map's area, in [0, 1].
    evidence_share
        Of all the map's evidence on this side, in [0, 1].
    peak, peak_value, mean_value
        Where the evidence is strongest, as ``(x, y)`` in px of the film; its value there, and
        the mean over the region. Below zero where it speaks against the target.
    zone
        Where most of it lies, in words: ``"upper zone, patient's right"``.
    lung_share
        Share of its area that lies in the lungs; ``None`` where lungs were not looked for or not
        found.
    """

    target: str
    side: Literal["for", "against"]
    unit: Literal["logit", "relative"]
    level: float
    box: tuple[float, float, float, float]
    area_share: float
    evidence_share: float
    peak: tuple[float, float]
    peak_value: float
    mean_value: float
    zone: str
    lung_share: float | None

    @property
    def sentence(self) -> str:
        """The region in one sentence: what the network used, not where disease is."""
        percent = f"{100 * self.evidence_share:.0f} %" if self.evidence_share >= 0.01 else "< 1 %"
        value = f"{self.peak_value:.{1 if abs(self.peak_value) >= 10 else 2}f}"
        if self.unit == "relative":
            # Some of these maps are the same for both labels: they are no evidence for one.
            return (
                f"{self._place}: {percent} of the map's total, strongest {value} "
                "where the largest cell is 1."
            )
        return (
            f"{self._place}: {percent} of the evidence {self.side} {self.target}, "
            f"strongest {value} logits."
        )

    @property
    def _place(self) -> str:
        return self.zone[:1].upper() + self.zone[1:]

    def to_dict(self) -> dict[str, Any]:
        """Give the region as plain, JSON-serialisable data, with its sentence."""
        return {**asdict(self), "sentence": self.sentence}


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """A map of the evidence, by one of :data:`hilum.explain.METHODS`.

    values
        float32, shape (h, w). Of the method ``"evidence"``: on the grid of the network's last
        layer and in logit units; with the head's ``bias`` their mean is the logit. Positive
        cells speak for the target, negative ones against it.
    box
        ``(left, top, right, bottom)`` in px of ``Radiograph.pixels``: the part of the film
        that the grid covers. It is less than the film where preprocessing crops and more
        than the film where it pads.
    method, target
        How the map was made and for which class, e.g. ``"evidence"``, ``"pneumonia"``.
    bias
        Bias of the head in logit units; ``bias + values.mean() == logit`` for the method
        ``"evidence"`` and the positive class.
    unit
        ``"logit"``, or ``"relative"`` where the largest cell is 1 whatever the film.
    signed
        Whether cells below zero speak against the target.
    scale
        Value at which a picture of the map saturates.
    options
        Of the method, as they were used.
    spread
        float32, of the shape of ``values`` and in their unit: the standard deviation of each cell
        over the views or members that the map is the mean of; see :class:`Spread`. ``None``
        where it is no such mean.
    warnings
        Controls that this method's maps fail on this model, a sentence each; see
        :mod:`hilum.faithfulness`.
    """

    values: NDArray[np.float32]
    box: tuple[float, float, float, float]
    method: str
    target: str
    bias: float
    unit: Literal["logit", "relative"] = "logit"
    signed: bool = True
    scale: float = EVIDENCE_SCALE
    options: Mapping[str, Any] = field(default_factory=dict)
    spread: NDArray[np.float32] | None = None
    warnings: tuple[str, ...] = ()

    def regions(
        self,
        radiograph: Radiograph | None = None,
        *,
        level: float | None = None,
        smallest_share: float = 0.05,
        against: bool = False,
    ) -> tuple[Region, ...]:
        """Find where the map is strong; see :func:`hilum.explain.find_regions`."""
        from hilum.explain import find_regions

        return find_regions(
            self, radiograph, level=level, smallest_share=smallest_share, against=against
        )

    def map_spread(self) -> Explanation | None:
        """Give the spread as a map of its own, to be drawn; ``None`` where there is none.

        Its method is that of this map with ``.spread`` behind it, and it has no sign.
        """
        if self.spread is None:
            return None
        return replace(
            self,
            values=self.spread,
            method=f"{self.method}.spread",
            signed=False,
            scale=SPREAD_SCALE,
            spread=None,
            warnings=(),
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the map as plain, JSON-serialisable data, its cells as nested lists."""
        return {
            "method": self.method,
            "target": self.target,
            "unit": self.unit,
            "signed": self.signed,
            "bias": self.bias,
            "options": dict(self.options),
            "box": list(self.box),
            "shape": list(self.values.shape),
            "values": self.values.tolist(),
            "spread": None if self.spread is None else self.spread.tolist(),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Spread:
    """How far the answers lie apart that one answer is the mean of.

    The answers are those to several views of the film, those of an ensemble's members, or those
    of each member to each view. The spread of the map stands with the map:
    :attr:`Explanation.spread`.

    views, members
        How many there are of each; 1 where it is the film as it is, or a single network.
    logit_min, logit_max, logit_std
        Of the answers' logits; the deviation is that of all of them, divided by their number. A
        member's logit is on the ensemble's scale.
    probability_min, probability_max
        What calibration makes of ``logit_min`` and ``logit_max``, in [0, 1]; ``None`` where the
        film was not assessed.
    """

    views: int
    members: int
    logit_min: float
    logit_max: float
    logit_std: float
    probability_min: float | None = None
    probability_max: float | None = None

    @property
    def over(self) -> SpreadOver:
        """What differs between the answers."""
        if self.members == 1:
            return "views"
        return "members" if self.views == 1 else "views and members"

    def __str__(self) -> str:
        """Say what the spread is over, e.g. ``"6 views by 3 members"``."""
        if self.members == 1:
            return f"{self.views} views"
        members = f"{self.members} members"
        return members if self.views == 1 else f"{self.views} views by {members}"

    def to_dict(self) -> dict[str, Any]:
        """Give the spread as plain, JSON-serialisable data."""
        return {"over": self.over, **asdict(self)}


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What one model says of one film.

    probability
        Calibrated probability of pneumonia, in [0, 1]; ``None`` where the film was not
        assessed.
    logit
        The network's own output, before calibration. It is kept for the record also where
        the film was not assessed.
    decision
        ``"pneumonia"`` or ``"normal"`` (the spec's labels); ``"uncertain"`` where the model
        cannot keep its promised rate of error and a radiologist should be asked; ``"not
        assessed"`` where the input gate refused the film.
    operating_point, threshold
        The operating point that the decision used and its threshold on ``probability``.
    side
        The spec's label for the side of the threshold, positive when
        ``probability >= threshold``, also where the decision is ``"uncertain"``; ``None``
        where the film was not assessed.
    reasons
        Why the input gate refuses the film; they are also there where the gate was off.
    evidence
        Signed map of the evidence.
    embedding
        float32, shape (D,): the pooled features under the head, of the film as it is.
    radiograph
        The film itself, for pictures. It is not part of :meth:`to_dict`.
    spread
        Of the answers that this one is the mean of; ``None`` where there is one answer alone.
    """

    model: str
    model_version: str
    probability: float | None
    logit: float
    decision: str
    operating_point: str
    threshold: float
    evidence: Explanation
    embedding: NDArray[np.float32]
    radiograph: Radiograph
    warnings: tuple[FilmWarning, ...] = field(default=())
    side: str | None = None
    reasons: tuple[FilmWarning, ...] = field(default=())
    spread: Spread | None = None

    @property
    def assessed(self) -> bool:
        """Whether there is an answer: the gate let the film pass, or was off."""
        return self.decision != NOT_ASSESSED

    @property
    def source(self) -> str | None:
        """The name under which the film was given."""
        return self.radiograph.source

    def overlay(
        self,
        *,
        opacity: float = 0.6,
        colormap: str | None = None,
        scale: float | None = None,
        contours: Sequence[float] = (),
        max_side_px: int | None = None,
    ) -> Image.Image:
        """Draw the film with the evidence over it; see :func:`hilum.report.draw_overlay`.

        A film that was not assessed is drawn without evidence: a map would look like an answer.
        """
        from hilum.report import draw_film, draw_overlay

        if not self.assessed:
            return draw_film(self.radiograph, max_side_px=max_side_px).convert("RGB")
        return draw_overlay(
            self.radiograph,
            self.evidence,
            opacity=opacity,
            colormap=colormap,
            scale=scale,
            contours=contours,
            max_side_px=max_side_px,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the prediction as plain, JSON-serialisable data, without pixels.

        The film's header and digest are included; evidence is included in full
        (``values`` as nested lists).
        """
        film = self.radiograph
        return {
            "source": film.source,
            "model": self.model,
            "model_version": self.model_version,
            "probability": self.probability,
            "logit": self.logit,
            "decision": self.decision,
            "side": self.side,
            "reasons": [asdict(reason) for reason in self.reasons],
            "operating_point": self.operating_point,
            "threshold": self.threshold,
            "warnings": [asdict(warning) for warning in self.warnings],
            "spread": None if self.spread is None else self.spread.to_dict(),
            "evidence": self.evidence.to_dict(),
            "film": {
                "format": film.format,
                "sha256": film.sha256,
                "recipe": film.recipe,
                "recipe_steps": list(film.recipe_steps),
                "header": asdict(film.header),
            },
        }
