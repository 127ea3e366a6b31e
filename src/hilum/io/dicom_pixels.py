"""The frame of a DICOM film as stored values: raw or decoded, little endian, unsigned patterns.

Source: PS3.5 section 8 and Annex A.4.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.errors import UnreadableImageError, UnsupportedImageError
from hilum.io.codecs import CODECS, Codec, DecodedFrame
from hilum.io.decoding import translate_errors
from hilum.io.dicom_header import PixelLayout
from hilum.io.dicom_parse import EXPLICIT_VR_BIG_ENDIAN, ParsedDicom
from hilum.io.limits import ReadLimits
from hilum.language import Text

_ITEM, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD


def find_codec(transfer_syntax_uid: str) -> Codec:
    """Give the codec of a transfer syntax.

    Raises
    ------
    UnsupportedImageError
        hilum does not read it.
    """
    codec = CODECS.get(transfer_syntax_uid)
    if codec is None:
        known = set(transfer_syntax_uid) <= set("0123456789.") and len(transfer_syntax_uid) <= 64
        raise UnsupportedImageError(
            Text(
                "The transfer syntax of the DICOM file is not read ({uid}).",
                uid=transfer_syntax_uid,
            )
            if known
            else Text("The transfer syntax of the DICOM file is not read.")
        )
    return codec


def read_frame(parsed: ParsedDicom, layout: PixelLayout, limits: ReadLimits) -> DecodedFrame:
    """Give the one frame of a film.

    Raises
    ------
    UnreadableImageError
        The pixel data breaks off, or its stream is damaged or contradicts the header.
    UnsupportedImageError, UnsafeImageError, MissingExtraError
        The stream is of a kind that is not read, exceeds a bound, or needs an extra.
    """
    assert parsed.pixels is not None  # read_layout saw it
    codec = find_codec(parsed.transfer_syntax_uid)
    if parsed.pixels.encapsulated != (codec.decode is not None):
        raise UnreadableImageError(
            Text("The pixel data is not stored as the transfer syntax of the DICOM file says.")
        )
    if codec.decode is None:
        return DecodedFrame(_read_raw(parsed, layout))
    frame = _join_fragments(parsed.pixels.value, parsed.elements.little_endian, limits)
    with translate_errors(Text("compressed film ({codec})", codec=codec.name)):
        return codec.decode(frame, layout, limits)


def _read_raw(parsed: ParsedDicom, layout: PixelLayout) -> NDArray[Any]:
    assert parsed.pixels is not None
    big = parsed.transfer_syntax_uid == EXPLICIT_VR_BIG_ENDIAN
    kind = np.dtype(np.uint8 if layout.bits_allocated == 8 else (">u2" if big else "<u2"))
    pixels = layout.rows * layout.columns
    # PS3.3 C.7.6.3.1.2: YBR_FULL_422 stores two pixels in four samples.
    halved = layout.photometric == "YBR_FULL_422"
    count = pixels * 2 if halved else pixels * layout.samples
    if len(parsed.pixels.value) < count * kind.itemsize:
        raise UnreadableImageError(Text("The pixel data of the DICOM file breaks off."))
    stored = np.frombuffer(parsed.pixels.value, dtype=kind, count=count)
    if halved:
        values = _spread_chroma(stored, layout)
    elif layout.samples == 1:
        values = stored.reshape(layout.rows, layout.columns)
    elif layout.planar:
        values = np.moveaxis(stored.reshape(3, layout.rows, layout.columns), 0, -1)
    else:
        values = stored.reshape(layout.rows, layout.columns, 3)
    return values.astype(kind.newbyteorder("="), copy=False)


def _spread_chroma(stored: NDArray[Any], layout: PixelLayout) -> NDArray[Any]:
    """Turn Y Y Cb Cr into Y Cb Cr a pixel."""
    if layout.columns % 2:
        raise UnreadableImageError(Text("A film in YBR_FULL_422 has an even number of columns."))
    pairs = stored.reshape(-1, 4)
    full = np.empty((len(pairs), 2, 3), dtype=stored.dtype)
    full[:, :, 0] = pairs[:, :2]
    full[:, :, 1] = pairs[:, 2:3]
    full[:, :, 2] = pairs[:, 3:4]
    return full.reshape(layout.rows, layout.columns, 3)


def _join_fragments(value: memoryview, little_endian: bool, limits: ReadLimits) -> bytes:
    """Join the fragments of the only frame, past the offset table (PS3.5 A.4)."""
    order = "<" if little_endian else ">"
    position = 0
    fragments: list[memoryview] = []
    while position + 8 <= len(value):
        limits.check_elements(len(fragments))
        group, element, length = struct.unpack_from(order + "HHL", value, position)
        tag = group << 16 | element
        if tag == _SEQUENCE_END:
            break
        if tag != _ITEM:
            raise UnreadableImageError(Text("The fragments of the compressed film are damaged."))
        # A last fragment that breaks off is handed on: many decoders still find an end in it.
        fragments.append(value[position + 8 : position + 8 + length])
        position += 8 + length
    if len(fragments) < 2:
        raise UnreadableImageError(Text("The compressed film holds no frame."))
    return b"".join(fragments[1:])
