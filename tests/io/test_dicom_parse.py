"""The bounded parser, held against pydicom and against files made to do harm."""

from __future__ import annotations

import struct
import warnings
import zlib

import pytest

from factories.collection import list_files
from factories.films import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    draw_stored,
    make_dicom,
    make_lut_item,
    make_sequence_item,
)
from hilum.errors import InputError, UnreadableImageError, UnsafeImageError
from hilum.io import DEFAULT_LIMITS, ReadLimits
from hilum.io.dicom_parse import parse_dicom
from hilum.io.dicom_tags import TAGS
from hilum.io.dicom_values import (
    get_decimals,
    get_integer,
    get_items,
    get_text,
    get_texts,
    get_words,
)
from hilum.io.sniff import sniff_format

# pydicom gives up the whole dataset where compressed pixels have no end.
WITHOUT_END = {"data_store/emri_small_jpeg_2k_lossless_too_short.dcm"}
FILES = {name: path for name, path in list_files().items() if name not in WITHOUT_END}


@pytest.mark.parametrize("name", sorted(FILES))
def test_values_are_those_that_pydicom_reads(name: str) -> None:
    import pydicom

    data = FILES[name].read_bytes()
    try:
        if sniff_format(data) != "DICOM":
            return
        parsed = parse_dicom(data, DEFAULT_LIMITS)
    except InputError:
        return  # The table of test_collection.py says which ones.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = pydicom.dcmread(FILES[name], force=True)
    compared = 0
    for keyword, (tag, vr) in TAGS.items():
        where = oracle.file_meta if tag >> 16 == 2 else oracle
        mine = (parsed.meta if tag >> 16 == 2 else parsed.elements).by_keyword.get(keyword)
        assert (mine is not None) == (tag in where), keyword
        if mine is None:
            continue
        if vr == "SQ":
            assert len(mine.items) == len(where[tag].value), keyword
            continue
        element = where.get_item(tag)
        assert element is not None
        if isinstance(element.value, bytes):
            assert bytes(mine.value) == element.value, keyword
            compared += 1
    if "Rows" in oracle and "PixelData" in oracle:
        assert parsed.pixels is not None
        assert compared > 5
        if not parsed.pixels.encapsulated:
            assert bytes(parsed.pixels.value) == oracle.PixelData


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN])
@pytest.mark.parametrize(("preamble", "meta"), [(True, True), (False, True), (True, False)])
def test_every_raw_encoding_gives_the_same_values(syntax: str, preamble: bool, meta: bool) -> None:
    if not meta and syntax == DEFLATED:
        pytest.skip("nothing tells that a deflated dataset without meta is one")
    stored = draw_stored()
    data = make_dicom(
        stored,
        transfer_syntax=syntax,
        preamble=preamble,
        meta=meta,
        WindowCenter=[2000.5, 40],
        WindowWidth=[4000, 80],
        PixelPaddingValue=7,
        VOILUTSequence=[make_lut_item([1, 2, 3], first=5)],
    )
    parsed = parse_dicom(data, DEFAULT_LIMITS)
    elements = parsed.elements
    assert parsed.transfer_syntax_uid == syntax
    assert get_integer(elements, "Rows") == 48
    assert get_integer(elements, "PixelPaddingValue") == 7
    assert get_decimals(elements, "WindowCenter") == (2000.5, 40.0)
    assert get_texts(elements, "WindowWidth") == ("4000.0", "80.0")
    assert get_text(elements, "PhotometricInterpretation") == "MONOCHROME2"
    (item,) = get_items(elements, "VOILUTSequence")
    assert get_words(item, "LUTDescriptor") == (3, 5, 12)
    assert parsed.pixels is not None
    assert len(parsed.pixels.value) == stored.size * 2


def test_no_value_of_a_person_is_kept() -> None:
    parsed = parse_dicom(make_dicom(draw_stored()), DEFAULT_LIMITS)
    assert (
        b"Nora" not in repr([bytes(e.value) for e in parsed.elements.by_keyword.values()]).encode()
    )
    assert not {"PatientName", "PatientID"} & TAGS.keys()


def test_an_implicit_dataset_under_an_explicit_syntax_is_read_as_it_is() -> None:
    implicit = make_dicom(draw_stored(), transfer_syntax=IMPLICIT, meta=False)
    parsed = parse_dicom(_file(implicit, EXPLICIT), DEFAULT_LIMITS)
    assert get_integer(parsed.elements, "Rows") == 48
    assert parsed.pixels is not None


