"""JPEG 2000 and HTJ2K headers: what a codestream claims, read before OpenJPEG sees it.

Source: ITU-T T.800 Annex A (codestream), Annex I (JP2 boxes).
"""

from __future__ import annotations

from dataclasses import dataclass

from hilum.errors import UnreadableImageError, UnsafeImageError
from hilum.io.limits import ReadLimits
from hilum.language import Text

_CODESTREAM = b"\xff\x4f\xff\x51"  # SOC, SIZ
_JP2 = b"\x00\x00\x00\x0cjP  "
# OpenJPEG keeps a record of every tile, code block and packet from the start. A film has
# a few dozen tiles at most; a codestream of a million tiny tiles is an attack on memory.
_MAX_TILES = 4096
_MAX_LAYERS = 256


@dataclass(frozen=True, slots=True)
class J2KHeader:
    """What a JPEG 2000 codestream says of itself.

    start
        Where the codestream begins: 0, or past the boxes of a JP2 file.
    """

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool
    start: int


def _find_codestream(data: bytes) -> int:
    if data.startswith(_CODESTREAM):
        return 0
    # Some writers put a whole JP2 file into the frame (PS3.5 A.4.4 does not allow it).
    start = data.find(_CODESTREAM, 0, 65_536) if data.startswith(_JP2) else -1
    if start < 0:
        raise UnreadableImageError(Text("The compressed film is not a JPEG 2000 codestream."))
    return start


def read_j2k_header(data: bytes, limits: ReadLimits) -> J2KHeader:
    """Read the SIZ and COD segments of a JPEG 2000 codestream and check their bounds.

    Raises
    ------
    UnreadableImageError
        It is no codestream, breaks off, or its components differ in size.
    UnsafeImageError
        It claims more pixels, tiles or layers than allowed.
    """
    start = _find_codestream(data)
    siz = data[start + 4 : start + 4 + 41]
    if len(siz) < 41:
        raise UnreadableImageError(Text("The JPEG 2000 codestream breaks off in its header."))
    # Lsiz 2, Rsiz 2, then eight 32-bit numbers, Csiz 2, and Ssiz, XRsiz, YRsiz a component.
    x1, y1, x0, y0, tile_w, tile_h, tile_x0, tile_y0 = (
        int.from_bytes(siz[4 + 4 * i : 8 + 4 * i], "big") for i in range(8)
    )
    components = int.from_bytes(siz[36:38], "big")
    columns, rows = x1 - x0, y1 - y0
    if rows <= 0 or columns <= 0 or not 1 <= components <= 4 or not tile_w or not tile_h:
        raise UnreadableImageError(Text("The JPEG 2000 codestream claims a film without pixels."))
    # x1 and y1 themselves, too: OpenJPEG computes on the reference grid, offset included.
    limits.check_size(y1, x1)
    tiles = -(-(x1 - tile_x0) // tile_w) * -(-(y1 - tile_y0) // tile_h)
    if tiles > _MAX_TILES:
        raise UnsafeImageError(
            Text(
                "The JPEG 2000 codestream claims {tiles} tiles.",
                tiles=tiles,
            )
        )
    end = start + 4 + int.from_bytes(siz[:2], "big")
    parts = data[start + 4 + 38 : start + 4 + 38 + 3 * components]
    if len(parts) < 3 * components or end < start + 42 + 3 * components:
        raise UnreadableImageError(Text("The JPEG 2000 codestream breaks off in its header."))
    kinds = {parts[3 * i : 3 * i + 3] for i in range(components)}
    if len(kinds) != 1 or parts[1:3] != b"\x01\x01":
        raise UnreadableImageError(
            Text("The components of the JPEG 2000 codestream differ in size.")
        )
    _check_coding_style(data, end, limits)
    precision, signed = (parts[0] & 0x7F) + 1, bool(parts[0] & 0x80)
    return J2KHeader(rows, columns, components, precision, signed, start)


def _check_coding_style(data: bytes, position: int, limits: ReadLimits) -> None:
    """Walk the main header up to the first tile part and bound the layers."""
    for count in range(limits.elements + 1):
        limits.check_elements(count)
        marker = data[position : position + 2]
        if marker == b"\xff\x90":  # SOT
            return
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if len(marker) < 2 or marker[0] != 0xFF or length < 2 or position + 2 + length > len(data):
            raise UnreadableImageError(Text("The JPEG 2000 codestream breaks off in its header."))
        if marker == b"\xff\x52":  # COD: Scod 1, progression 1, layers 2, ...
            layers = int.from_bytes(data[position + 6 : position + 8], "big")
            if layers > _MAX_LAYERS:
                raise UnsafeImageError(
                    Text(
                        "The JPEG 2000 codestream claims {layers} layers.",
                        layers=layers,
                    )
                )
        position += 2 + length
