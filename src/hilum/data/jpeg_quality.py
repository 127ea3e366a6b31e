"""How strongly a JPEG was compressed, told from its quantisation table."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

# Luminance table of ITU-T T.81, Annex K.1, row by row. Its order does not matter here: only
# the sorted values of a table are compared, so the zigzag of the stream needs no undoing.
_ANNEX_K = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_SOI, _SOS, _DQT = 0xD8, 0xDA, 0xDB
# Enough for any header with profiles; a table that comes later is not looked for.
_MAX_SEGMENTS = 1000


@cache
def _scaled_tables() -> NDArray[np.float64]:
    """Give the sorted luminance table of each quality from 1 to 100, shape (100, 64)."""
    base = np.sort(np.array(_ANNEX_K, dtype=np.float64))
    tables = []
    for quality in range(1, 101):
        # The rule of the Independent JPEG Group (jcparam.c, jpeg_quality_scaling).
        scale = 5000 // quality if quality < 50 else 200 - 2 * quality
        tables.append(np.clip((base * scale + 50) // 100, 1, 255))
    return np.stack(tables)


def estimate_jpeg_quality(data: bytes) -> int | None:
    """Give the quality, 1 to 100 on the scale of libjpeg, that a JPEG was written with.

    The quality whose scaled standard table comes nearest to the first table of the file. For
    a writer with tables of its own it is an equivalent, good for comparisons only.

    Returns
    -------
    The quality, or ``None`` where the bytes are no JPEG or hold no table of 8 bits.

    Source: ITU-T T.81, B.2.4.1 and Annex K.1; the Independent JPEG Group's scaling rule.
    """
    table = _find_first_table(data)
    if table is None:
        return None
    distance = np.abs(_scaled_tables() - np.sort(table)).sum(axis=1)
    return int(distance.argmin()) + 1


def _find_first_table(data: bytes) -> NDArray[np.float64] | None:
    if data[:2] != bytes((0xFF, _SOI)):
        return None
    position = 2
    for _ in range(_MAX_SEGMENTS):
        if position + 4 > len(data) or data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker == _SOS:
            return None
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        payload = data[position + 4 : position + 2 + length]
        # High half of the first byte: 0 for tables of 8 bits. Low half: the table's number.
        if marker == _DQT and len(payload) >= 65 and payload[0] >> 4 == 0:
            return np.frombuffer(payload[1:65], dtype=np.uint8).astype(np.float64)
        position += 2 + max(length, 2)
    return None
