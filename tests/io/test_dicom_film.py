"""Which DICOM objects are films, what their headers say, and how their pixels are decoded."""

from __future__ import annotations

import importlib.util
import struct
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factories.films import (
    BIG_ENDIAN,
    CR,
    CT,
    DEFLATED,
    DX,
    DX_FOR_PROCESSING,
    ENHANCED_XA,
    EXPLICIT,
    HTJ2K_LOSSLESS,
    IMPLICIT,
    J2K,
    J2K_LOSSLESS,
    JPEG_BASELINE,
    JPEG_EXTENDED,
    JPEG_LOSSLESS,
    JPEG_LS,
    JPEG_LS_NEAR,
    MR,
    RLE,
    SECONDARY_CAPTURE,
    STORAGE,
    compress,
    draw_pattern,
    draw_stored,
    make_dicom,
    make_sequence_item,
    read_codestream,
)
from hilum.errors import (
    MissingExtraError,
    UnreadableImageError,
    UnsafeImageError,
    UnsupportedImageError,
)
from hilum.io import WARNINGS, ReadLimits, read_radiograph
from hilum.io.codecs import CODECS
from hilum.types import Radiograph

STORED = draw_stored(12)
GREY = draw_stored(8).astype(np.uint8)
WINDOW: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
PLAIN = read_radiograph(make_dicom(STORED, **WINDOW)).pixels
needs_gdcm = pytest.mark.skipif(
    importlib.util.find_spec("gdcm") is None, reason="needs the extra jpeg-lossless"
)


def codes(film: Radiograph) -> list[str]:
    return [warning.code for warning in film.warnings]


def read(**options: Any) -> Radiograph:
    return read_radiograph(make_dicom(STORED, **(WINDOW | options)))


@pytest.mark.parametrize(
    "syntax", [IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN, RLE, JPEG_LS, J2K_LOSSLESS]
)
def test_every_lossless_transfer_syntax_gives_the_same_pixels(syntax: str) -> None:
    film = read(transfer_syntax=syntax)
    assert np.array_equal(film.pixels, PLAIN)
    assert codes(film) == []
    assert film.header.transfer_syntax_uid == syntax


@pytest.mark.parametrize(("syntax", "tolerance"), [(JPEG_LS_NEAR, 0.001), (J2K, 0.1)])
def test_lossy_transfer_syntaxes_are_close_and_said(syntax: str, tolerance: float) -> None:
    film = read(transfer_syntax=syntax)
    assert np.abs(film.pixels - PLAIN).max() < tolerance
    assert codes(film) == ["lossy"]


@pytest.mark.parametrize("syntax", [JPEG_BASELINE, JPEG_EXTENDED])
def test_8_bit_jpeg(syntax: str) -> None:
    film = read_radiograph(make_dicom(GREY, bits_stored=8, transfer_syntax=syntax))
    assert np.abs(film.pixels - GREY / 255).max() < 0.06
    assert codes(film) == ["lossy"]


def test_htj2k() -> None:
    data = make_dicom(
        draw_pattern(),
        bits_stored=16,
        transfer_syntax=HTJ2K_LOSSLESS,
        codestream=read_codestream("htj2k_lossless.j2c"),
        **WINDOW,
    )
    expected = read_radiograph(make_dicom(draw_pattern(), **WINDOW))
    assert np.array_equal(read_radiograph(data).pixels, expected.pixels)


def _jpeg_lossless() -> bytes:
    return make_dicom(
        draw_pattern(),
        transfer_syntax=JPEG_LOSSLESS,
        codestream=read_codestream("jpeg_lossless.jpg"),
        **WINDOW,
    )


@needs_gdcm
def test_jpeg_lossless_with_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # GDCM's wrapper asks for a module `dl`; a folder of that name must not stand in for it.
    (tmp_path / "dl").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "gdcm", raising=False)
    expected = read_radiograph(make_dicom(draw_pattern(), **WINDOW))
    assert np.array_equal(read_radiograph(_jpeg_lossless()).pixels, expected.pixels)
    assert "dl" not in sys.modules


def test_jpeg_lossless_without_the_extra_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gdcm", None)
    with pytest.raises(MissingExtraError, match=r"hilum\[jpeg-lossless\]") as caught:
        read_radiograph(_jpeg_lossless())
    assert caught.value.extra == "jpeg-lossless"


def test_12_bit_jpeg_is_refused_and_says_so() -> None:
    stream = bytearray(compress(GREY, JPEG_EXTENDED, 8))
    stream[stream.index(b"\xff\xc0") + 4] = 12
    stream[stream.index(b"\xff\xc0") + 1] = 0xC1
    data = make_dicom(STORED, transfer_syntax=JPEG_EXTENDED, codestream=bytes(stream))
    with pytest.raises(UnsupportedImageError, match="12-bit JPEG"):
        read_radiograph(data)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.102", "1.2.840.113619.5.2", "nonsense"])
