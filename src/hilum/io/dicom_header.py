"""What a DICOM header says: is it a film, what does it show, how are its pixels stored."""

from __future__ import annotations

from dataclasses import dataclass

from hilum.errors import UnreadableImageError, UnsupportedImageError
from hilum.io.dicom_parse import Elements, ParsedDicom
from hilum.io.dicom_values import get_decimals, get_integer, get_items, get_text, get_texts
from hilum.io.limits import ReadLimits
from hilum.io.sop_classes import FILMS, describe_other
from hilum.language import Text
from hilum.types import FilmHeader

MONOCHROME = frozenset(("MONOCHROME1", "MONOCHROME2"))
COLOUR = frozenset(("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"))

_PROJECTION_MODALITIES = frozenset(
    ("CR", "DX", "DR", "RG", "RF", "XA", "OT", "SC", "XC", "HC", "IO", "PX", "XR")
)
_SEXES = ("M", "F", "O")
_FRONTAL_VIEWS = frozenset(("AP", "PA", "ANTERO-POSTERIOR", "POSTERO-ANTERIOR"))
_LATERAL_VIEWS = frozenset(("LL", "RL", "LAT", "LATERAL", "LLD", "RLD", "LLO", "RLO"))
# View codes, SNOMED RT and SCT: PS3.16 CID 4010.
_FRONTAL_CODES = frozenset(("R-10206", "R-10214", "R-10202", "399348003", "272479007", "399297007"))
_LATERAL_CODES = frozenset(("R-10228", "R-10232", "R-10236", "399352003", "399173006", "399067008"))
_CHEST_WORDS = ("CHEST", "THORAX", "LUNG", "RIB", "TORSO", "PULMON", "HEART", "CXR", "THX")


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How the pixels of a film are stored (PS3.3 C.7.6.3)."""

    rows: int
    columns: int
    samples: int
    photometric: str
    planar: bool
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool


def check_is_film(parsed: ParsedDicom) -> tuple[str, tuple[str, ...]]:
    """Give the SOP class and the warnings that come with it.

    Raises
    ------
    UnsupportedImageError
        The object is of a class that holds no film, or of none.
    """
    uid = get_text(parsed.elements, "SOPClassUID")
    uid = uid or get_text(parsed.meta, "MediaStorageSOPClassUID")
    if uid is None:
        if parsed.pixels is None and "Rows" not in parsed.elements.by_keyword:
            raise UnreadableImageError(Text("The file is not a DICOM image."))
        raise UnsupportedImageError(
            Text("The DICOM object does not say what it is (no SOPClassUID).")
        )
    if uid not in FILMS:
        raise UnsupportedImageError(
            Text(
                "The DICOM object is {other} (SOP class {uid}), not a radiograph.",
                other=describe_other(uid),
                uid=_clean_uid(uid),
            )
        )
    return uid, FILMS[uid].warnings


def _clean_uid(uid: str) -> str:
    """Give a UID for a message, or a remark where it is anything else than a UID."""
    return uid if len(uid) <= 64 and set(uid) <= set("0123456789.") else "not a UID"


def read_layout(parsed: ParsedDicom, limits: ReadLimits) -> PixelLayout:
    """Read how the pixels are stored, and check every bound on them.

    Raises
    ------
    UnreadableImageError
        A fact is missing or contradicts another.
    UnsafeImageError
        The film claims more pixels or frames than allowed.
    UnsupportedImageError
        It has several frames, or samples that hilum does not read.
    """
    elements = parsed.elements
    rows, columns = _require(elements, "Rows"), _require(elements, "Columns")
    if not rows or not columns:
        raise UnreadableImageError(Text("The DICOM header claims a film without pixels."))
    limits.check_size(rows, columns)
    frames = get_integer(elements, "NumberOfFrames")
    if frames is not None:
        limits.check_frames(frames)
    if frames is not None and frames > 1:
        raise UnsupportedImageError(
            Text(
                "The DICOM object has {frames} frames; a film has one. Export the frame alone.",
                frames=frames,
            )
        )
    if parsed.pixels is None or parsed.pixels.keyword != "PixelData":
        what = "no pixel data" if parsed.pixels is None else "floating-point pixels"
        raise (UnreadableImageError if parsed.pixels is None else UnsupportedImageError)(
            f"The DICOM object holds {what}."
        )
    photometric = get_text(elements, "PhotometricInterpretation")
    if photometric is None:
        raise UnreadableImageError(Text("The DICOM header does not say PhotometricInterpretation."))
    bits_allocated = _require(elements, "BitsAllocated")
    bits_stored = get_integer(elements, "BitsStored") or bits_allocated
    high_bit = get_integer(elements, "HighBit")
    layout = PixelLayout(
        rows=rows,
        columns=columns,
        samples=get_integer(elements, "SamplesPerPixel") or 1,
        photometric=photometric.upper(),
        planar=get_integer(elements, "PlanarConfiguration") == 1,
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=bits_stored - 1 if high_bit is None else high_bit,
        signed=get_integer(elements, "PixelRepresentation") == 1,
    )
    _check_layout(layout)
    return layout


def _require(elements: Elements, keyword: str) -> int:
    value = get_integer(elements, keyword)
    if value is None:
        raise UnreadableImageError(
            Text(
                "The DICOM header does not say {keyword}.",
                keyword=keyword,
            )
        )
    return value


def _check_layout(layout: PixelLayout) -> None:
    if layout.photometric in MONOCHROME and layout.samples == 1:
        if layout.bits_allocated not in (8, 16):
            raise UnsupportedImageError(
                Text(
                    "The film has {bits_allocated} bits a pixel; 8 and 16 are read.",
                    bits_allocated=layout.bits_allocated,
                )
            )
    elif layout.photometric in COLOUR and layout.samples == 3:
        if layout.bits_allocated not in (8, 16) or layout.signed:
            raise UnsupportedImageError(
                Text("The colours of the DICOM object are not 8 or 16 bits.")
            )
    else:
        raise UnsupportedImageError(
            Text("The DICOM object is neither grey nor RGB or YBR (palette colour is not read).")
        )
    if not layout.bits_stored <= layout.high_bit + 1 <= layout.bits_allocated:
        raise UnreadableImageError(
            Text("BitsAllocated, BitsStored and HighBit of the DICOM header contradict each other.")
        )


def build_film_header(parsed: ParsedDicom, sop_class_uid: str, layout: PixelLayout) -> FilmHeader:
    """Gather what the header says of the film, without identity."""
    elements = parsed.elements
    orientation = get_texts(elements, "PatientOrientation")
    spacing = get_decimals(elements, "PixelSpacing") or get_decimals(elements, "ImagerPixelSpacing")
    view = get_text(elements, "ViewPosition")
    return FilmHeader(
        rows=layout.rows,
        columns=layout.columns,
        bits_stored=layout.bits_stored,
        sop_class_uid=sop_class_uid,
        transfer_syntax_uid=parsed.transfer_syntax_uid,
        modality=_get_code(elements, "Modality"),
        photometric_interpretation=layout.photometric,
        presentation_lut_shape=_get_code(elements, "PresentationLUTShape"),
        view_position=view.upper()[:16] if view else None,
        body_part_examined=_get_code(elements, "BodyPartExamined"),
        image_laterality=_get_code(elements, "ImageLaterality")
        or _get_code(elements, "Laterality"),
        patient_orientation=_check_orientation(orientation),
        patient_age_years=_get_age_years(elements),
        patient_sex=sex if (sex := _get_code(elements, "PatientSex")) in _SEXES else None,
        manufacturer=(get_text(elements, "Manufacturer") or "")[:64] or None,
        # Some writers put 0 where they do not know.
        pixel_spacing_mm=(spacing[0], spacing[1])
        if len(spacing) == 2 and min(spacing) > 0
        else None,
    )


def _get_code(elements: Elements, keyword: str) -> str | None:
    """Give a coded string. A CS has at most 16 characters: more is text that lost its way."""
    text = get_text(elements, keyword)
    return text.upper() if text and len(text) <= 16 else None


def _check_orientation(values: tuple[str, ...]) -> tuple[str, str] | None:
    """Give (0020,0020) if it is made of the standard's letters (PS3.3 C.7.6.1.1.1)."""
    if len(values) != 2 or not all(value and set(value) <= set("LRAPHF") for value in values):
        return None
    return values[0], values[1]


