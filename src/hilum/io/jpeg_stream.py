"""JPEG and JPEG-LS headers: what a stream claims, read before any decoder sees it.

One walk over the segments serves JPEG files, JPEG frames inside DICOM and JPEG-LS frames.

Source: ITU-T T.81 Annex B (JPEG), ITU-T T.87 Annex C (JPEG-LS).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hilum.errors import UnreadableImageError
from hilum.io.limits import ReadLimits
from hilum.language import Text

_SOI, _EOI, _SOS, _DHT, _JPG, _DAC, _COM = 0xD8, 0xD9, 0xDA, 0xC4, 0xC8, 0xCC, 0xFE
_APP0, _APP1, _APP14, _APP15 = 0xE0, 0xE1, 0xEE, 0xEF
_SOF_JPEG_LS = 0xF7
# Markers that stand alone, without a length: TEM and RSTn.
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD8)))
_SOF = frozenset(set(range(0xC0, 0xD0)) - {_DHT, _JPG, _DAC} | {_SOF_JPEG_LS})
# SOF0..SOF2 are the Huffman-coded DCT processes; the others need decoders of their own.
DCT_PROCESSES = frozenset((0xC0, 0xC1, 0xC2))
_ONE_SCAN_PROCESSES = frozenset((0xC0, 0xC1))
LOSSLESS_PROCESS = 0xC3
JPEG_LS_PROCESS = _SOF_JPEG_LS


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """What a JPEG or JPEG-LS stream says of itself.

    process
        Low byte of its SOF marker: 0xC0 baseline, 0xC1 extended, 0xC2 progressive, 0xC3
        lossless, 0xF7 JPEG-LS.
    adobe
        An Adobe APP14 segment says how colour was transformed.
    exif
        The TIFF structure of the first Exif segment, or ``b""``.
    essence
        Slices of the stream that a decoder needs: all but thumbnails, colour profiles, Exif
        and comments.
    """

    rows: int
    columns: int
    components: int
    precision: int
    process: int
    adobe: bool
    exif: bytes
    essence: tuple[slice, ...]


def _walk_segments(data: bytes | memoryview, limits: ReadLimits) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start of the segment's payload, end) up to and including SOS."""
    position, count, size = 2, 0, len(data)
    while True:
        count += 1
        limits.check_elements(count)
        if position + 4 > size or data[position] != 0xFF:
            raise UnreadableImageError(Text("The JPEG stream breaks off in its header."))
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker in _STANDALONE:
            position += 2
            continue
        if marker in (0x00, _SOI, _EOI):
            raise UnreadableImageError(Text("The JPEG stream holds no image."))
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if end < position + 4 or end > size:
            raise UnreadableImageError(Text("The JPEG stream breaks off in its header."))
        yield marker, position + 4, end
        if marker == _SOS:
            return
        position = end


def _is_ballast(marker: int, payload: bytes) -> bool:
    if marker == _APP0:
        return not payload.startswith(b"JFIF\x00")
    if marker == _APP14:
        return not payload.startswith(b"Adobe")
    return _APP0 < marker <= _APP15 or marker == _COM


def read_jpeg_header(data: bytes | memoryview, limits: ReadLimits) -> JpegHeader:
    """Read the header of a JPEG or JPEG-LS stream and check its bounds.

    Raises
    ------
    UnreadableImageError
        The stream is not JPEG, or breaks off in its header.
    UnsafeImageError
        It claims more pixels, segments or scans than allowed.
    """
    if bytes(data[:2]) != b"\xff\xd8":
        raise UnreadableImageError(Text("The compressed film is not a JPEG stream."))
    frame: tuple[int, int, int, int, int] | None = None
    adobe, exif, kept_from, essence = False, b"", 0, []
    for marker, start, end in _walk_segments(data, limits):
        if marker in _SOF:
            if end - start < 6:
                raise UnreadableImageError(Text("The JPEG stream breaks off in its header."))
            rows = int.from_bytes(data[start + 1 : start + 3], "big")
            columns = int.from_bytes(data[start + 3 : start + 5], "big")
            frame = (rows, columns, data[start + 5], data[start], marker)
            continue
        head = bytes(data[start : min(end, start + 6)])
        if marker == _APP14 and head.startswith(b"Adobe"):
            adobe = True
        if marker == _APP1 and head == b"Exif\x00\x00" and not exif:
            exif = bytes(data[start + 6 : end])
        if _is_ballast(marker, head):
            essence.append(slice(kept_from, start - 4))
            kept_from = end
    essence.append(slice(kept_from, len(data)))
    if frame is None:
        raise UnreadableImageError(Text("The JPEG stream holds no frame header."))
    rows, columns, components, precision, process = frame
    if not rows or not columns or not components:
        raise UnreadableImageError(Text("The JPEG stream claims a film without pixels."))
    limits.check_size(rows, columns)
    # One component in a sequential process is one scan to a decoder, whatever follows it.
    if components > 1 or process not in _ONE_SCAN_PROCESSES:
        limits.check_scans(bytes(data).count(b"\xff\xda"))
    return JpegHeader(rows, columns, components, precision, process, adobe, exif, tuple(essence))