def test_other_transfer_syntaxes_are_refused(syntax: str) -> None:
    data = make_dicom(STORED, transfer_syntax=syntax, codestream=b"\x00" * 64)
    with pytest.raises(UnsupportedImageError, match="transfer syntax"):
        read_radiograph(data)


def test_every_codec_is_named() -> None:
    assert len(CODECS) == 16
    assert all(codec.name for codec in CODECS.values())
    assert {uid for uid, codec in CODECS.items() if codec.decode is None} == {
        IMPLICIT,
        EXPLICIT,
        DEFLATED,
        BIG_ENDIAN,
    }


@pytest.mark.parametrize("syntax", [J2K_LOSSLESS, JPEG_LS, RLE, JPEG_BASELINE])
@pytest.mark.parametrize("change", [{"Rows": 50}, {"Columns": 38}, {"Rows": 40, "Columns": 48}])
def test_a_codestream_of_another_size_than_the_header_is_refused(
    syntax: str, change: dict[str, Any]
) -> None:
    stored = GREY if syntax == JPEG_BASELINE else STORED
    bits = 8 if syntax == JPEG_BASELINE else 12
    data = make_dicom(stored, bits_stored=bits, transfer_syntax=syntax, **change)
    if syntax == RLE and change == {"Rows": 40, "Columns": 48}:
        return  # PackBits knows nothing of rows; the number of pixels is right
    with pytest.raises(UnreadableImageError):
        read_radiograph(data)


def test_a_film_in_several_fragments_is_joined() -> None:
    from pydicom.encaps import encapsulate

    stream = compress(STORED, J2K_LOSSLESS, 12)
    whole = make_dicom(STORED, transfer_syntax=J2K_LOSSLESS, codestream=stream, **WINDOW)
    parts = encapsulate([stream], fragments_per_frame=4)
    assert len(parts) > len(encapsulate([stream]))
    split = whole.replace(encapsulate([stream]), parts)
    assert np.array_equal(read_radiograph(split).pixels, PLAIN)


def test_pixels_stored_otherwise_than_the_syntax_says_are_refused() -> None:
    raw = make_dicom(STORED)
    compressed = make_dicom(STORED, transfer_syntax=RLE)
    for data, true, false in ((raw, EXPLICIT, RLE), (compressed, RLE, EXPLICIT)):
        lying = data.replace(true.encode(), false.encode())
        assert lying != data
        with pytest.raises(UnreadableImageError, match="transfer syntax"):
            read_radiograph(lying)


@pytest.mark.parametrize("cut", [1, 100, 3000])
def test_raw_pixels_that_break_off_are_refused(cut: int) -> None:
    with pytest.raises(UnreadableImageError):
        read_radiograph(make_dicom(STORED)[:-cut])


@pytest.mark.parametrize(
    ("sop_class", "expected"),
    [
        (CR, []),
        (DX, []),
        (SECONDARY_CAPTURE, []),
        (STORAGE + "7.3", []),
        (DX_FOR_PROCESSING, ["for_processing"]),
        (ENHANCED_XA, ["unusual_sop_class"]),
        (STORAGE + "12.2", ["unusual_sop_class"]),
    ],
)
def test_sop_classes_that_hold_films(sop_class: str, expected: list[str]) -> None:
    film = read(sop_class=sop_class, Modality="CR")
    assert codes(film) == expected
    assert film.header.sop_class_uid == sop_class


@pytest.mark.parametrize(
    ("sop_class", "words"),
    [
        (CT, "CT image"),
        (MR, "MR image"),
        (STORAGE + "6.1", "ultrasound"),
        (STORAGE + "20", "nuclear"),
        (STORAGE + "1.2", "mammogram"),
        (STORAGE + "1.2.1", "mammogram"),
        (STORAGE + "1.3", "intra-oral"),
        (STORAGE + "13.1.3", "tomosynthesis"),
        (STORAGE + "88.33", "structured report"),
        (STORAGE + "104.1", "document"),
        ("1.2.3.4.5", "of a kind without a film"),
    ],
)
def test_sop_classes_that_hold_none(sop_class: str, words: str) -> None:
    # The modality says CR: it is not asked.
    with pytest.raises(UnsupportedImageError, match=words):
        read(sop_class=sop_class, Modality="CR")


