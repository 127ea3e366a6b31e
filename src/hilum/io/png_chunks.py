"""PNG chunks: what a PNG claims, read within bounds before Pillow sees it.

Source: W3C PNG (Third Edition), sections 5 and 11.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from hilum.errors import UnreadableImageError, UnsafeImageError
from hilum.io.limits import ReadLimits
from hilum.language import Text

_ESSENTIAL = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_COMPRESSED = frozenset((b"zTXt", b"iTXt", b"iCCP"))
_SIGNATURE_SIZE = 8


@dataclass(frozen=True, slots=True)
class PngHeader:
    """What a PNG says of itself.

    depth
        Bits a sample.
    color_type
        0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha.
    significant_bits
        (sBIT) of the first channel: how many of ``depth`` bits the source had.
    frames
        1, or the number of frames of an animated PNG.
    exif
        The TIFF structure of the eXIf chunk, or ``b""``.
    essence
        The file with none but the chunks that make up the picture.
    """

    rows: int
    columns: int
    depth: int
    color_type: int
    significant_bits: int | None
    frames: int
    exif: bytes
    essence: bytes


def read_png_header(data: bytes, limits: ReadLimits) -> PngHeader:
    """Walk the chunks of a PNG and check its bounds.

    Raises
    ------
    UnreadableImageError
        The file is not a PNG or breaks off.
    UnsafeImageError
        It claims more pixels or chunks than allowed, or a chunk that inflates beyond bounds.
    """
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise UnreadableImageError(Text("The PNG breaks off in its header."))
    columns, rows = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if not rows or not columns:
        raise UnreadableImageError(Text("The PNG claims a film without pixels."))
    limits.check_size(rows, columns)
    position, count, frames, exif = _SIGNATURE_SIZE, 0, 1, b""
    significant_bits: int | None = None
    essence = [data[:_SIGNATURE_SIZE]]
    while position + 12 <= len(data):
        count += 1
        limits.check_elements(count)
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        end = position + 12 + length
        body = memoryview(data)[position + 8 : end - 4]
        if end > len(data):
            if kind != b"IDAT":
                break
            end = len(data)  # Pillow says how the image data breaks off.
        if kind in _ESSENTIAL:
            essence.append(data[position:end])
        elif kind in _COMPRESSED:
            _check_inflated(bytes(body), kind, limits)
        elif kind == b"sBIT" and length:
            significant_bits = body[0]
        elif kind == b"acTL" and length >= 4:
            frames = max(1, int.from_bytes(body[:4], "big"))
        elif kind == b"eXIf":
            exif = bytes(body)
        if kind == b"IEND":
            break
        position = end
    limits.check_frames(frames)
    return PngHeader(
        rows, columns, data[24], data[25], significant_bits, frames, exif, b"".join(essence)
    )


def _check_inflated(body: bytes, kind: bytes, limits: ReadLimits) -> None:
    """Refuse a text or a colour profile that inflates beyond bounds.

    The chunk is never handed on; a file that carries one was made to do harm.
    """
    _, _, rest = body.partition(b"\x00")
    if kind == b"iTXt":
        if rest[:1] != b"\x01":  # compression flag
            return
        _, _, rest = rest[2:].partition(b"\x00")  # language
        _, _, rest = rest.partition(b"\x00")  # translated keyword
        stream = rest
    else:
        stream = rest[1:]  # compression method
    inflater = zlib.decompressobj()
    try:
        inflater.decompress(stream, limits.metadata_bytes)
    except zlib.error:
        return  # It holds nothing, and it is dropped anyway.
    if inflater.unconsumed_tail and not inflater.eof:
        raise UnsafeImageError(
            Text(
                "A text or profile in the PNG inflates to more than {metadata_bytes} "
                "bytes (ReadLimits.metadata_bytes).",
                metadata_bytes=limits.metadata_bytes,
            )
        )
