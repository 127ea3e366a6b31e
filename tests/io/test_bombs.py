"""Small files that ask for much: refused at once, before anything is decoded."""

from __future__ import annotations

import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from factories.films import (
    DEFLATED,
    J2K_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LS,
    STORAGE,
    compress,
    draw_stored,
    make_dicom,
    make_png,
    make_png_chunk,
    save_array,
    save_image,
)
from hilum.errors import UnsafeImageError
from hilum.io import DEFAULT_LIMITS, ReadLimits, read_radiograph

STORED = draw_stored(12)
GREY = draw_stored(8).astype(np.uint8)
# What a refusal may cost: the file, a copy of it, and what the modules take when first imported.
PEAK_BYTES = 40 * 2**20
# And how many functions may be called for it, which a busy machine does not change. The most is
# taken by a header of 60,000 segments.
CALLS = 1_000_000
# By these, pixels are decoded: Pillow, CharLS and OpenJPEG, PackBits.
DECODERS = {"load", "decode_pixel_data", "frombytes"}


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    """Measure the memory of each test."""
    read_radiograph(make_dicom(STORED))  # what is imported once is not the film's cost
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < PEAK_BYTES


@contextmanager
def count_calls() -> Iterator[Counter[str]]:
    """Count the calls of functions, of Python and of C, by name."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            calls[frame.f_code.co_name] += 1
        elif event == "c_call":
            calls[argument.__name__] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def refuse(data: bytes, words: str, limits: ReadLimits = DEFAULT_LIMITS) -> None:
    with pytest.raises(UnsafeImageError, match=words), count_calls() as calls:
        read_radiograph(data, limits=limits)
    assert calls.total() < CALLS
    assert not DECODERS & set(calls)


@pytest.mark.parametrize(
    "film",
    [
        pytest.param(make_png(48, 40, 8, 0, b"\x00" * 41 * 48), id="png"),
        pytest.param(save_array(GREY, "JPEG"), id="jpeg"),
        pytest.param(make_dicom(STORED, transfer_syntax=J2K_LOSSLESS), id="j2k"),
        pytest.param(make_dicom(STORED, transfer_syntax=JPEG_LS), id="jpeg-ls"),
    ],
)
def test_a_film_that_is_decoded_is_seen_to_be(film: bytes) -> None:
    with count_calls() as calls:
        read_radiograph(film)
    assert DECODERS & set(calls)


@pytest.mark.parametrize(("rows", "columns"), [(60_000, 60_000), (1, 2**31 - 1), (20_000, 100)])
def test_png_of_huge_size(rows: int, columns: int) -> None:
    refuse(make_png(rows, columns, 8, 0, b"\x00" * 100), "px")


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        (b"zTXt", b"Comment\x00\x00"),
        (b"iCCP", b"profile\x00\x00"),
        (b"iTXt", b"Comment\x00\x01\x00\x00\x00"),
    ],
)
def test_png_with_a_text_or_profile_that_inflates(kind: bytes, head: bytes) -> None:
    body = head + zlib.compress(bytes(30 * 2**20), 9)
    assert len(body) < 40_000
    data = make_png(48, 40, 8, 0, b"\x00" * 41 * 48, before_data=(make_png_chunk(kind, body),))
    refuse(data, "inflates")


def test_png_with_a_modest_text_is_read() -> None:
    body = b"Comment\x00\x00" + zlib.compress(b"hello" * 1000)
    chunk = make_png_chunk(b"zTXt", body)
    film = read_radiograph(make_png(48, 40, 8, 0, b"\x00" * 41 * 48, before_data=(chunk,)))
    assert film.format == "PNG"


def test_png_of_very_many_chunks() -> None:
    chunks = (make_png_chunk(b"teXt", b""),) * 60_000
    refuse(make_png(48, 40, 8, 0, b"\x00" * 41 * 48, before_data=chunks), "elements")


def test_png_of_very_many_frames() -> None:
    chunk = make_png_chunk(b"acTL", struct.pack(">LL", 10_000, 0))
    refuse(make_png(48, 40, 8, 0, b"\x00" * 41 * 48, before_data=(chunk,)), "frames")


def _set_jpeg_size(data: bytes, rows: int, columns: int, marker: bytes = b"\xff\xc0") -> bytes:
    at = data.index(marker) + 5
    return data[:at] + struct.pack(">HH", rows, columns) + data[at + 4 :]


@pytest.mark.parametrize(("rows", "columns"), [(65_535, 65_535), (65_535, 8), (7_000, 7_000)])
def test_jpeg_of_huge_size(rows: int, columns: int) -> None:
    refuse(_set_jpeg_size(save_array(GREY, "JPEG"), rows, columns), "px")


def test_jpeg_of_very_many_segments() -> None:
    data = save_array(GREY, "JPEG")
    refuse(data[:2] + b"\xff\xfe\x00\x02" * 60_000 + data[2:], "elements")


def test_jpeg_of_very_many_scans() -> None:
    data = save_array(GREY, "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    scan = data[start:-2]
    refuse(data[:start] + scan * 200 + data[-2:], "scans")


def _set_tiff(data: bytes, tag: int, value: int) -> bytes:
    for kind in (3, 4):
        head = struct.pack("<HHL", tag, kind, 1)
        at = data.find(head)
        if at >= 0:
            entry = struct.pack("<HHLL", tag, 4, 1, value)
            return data[:at] + entry + data[at + 12 :]
    raise ValueError(tag)


@pytest.mark.parametrize("tag", [256, 257])
def test_tiff_of_huge_size(tag: int) -> None:
    data = save_array(GREY, "TIFF", compression="tiff_lzw")
    refuse(_set_tiff(data, tag, 1_000_000), "px")
    refuse(_set_tiff(_set_tiff(data, 256, 16_000), 257, 16_000), "px")


def _retag(data: bytes, tag: int, other: int) -> bytes:
    for kind in (3, 4):
        head, new = (struct.pack("<HHL", t, kind, 1) for t in (tag, other))
        data = data.replace(head, new)
    return data


def test_tiff_of_huge_tiles() -> None:
    data = _retag(save_array(GREY, "TIFF", compression="tiff_lzw"), 278, 323)
    refuse(_set_tiff(data, 323, 2**30), "tiles")


def test_tiff_of_very_many_samples() -> None:
    data = _retag(save_array(GREY, "TIFF", compression="tiff_lzw"), 278, 277)
    refuse(_set_tiff(data, 277, 60_000), "samples")


def test_tiff_of_very_many_pages() -> None:
    page = struct.pack("<HHHLL", 1, 256, 3, 1, 40)
    size = len(page) + 4
    chain = b"".join(page + struct.pack("<L", 8 + (i + 1) * size) for i in range(20_000))
    refuse(b"II*\x00\x08\x00\x00\x00" + chain, "frames")


@pytest.mark.parametrize(
    ("rows", "columns"), [(65_535, 65_535), (65_535, 1), (20_000, 10), (8_000, 8_000)]
)
@pytest.mark.parametrize("syntax", [None, DEFLATED, J2K_LOSSLESS, JPEG_LS])
def test_dicom_of_huge_size(rows: int, columns: int, syntax: str | None) -> None:
    options: dict[str, Any] = {"transfer_syntax": syntax} if syntax else {}
    refuse(make_dicom(STORED, Rows=rows, Columns=columns, **options), "px")


@pytest.mark.parametrize("frames", [10_000, 2**31 - 1])
def test_dicom_of_very_many_frames(frames: int) -> None:
    refuse(make_dicom(STORED, NumberOfFrames=frames, sop_class=STORAGE + "7.3"), "frames")


def test_deflated_dicom_that_inflates_beyond_the_bound() -> None:
    # 300 KB that become 300 MB: what pydicom would hold twice over.
    squeezer = zlib.compressobj(9, wbits=-15)
    zeros = bytes(2**20)
    deflated = b"".join(squeezer.compress(zeros) for _ in range(300)) + squeezer.flush()
    assert len(deflated) < 400_000
    whole = make_dicom(STORED, transfer_syntax=DEFLATED)
    start = 144 + struct.unpack("<L", whole[140:144])[0]
    refuse(whole[:start] + deflated, "inflates", ReadLimits(inflated_bytes=8 * 2**20))


def test_deflated_dicom_at_the_default_bound_stays_under_400_mb() -> None:
    # In a process of its own: what zlib takes is not seen by tracemalloc.
    code = (
        "import struct, sys, zlib\n"
        "from hilum.errors import UnsafeImageError\n"
        "from hilum.io import read_radiograph\n"
        "sys.path[:0] = sys.argv[1:]\n"
        "from fuzz import measure_peak_mb\n"
        "from factories.films import DEFLATED, draw_stored, make_dicom\n"
        "squeezer = zlib.compressobj(9, wbits=-15)\n"
        "zeros = bytes(2**20)\n"
        "deflated = b''.join(squeezer.compress(zeros) for _ in range(600)) + squeezer.flush()\n"
        "whole = make_dicom(draw_stored(12), transfer_syntax=DEFLATED)\n"
        "start = 144 + struct.unpack('<L', whole[140:144])[0]\n"
        "try:\n"
        "    read_radiograph(whole[:start] + deflated)\n"
        "except UnsafeImageError:\n"
        "    print(measure_peak_mb())\n"
    )
    here = Path(__file__).parent
    command = [sys.executable, "-c", code, str(here), str(here.parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert float(done.stdout) < 400


@pytest.mark.parametrize(
    ("field", "value"),
    [(4, 60_000), (8, 60_000)],
    ids=["columns", "rows"],
)
def test_j2k_codestream_that_claims_more_than_the_header(field: int, value: int) -> None:
    stream = bytearray(compress(STORED, J2K_LOSSLESS, 12))
    at = stream.index(b"\xff\x51") + 2
    stream[at + field : at + field + 4] = struct.pack(">L", value)
    refuse(make_dicom(STORED, transfer_syntax=J2K_LOSSLESS, codestream=bytes(stream)), "px")


def test_j2k_codestream_of_a_million_tiles() -> None:
    stream = bytearray(compress(STORED, J2K_LOSSLESS, 12))
    at = stream.index(b"\xff\x51") + 2
    for offset, value in ((4, 5_000), (8, 5_000), (20, 2), (24, 2)):
        stream[at + offset : at + offset + 4] = struct.pack(">L", value)
    data = make_dicom(
        STORED, Rows=5_000, Columns=5_000, transfer_syntax=J2K_LOSSLESS, codestream=bytes(stream)
    )
    refuse(data, "tiles")


def test_j2k_codestream_of_very_many_layers() -> None:
    stream = bytearray(compress(STORED, J2K_LOSSLESS, 12))
    at = stream.index(b"\xff\x52") + 6
    stream[at : at + 2] = b"\xff\xff"
    refuse(make_dicom(STORED, transfer_syntax=J2K_LOSSLESS, codestream=bytes(stream)), "layers")


@pytest.mark.parametrize(
    ("syntax", "marker", "bits"), [(JPEG_BASELINE, b"\xff\xc0", 8), (JPEG_LS, b"\xff\xf7", 12)]
)
def test_jpeg_codestream_that_claims_more_than_the_header(
    syntax: str, marker: bytes, bits: int
) -> None:
    stored = GREY if bits == 8 else STORED
    stream = _set_jpeg_size(compress(stored, syntax, bits), 60_000, 60_000, marker)
    refuse(make_dicom(stored, bits_stored=bits, transfer_syntax=syntax, codestream=stream), "px")


def test_the_greatest_film_allowed_is_read() -> None:
    image = Image.fromarray(GREY).resize((500, 800))
    data = save_image(image, "PNG")
    assert read_radiograph(data, limits=ReadLimits(pixels=400_000)).pixels.shape == (800, 500)
    refuse(data, "px", ReadLimits(pixels=399_999))
    refuse(data, "px", ReadLimits(side_px=799))