def test_without_a_sop_class_the_meta_decides() -> None:
    assert read(sop_class=None).header.sop_class_uid == CR
    data = make_dicom(STORED, sop_class=None, meta=False, **WINDOW)
    with pytest.raises(UnsupportedImageError, match="SOPClassUID"):
        read_radiograph(data)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"ViewPosition": "AP"}, []),
        ({"ViewPosition": "LL"}, ["lateral_view"]),
        ({"ViewPosition": "lateral"}, ["lateral_view"]),
        ({"ViewPosition": None}, ["view_unknown"]),
        ({"ViewPosition": None, "PatientOrientation": ["L", "F"]}, []),
        ({"ViewPosition": None, "PatientOrientation": ["A", "F"]}, ["lateral_view"]),
        ({"ViewPosition": "PA", "PatientOrientation": ["R", "F"]}, ["orientation_unusual"]),
        ({"ViewPosition": "PA", "PatientOrientation": ["L", "H"]}, ["orientation_unusual"]),
        ({"BodyPartExamined": None}, []),
        ({"BodyPartExamined": "THORAX"}, []),
        ({"BodyPartExamined": "HAND"}, ["not_chest"]),
        ({"BurnedInAnnotation": "YES"}, ["burned_in_annotation"]),
        ({"BurnedInAnnotation": "NO"}, []),
        ({"PresentationIntentType": "FOR PROCESSING"}, ["for_processing"]),
        ({"LossyImageCompression": "01"}, ["lossy"]),
        ({"Modality": "MR"}, ["modality_unexpected"]),
        ({"Modality": None}, []),
    ],
)
def test_what_the_header_says_is_warned_of(elements: dict[str, Any], expected: list[str]) -> None:
    assert codes(read(**elements)) == expected


@pytest.mark.parametrize(
    ("code", "expected"), [("R-10206", []), ("R-10236", ["lateral_view"]), ("X", ["view_unknown"])]
)
def test_a_view_code_stands_in_for_the_view_position(code: str, expected: list[str]) -> None:
    item = make_sequence_item(CodeValue=code, CodingSchemeDesignator="SRT")
    assert codes(read(ViewPosition=None, ViewCodeSequence=[item])) == expected


def test_every_warning_has_its_one_sentence() -> None:
    film = read(ViewPosition="LL", BurnedInAnnotation="YES")
    assert [w.message for w in film.warnings] == [WARNINGS[w.code] for w in film.warnings]
    assert all(text.endswith(".") for text in WARNINGS.values())


def test_the_header_holds_facts_and_no_identity() -> None:
    film = read(
        PatientAge="018M",
        PatientSex="F",
        Manufacturer="ACME",
        PatientOrientation=["L", "F"],
        PixelSpacing=[0.15, 0.2],
        ImageLaterality="U",
        PatientBirthDate="19990101",
        StudyDate="20260101",
        AccessionNumber="A-99",
        InstitutionName="Hospital of Nowhere",
    )
    header = film.header
    assert header.patient_age_years == 1.5
    assert (header.patient_sex, header.manufacturer, header.modality) == ("F", "ACME", "CR")
    assert header.pixel_spacing_mm == (0.15, 0.2)
    assert header.patient_orientation == ("L", "F")
    assert header.view_position == "PA"
    said = repr(asdict(header)) + repr(film.warnings) + repr(film.recipe_steps)
    for secret in ("Nora", "SECRET", "1999", "A-99", "Nowhere", "2026"):
        assert secret not in said


@pytest.mark.parametrize(
    ("age", "years"),
    [
        *(("095Y", 90.0), ("007Y", 7.0), ("052W", 52 * 7 / 365.25), ("010D", 10 / 365.25)),
        *(("", None), ("Y", None), ("abcY", None), ("12", None)),
    ],
)
def test_ages(age: str, years: float | None) -> None:
    found = read(PatientAge=age).header.patient_age_years
    assert found == (None if years is None else pytest.approx(years))


@pytest.mark.parametrize("frames", [2, 30])
def test_several_frames_are_refused(frames: int) -> None:
    with pytest.raises(UnsupportedImageError, match=f"{frames} frames"):
        read(NumberOfFrames=frames, sop_class=STORAGE + "7.3")


def test_one_frame_said_to_be_one_is_read() -> None:
    film = read(NumberOfFrames=1, sop_class=STORAGE + "7.3")
    assert np.array_equal(film.pixels, PLAIN)


@pytest.mark.parametrize(
    "change",
    [
        {"Rows": None},
        {"Columns": None},
        {"Rows": 0},
        {"BitsAllocated": None},
        {"PhotometricInterpretation": None},
    ],
)
def test_a_header_without_what_is_needed_is_unreadable(change: dict[str, Any]) -> None:
    with pytest.raises(UnreadableImageError):
        read(**change)


def test_an_object_without_pixels_is_unreadable() -> None:
    data = make_dicom(STORED)
    end = data.rindex(b"\xe0\x7f\x10\x00OW")
    with pytest.raises(UnreadableImageError, match="no pixel data"):
        read_radiograph(data[:end])


