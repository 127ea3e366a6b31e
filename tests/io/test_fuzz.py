"""Damaged and hostile films: typed errors, bounded memory, no hang."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories.films import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    draw_stored,
    make_corpus,
    make_dicom,
    make_lut_item,
)
from hilum.errors import HilumError, InputError
from hilum.io import read_radiograph

HERE = Path(__file__).parent
FILMS = 4000
PEAK_MB = 1024
# The worker ends itself after 5 s of processor time on one film; this bounds the whole run.
TIMEOUT_S = 900
# Values that real headers and vandals put where numbers are expected.
NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 0.5, 5e-324, 1e-300, 1e12, 1e300, -1.7e308, 1.7e308, 32_768]),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
).map(lambda number: f"{number:.8g}"[:16])
STORED = draw_stored(12)


@pytest.mark.slow
def test_4000_damaged_films_give_typed_errors_within_bounds() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(("src", "tests"))}
    command = [sys.executable, "-X", "faulthandler", str(HERE / "fuzz.py"), "--count", str(FILMS)]
    done = subprocess.run(
        command,
        cwd=HERE.parents[1],
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        check=False,
    )
    last = done.stdout.splitlines()[-1] if done.stdout else "nothing"
    assert done.returncode == 0, (
        f"ended with {done.returncode} at film {last}\n{done.stderr[-3000:]}"
    )
    summary = json.loads(last)
    assert sum(summary["outcomes"].values()) == FILMS
    assert set(summary["outcomes"]) <= {
        "Radiograph",
        "UnreadableImageError",
        "UnsupportedImageError",
        "UnsafeImageError",
        "MissingExtraError",
    }
    # Some films survive the damage: the fuzzer reaches the decoders and not only the headers.
    assert summary["outcomes"]["Radiograph"] > FILMS / 20
    assert summary["peak_mb"] < PEAK_MB


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(make_corpus()))
def test_a_film_cut_anywhere_gives_a_film_or_a_typed_error(name: str) -> None:
    data = make_corpus()[name]
    step = max(1, len(data) // 150)
    for end in range(0, len(data), step):
        try:
            read_radiograph(data[:end])
        except HilumError:
            continue


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    syntax=st.sampled_from([EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED]),
    elements=st.fixed_dictionaries(
        {},
        optional={
            "Rows": st.sampled_from([0, 1, 7, 48, 65_535]),
            "Columns": st.sampled_from([0, 1, 40, 1920, 65_535]),
            "BitsAllocated": st.sampled_from([0, 1, 8, 12, 16, 32, 65_535]),
            "BitsStored": st.integers(0, 17),
            "HighBit": st.integers(0, 17),
            "PixelRepresentation": st.integers(0, 2),
            "SamplesPerPixel": st.sampled_from([0, 1, 3, 4, 65_535]),
            "PhotometricInterpretation": st.sampled_from(
                ["MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL_422", "PALETTE COLOR", "", "?"]
            ),
            "PresentationLUTShape": st.sampled_from(["INVERSE", "IDENTITY", "X"]),
            "NumberOfFrames": st.sampled_from(["0", "1", "2", "-1", "99999"]),
            "RescaleSlope": NUMBERS,
            "RescaleIntercept": NUMBERS,
            "WindowCenter": NUMBERS,
            "WindowWidth": NUMBERS,
            "VOILUTFunction": st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID", "?"]),
            "PixelPaddingValue": st.integers(0, 32_767),
            "PixelPaddingRangeLimit": st.integers(0, 32_767),
            "PatientAge": st.text("0123456789YMWD", max_size=4),
            "ViewPosition": st.sampled_from(["PA", "LL", "", "X"]),
            "PatientOrientation": st.sampled_from(["L", ["L", "F"], ["A", "F"], ["", ""]]),
            "VOILUTSequence": st.builds(
                lambda entries, first, bits: [make_lut_item(entries, first=first, bits=bits)],
                st.lists(st.integers(0, 65_535), min_size=1, max_size=5),
                st.integers(-32_768, 65_535),
                st.integers(0, 65_535),
            ),
        },
    ),
)
def test_any_header_gives_a_sound_film_or_a_typed_error(
    syntax: str, elements: dict[str, Any]
) -> None:
    try:
        film = read_radiograph(make_dicom(STORED, transfer_syntax=syntax, **elements))
    except InputError:
        return
    assert film.pixels.size == film.header.rows * film.header.columns
    assert np.isfinite(film.pixels).all()
    assert 0 <= film.pixels.min() <= film.pixels.max() <= 1


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    start=st.sampled_from(
        [
            *(b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00\x08\x00\x00\x00", b"MM\x00*"),
            *(b"\x00" * 128 + b"DICM", b"\x08\x00\x16\x00UI", b"\x02\x00\x10\x00UI\x12\x00"),
        ]
    ),
    rest=st.binary(max_size=300),
)
def test_any_bytes_give_a_typed_error(start: bytes, rest: bytes) -> None:
    with pytest.raises(InputError):
        read_radiograph(start + rest)
