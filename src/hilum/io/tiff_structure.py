"""TIFF directories: what a TIFF claims, and the orientation in an Exif segment.

A directory is read here within bounds, so that Pillow and libtiff are handed a file with one
page and with none but the tags that make up a picture.

Source: TIFF 6.0, sections 2 and 8; BigTIFF; Exif 2.32, section 4.6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hilum.errors import UnreadableImageError, UnsafeImageError
from hilum.io.limits import ReadLimits
from hilum.language import Text

NEW_SUBFILE_TYPE, IMAGE_WIDTH, IMAGE_LENGTH, BITS_PER_SAMPLE, COMPRESSION = 254, 256, 257, 258, 259
PHOTOMETRIC, ORIENTATION, SAMPLES_PER_PIXEL, ROWS_PER_STRIP = 262, 274, 277, 278
TILE_WIDTH, TILE_LENGTH, SAMPLE_FORMAT = 322, 323, 339
STRIP_OFFSETS, STRIP_BYTE_COUNTS, TILE_OFFSETS, TILE_BYTE_COUNTS = 273, 279, 324, 325
# Tags that make up a picture. The numbers: fill order, planes, T4 and T6 options, predictor,
# colour map, extra samples, JPEG tables, YCbCr and reference black and white.
_ESSENTIAL = frozenset(
    (
        *(IMAGE_WIDTH, IMAGE_LENGTH, BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC),
        *(SAMPLES_PER_PIXEL, ROWS_PER_STRIP, TILE_WIDTH, TILE_LENGTH, SAMPLE_FORMAT),
        *(STRIP_OFFSETS, STRIP_BYTE_COUNTS, TILE_OFFSETS, TILE_BYTE_COUNTS),
        *(266, 284, 292, 293, 317, 320, 338, 347, 512, 513, 514, 529, 530, 532),
    )
)
_ONE_VALUE = frozenset(
    (
        *(NEW_SUBFILE_TYPE, IMAGE_WIDTH, IMAGE_LENGTH, COMPRESSION, PHOTOMETRIC, ORIENTATION),
        *(SAMPLES_PER_PIXEL, ROWS_PER_STRIP, TILE_WIDTH, TILE_LENGTH, 266, 284, 292, 293, 317),
    )
)
_KEPT = _ESSENTIAL | _ONE_VALUE
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_BIG_TYPE_SIZES = _TYPE_SIZES | {13: 4, 16: 8, 17: 8, 18: 8}
_INTEGER_TYPES = {1: "B", 3: "H", 4: "L", 16: "Q"}
_REDUCED_RESOLUTION = 1


@dataclass(frozen=True, slots=True)
class TiffPage:
    """One directory: integer values of the tags that hilum looks at, and its raw entries."""

    values: dict[int, tuple[int, ...]]
    entries: dict[int, bytes]

    def first(self, tag: int, default: int) -> int:
        """Give the first value of ``tag``."""
        return self.values.get(tag, (default,))[0]


@dataclass(frozen=True, slots=True)
class TiffStructure:
    """All directories of a TIFF, and how its numbers are laid out."""

    byte_order: str
    big: bool
    pages: tuple[TiffPage, ...]


def read_tiff_structure(data: bytes, limits: ReadLimits) -> TiffStructure:
    """Read the chain of directories.

    Raises
    ------
    UnreadableImageError
        The chain or a directory is damaged.
    UnsafeImageError
        There are more pages or entries than allowed.
    """
    byte_order, big = _read_layout(data)
    pages: list[TiffPage] = []
    seen: set[int] = set()
    offset = _read_number(data, 8 if big else 4, byte_order, big)
    while offset:
        if offset in seen:
            raise UnreadableImageError(Text("The pages of the TIFF run in a circle."))
        seen.add(offset)
        limits.check_frames(len(seen))
        page, offset = _read_page(data, offset, byte_order, big, limits, _KEPT)
        pages.append(page)
    if not pages:
        raise UnreadableImageError(Text("The TIFF holds no page."))
    return TiffStructure(byte_order, big, tuple(pages))


def _read_layout(data: bytes) -> tuple[str, bool]:
    byte_order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    if byte_order is None or len(data) < 8:
        raise UnreadableImageError(Text("The TIFF breaks off in its header."))
    return byte_order, struct.unpack(byte_order + "H", data[2:4])[0] == 43


def _read_number(data: bytes, offset: int, byte_order: str, big: bool) -> int:
    raw = data[offset : offset + (8 if big else 4)]
    if len(raw) < (8 if big else 4):
        raise UnreadableImageError(Text("The TIFF breaks off in a directory."))
    number: int = struct.unpack(byte_order + ("Q" if big else "L"), raw)[0]
    return number


def _read_page(
    data: bytes,
    offset: int,
    byte_order: str,
    big: bool,
    limits: ReadLimits,
    wanted: frozenset[int],
) -> tuple[TiffPage, int]:
    head, entry_size = (8, 20) if big else (2, 12)
    raw = data[offset : offset + head]
    if len(raw) < head:
        raise UnreadableImageError(Text("The TIFF breaks off in a directory."))
    count = struct.unpack(byte_order + ("Q" if big else "H"), raw)[0]
    limits.check_elements(count)
    start = offset + head
    values: dict[int, tuple[int, ...]] = {}
    entries: dict[int, bytes] = {}
    for i in range(count):
        entry = data[start + i * entry_size : start + (i + 1) * entry_size]
        if len(entry) < entry_size:
            raise UnreadableImageError(Text("The TIFF breaks off in a directory."))
        tag = struct.unpack(byte_order + "H", entry[:2])[0]
        if tag in wanted:
            entries[tag] = entry
            values[tag] = _read_values(data, entry, tag, byte_order, big, limits)
    following = _read_number(data, start + count * entry_size, byte_order, big)
    return TiffPage(values, entries), following


def _read_values(
    data: bytes, entry: bytes, tag: int, byte_order: str, big: bool, limits: ReadLimits
) -> tuple[int, ...]:
    kind = struct.unpack(byte_order + "H", entry[2:4])[0]
    count = _read_number(entry, 4, byte_order, big)
    size = (_BIG_TYPE_SIZES if big else _TYPE_SIZES).get(kind, 0)
    if not size or not count or (tag in _ONE_VALUE and count != 1):
        raise UnreadableImageError(Text("A tag of the TIFF is damaged."))
    inline_at, inline = (12, 8) if big else (8, 4)
    if count * size > inline:
        at = _read_number(entry, inline_at, byte_order, big)
        if at + count * size > len(data):
            raise UnreadableImageError(Text("A tag of the TIFF points beyond its end."))
        # Strip and tile tables can be long; their bounds count as elements.
        limits.check_elements(count if kind in _INTEGER_TYPES and tag != 347 else 1)
        raw = data[at : at + count * size]
    else:
        raw = entry[inline_at : inline_at + count * size]
    if kind not in _INTEGER_TYPES:
        return (0,)
    if kind == 1 and count > 64:  # bytes of a table that is only passed on
        return (0,)
    return struct.unpack(f"{byte_order}{count}{_INTEGER_TYPES[kind]}", raw)


def choose_page(structure: TiffStructure, size: int, limits: ReadLimits) -> TiffPage | None:
    """Give the one page that is a film, or ``None`` where there are several.

    Pages that call themselves reduced-resolution copies are thumbnails and do not count.

    Parameters
    ----------
    size
        Size of the file in bytes.

    Raises
    ------
    UnreadableImageError
        The page claims no pixels, or pixels beyond the end of the file.
    UnsafeImageError
        The page, or a tile of it, claims more pixels than allowed.
    """
    full = [
        page
        for page in structure.pages
        if not page.first(NEW_SUBFILE_TYPE, 0) & _REDUCED_RESOLUTION
    ]
    if len(full) > 1:
        return None
    page = full[0] if full else structure.pages[0]
    columns, rows = page.first(IMAGE_WIDTH, 0), page.first(IMAGE_LENGTH, 0)
    if not rows or not columns:
        raise UnreadableImageError(Text("The TIFF claims a film without pixels."))
    limits.check_size(rows, columns)
    tile_columns, tile_rows = page.first(TILE_WIDTH, 1), page.first(TILE_LENGTH, 1)
    # A tile may stand over the film's edge, but never by more than itself.
    if tile_columns > columns + 1024 or tile_rows > rows + 1024:
        raise UnsafeImageError(
            Text(
                "The TIFF claims tiles of {tile_columns}x{tile_rows} px in a film of "
                "{columns}x{rows} px.",
                tile_columns=tile_columns,
                tile_rows=tile_rows,
                columns=columns,
                rows=rows,
            )
        )
    samples = page.first(SAMPLES_PER_PIXEL, 1)
    if samples > 8 or len(page.values.get(BITS_PER_SAMPLE, ())) > 8:
        raise UnsafeImageError(
            Text(
                "The TIFF claims {samples} samples a pixel.",
                samples=samples,
            )
        )
    _check_strips(page, size)
    return page


def _check_strips(page: TiffPage, size: int) -> None:
    """Refuse strips or tiles that reach beyond the end of the file.

    What would be read there is the directory that :func:`isolate_page` appends.
    """
    offsets = page.values.get(STRIP_OFFSETS) or page.values.get(TILE_OFFSETS) or ()
    counts = page.values.get(STRIP_BYTE_COUNTS) or page.values.get(TILE_BYTE_COUNTS) or ()
    if not offsets:
        raise UnreadableImageError(Text("The TIFF does not say where its pixels are."))
    end = max(map(sum, zip(offsets, counts, strict=False)), default=0)
    if page.first(COMPRESSION, 1) == 1 and TILE_OFFSETS not in page.values:
        bits = page.first(BITS_PER_SAMPLE, 1) * page.first(SAMPLES_PER_PIXEL, 1)
        row_bytes = -(-page.first(IMAGE_WIDTH, 0) * bits // 8)
        end = max(end, min(offsets) + row_bytes * page.first(IMAGE_LENGTH, 0))
    if end > size:
        raise UnreadableImageError(Text("The TIFF breaks off in its pixels."))


def isolate_page(data: bytes, structure: TiffStructure, page: TiffPage) -> bytes:
    """Give the file with this page alone, without tags that are no part of a picture.

    The new directory stands at the end, so all offsets in the kept entries stay right.
    """
    order, big = structure.byte_order, structure.big
    kept = [page.entries[tag] for tag in sorted(page.entries) if tag in _ESSENTIAL]
    padding = b"\x00" * (-len(data) % 8)
    at = len(data) + len(padding)
    directory = struct.pack(order + ("Q" if big else "H"), len(kept)) + b"".join(kept)
    end = struct.pack(order + ("Q" if big else "L"), 0)
    head = data[:8] if big else data[:4]
    first = struct.pack(order + ("Q" if big else "L"), at)
    return b"".join((head, first, data[len(head) + len(first) :], padding, directory, end))


def read_exif_orientation(exif: bytes, limits: ReadLimits) -> int:
    """Give the Exif orientation, 1 (upright) to 8; 1 where it is absent or damaged."""
    try:
        byte_order, big = _read_layout(exif)
        offset = _read_number(exif, 8 if big else 4, byte_order, big)
        page, _ = _read_page(exif, offset, byte_order, big, limits, frozenset((ORIENTATION,)))
    except (UnreadableImageError, UnsafeImageError):
        return 1  # Cameras and viewers write all sorts of Exif; the picture itself is sound.
    orientation = page.first(ORIENTATION, 1)
    return orientation if 1 <= orientation <= 8 else 1