def _element(tag: int, vr: bytes, value: bytes) -> bytes:
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    if vr in (b"SQ", b"OB", b"UN"):
        return head + b"\x00\x00" + struct.pack("<L", len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def _undefined(tag: int, content: bytes) -> bytes:
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + b"SQ\x00\x00\xff\xff\xff\xff"
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + content + b"\xfe\xff\x0d\xe0\x00\x00\x00\x00"
    return head + item + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"


def _file(dataset: bytes, syntax: str = EXPLICIT) -> bytes:
    uid = syntax.encode() + b"\x00" * (len(syntax) % 2)
    return b"\x00" * 128 + b"DICM" + _element(0x00020010, b"UI", uid) + dataset


def test_deep_sequences_are_unsafe() -> None:
    nested = b""
    for _ in range(2000):
        nested = _undefined(0x00081140, nested)
    with pytest.raises(UnsafeImageError, match="deep"):
        parse_dicom(_file(nested), DEFAULT_LIMITS)


def test_deep_sequences_of_defined_length_are_unsafe_where_they_are_read() -> None:
    nested = b""
    for _ in range(40):
        item = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(nested)) + nested
        nested = _element(0x00283010, b"SQ", item)
    with pytest.raises(UnsafeImageError, match="deep"):
        parse_dicom(_file(nested), DEFAULT_LIMITS)


def test_millions_of_elements_are_unsafe() -> None:
    with pytest.raises(UnsafeImageError, match="elements"):
        parse_dicom(_file(_element(0x00091001, b"LO", b"") * 100_000), DEFAULT_LIMITS)


def test_a_deflated_dataset_is_inflated_no_further_than_the_bound() -> None:
    dataset = _element(0x00080016, b"UI", b"1.2 ") + _element(0x00091002, b"OB", bytes(64 * 2**20))
    squeezer = zlib.compressobj(9, wbits=-15)
    deflated = squeezer.compress(dataset) + squeezer.flush()
    data = _file(deflated, DEFLATED)
    assert len(data) < 100_000
    limits = ReadLimits(inflated_bytes=2**20)
    with pytest.raises(UnsafeImageError, match="inflates"):
        parse_dicom(data, limits)
    exact = ReadLimits(inflated_bytes=len(dataset))
    assert get_text(parse_dicom(data, exact).elements, "SOPClassUID") == "1.2"


@pytest.mark.parametrize(
    "dataset",
    [
        struct.pack("<HH", 8, 0x16) + b"UI\xff\xff" + b"1.2",
        struct.pack("<HH", 9, 0x16) + b"OB\x00\x00\xfe\xff\xff\x7f",
        _undefined(0x00081140, b"")[:-12] + b"junkjunkjunk",
        struct.pack("<HH", 0x0028, 0x3010) + b"SQ\x00\x00" + struct.pack("<L", 8) + b"\x01" * 8,
    ],
    ids=["short value", "giant length", "no delimiter", "no item"],
)
def test_lengths_that_contradict_the_file_are_refused(dataset: bytes) -> None:
    with pytest.raises(UnreadableImageError):
        parse_dicom(_file(dataset), DEFAULT_LIMITS)


def test_a_truncated_header_is_refused_at_every_byte() -> None:
    data = make_dicom(
        draw_stored(), VOILUTSequence=[make_lut_item([1, 2])], WindowCenter=1, WindowWidth=2
    )
    pixels_start = data.rindex(b"\xe0\x7f\x10\x00OW")
    for end in range(132, pixels_start + 8):
        try:
            parsed = parse_dicom(data[:end], DEFAULT_LIMITS)
        except UnreadableImageError:
            continue
        assert parsed.pixels is None


@pytest.mark.parametrize("value", ["", "abc", "1e999", "nan", "1\\x"])
def test_a_malformed_number_is_absent(value: str) -> None:
    data = make_dicom(draw_stored(), RescaleSlope="1.0000")
    assert get_decimals(parse_dicom(data, DEFAULT_LIMITS).elements, "RescaleSlope") == (1.0,)
    broken = data.replace(b"DS\x06\x001.0000", b"DS\x06\x00" + value.encode().ljust(6))
    assert get_decimals(parse_dicom(broken, DEFAULT_LIMITS).elements, "RescaleSlope") == ()


def test_sequences_nested_in_items_do_not_leak_to_the_top() -> None:
    inner = make_sequence_item(WindowCenter=1, WindowWidth=2)
    outer = make_sequence_item(FrameVOILUTSequence=[inner])
    data = make_dicom(draw_stored(), SharedFunctionalGroupsSequence=[outer])
    elements = parse_dicom(data, DEFAULT_LIMITS).elements
    assert get_decimals(elements, "WindowCenter") == ()
    (group,) = get_items(elements, "SharedFunctionalGroupsSequence")
    (frame,) = get_items(group, "FrameVOILUTSequence")
    assert get_decimals(frame, "WindowCenter") == (1.0,)