def _get_age_years(elements: Elements) -> float | None:
    """Give (0010,1010) in years, ages of 90 and more as 90."""
    text = get_text(elements, "PatientAge") or ""
    per_year = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}
    if len(text) < 2 or text[-1] not in per_year or not text[:-1].isdigit():
        return None
    return min(int(text[:-1]) / per_year[text[-1]], 90.0)


def list_header_warnings(parsed: ParsedDicom, header: FilmHeader) -> list[str]:
    """Give the codes of what the header says that the reader of a result should know."""
    elements = parsed.elements
    codes = []
    view = _classify_view(elements, header)
    if view != "frontal":
        codes.append("lateral_view" if view == "lateral" else "view_unknown")
    part = header.body_part_examined
    if part is not None and not any(word in part for word in _CHEST_WORDS):
        codes.append("not_chest")
    if view != "lateral" and header.patient_orientation is not None:
        columns, rows = header.patient_orientation
        if columns[:1] == "R" or rows[:1] == "H":
            codes.append("orientation_unusual")
    if header.modality is not None and header.modality not in _PROJECTION_MODALITIES:
        codes.append("modality_unexpected")
    if get_text(elements, "BurnedInAnnotation") == "YES":
        codes.append("burned_in_annotation")
    if get_text(elements, "PresentationIntentType") == "FOR PROCESSING":
        codes.append("for_processing")
    return codes


def _classify_view(elements: Elements, header: FilmHeader) -> str:
    """Tell ``frontal``, ``lateral`` or ``unknown``, from the most direct statement there is."""
    if header.view_position in _FRONTAL_VIEWS:
        return "frontal"
    if header.view_position in _LATERAL_VIEWS:
        return "lateral"
    for item in get_items(elements, "ViewCodeSequence"):
        code = get_text(item, "CodeValue")
        if code in _FRONTAL_CODES:
            return "frontal"
        if code in _LATERAL_CODES:
            return "lateral"
    columns = header.patient_orientation[0][:1] if header.patient_orientation else ""
    # PS3.3 C.7.6.1.1.1: a row that runs to the patient's front or back is seen from the side.
    return {"L": "frontal", "R": "frontal", "A": "lateral", "P": "lateral"}.get(columns, "unknown")