@pytest.mark.parametrize("keyword", [0x7FE00008, 0x7FE00009])
def test_floating_point_pixels_are_refused(keyword: int) -> None:
    data = make_dicom(STORED)
    end = data.rindex(b"\xe0\x7f\x10\x00OW")
    element = struct.pack("<HH", 0x7FE0, keyword & 0xFFFF) + b"OF\x00\x00" + struct.pack("<L", 8)
    with pytest.raises(UnsupportedImageError, match="floating-point"):
        read_radiograph(data[:end] + element + b"\x00" * 8)


@pytest.mark.parametrize(
    ("syntax", "photometric"),
    [
        (EXPLICIT, "RGB"),
        (BIG_ENDIAN, "RGB"),
        (RLE, "RGB"),
        (J2K_LOSSLESS, "YBR_RCT"),
        (JPEG_LS, "RGB"),
        (JPEG_BASELINE, "YBR_FULL_422"),
        (EXPLICIT, "YBR_FULL"),
    ],
)
def test_a_grey_film_stored_in_colour_is_read(syntax: str, photometric: str) -> None:
    rgb = np.repeat(GREY[..., None], 3, axis=2)
    if photometric == "YBR_FULL":
        rgb[..., 1:] = 128
    film = read_radiograph(
        make_dicom(
            rgb,
            bits_stored=8,
            photometric=photometric,
            transfer_syntax=syntax,
            sop_class=SECONDARY_CAPTURE,
        )
    )
    tolerance = 0.06 if syntax == JPEG_BASELINE else 0
    assert np.abs(film.pixels - GREY / np.float32(255)).max() <= tolerance
    assert "color_converted" not in codes(film)


def test_colour_by_plane_and_16_bit_colour_are_read() -> None:
    rgb = np.repeat(GREY[..., None], 3, axis=2)
    planes = np.moveaxis(rgb, -1, 0).reshape(rgb.shape)
    options: dict[str, Any] = {
        "bits_stored": 8,
        "photometric": "RGB",
        "sop_class": SECONDARY_CAPTURE,
    }
    film = read_radiograph(make_dicom(planes, PlanarConfiguration=1, **options))
    assert np.array_equal(film.pixels, GREY / np.float32(255))
    wide = rgb.astype(np.uint16) * 257
    film = read_radiograph(make_dicom(wide, **(options | {"bits_stored": 16})))
    assert np.array_equal(film.pixels, GREY / np.float32(255))
    assert codes(film) == ["depth_reduced"]


def test_chroma_of_ybr_full_422_is_spread() -> None:
    packed = np.full((48, 20, 4), 128, dtype=np.uint8)
    packed[..., 0], packed[..., 1] = GREY[:, 0::2], GREY[:, 1::2]
    data = make_dicom(
        np.repeat(GREY[..., None], 3, axis=2),
        bits_stored=8,
        photometric="YBR_FULL_422",
        sop_class=SECONDARY_CAPTURE,
    )
    end = data.rindex(b"\xe0\x7f\x10\x00OB") + 8
    film = read_radiograph(data[:end] + struct.pack("<L", packed.size) + packed.tobytes())
    assert np.array_equal(film.pixels, GREY / np.float32(255))


def test_palette_colour_and_colour_pictures_are_refused() -> None:
    with pytest.raises(UnsupportedImageError, match="palette"):
        read_radiograph(make_dicom(GREY, bits_stored=8, photometric="PALETTE COLOR"))
    rgb = np.repeat(GREY[..., None], 3, axis=2)
    rgb[..., 2] = 0
    with pytest.raises(UnsupportedImageError, match="in colour"):
        read_radiograph(
            make_dicom(rgb, bits_stored=8, photometric="RGB", sop_class=SECONDARY_CAPTURE)
        )


def test_limits_hold_before_a_pixel_is_decoded() -> None:
    with pytest.raises(UnsafeImageError, match="px"):
        read_radiograph(make_dicom(STORED), limits=ReadLimits(pixels=100))


@pytest.mark.parametrize(
    ("elements", "keyword"),
    [
        ({"PatientOrientation": ["Nora", "Nobody"]}, "patient_orientation"),
        ({"PatientOrientation": ["L"]}, "patient_orientation"),
        ({"PatientSex": "Nora"}, "patient_sex"),
        ({"PixelSpacing": [0, 0]}, "pixel_spacing_mm"),
        ({"BodyPartExamined": "CHEST OF NORA NOBODY, BORN 1999"}, "body_part_examined"),
    ],
)
def test_what_makes_no_sense_does_not_enter_the_header(
    elements: dict[str, Any], keyword: str
) -> None:
    assert getattr(read(**elements).header, keyword) is None
