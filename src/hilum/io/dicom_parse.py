"""The elements of a DICOM file that hilum needs, read within bounds.

A dataset from a stranger is walked once, without recursion beyond ``ReadLimits.depth`` and
without a copy: values are views into the file, and elements that no step needs are skipped.
A deflated dataset is inflated up to ``ReadLimits.inflated_bytes`` and no further. The tests
compare what is read here with pydicom on every file of its collection.

Source: PS3.5 section 7 (encoding), Annex A (transfer syntaxes); PS3.10 section 7 (file).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from hilum.errors import UnreadableImageError, UnsafeImageError
from hilum.io.dicom_tags import KEYWORDS, TAGS, WANTED
from hilum.io.limits import ReadLimits
from hilum.language import Text

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN = "1.2.840.10008.1.2.2"

_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_DATA = (0x7FE00008, 0x7FE00009, 0x7FE00010)  # float, double, integer
_TRANSFER_SYNTAX = TAGS["TransferSyntaxUID"][0]
# VRs with a 32-bit length after two reserved bytes, PS3.5 section 7.1.2.
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_BYTE_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW"))
_DAMAGED = Text("The DICOM file is damaged: its elements break off or contradict their lengths.")


@dataclass(frozen=True, slots=True)
class Element:
    """The value of one element.

    vr
        As the file gives it, or as the dictionary of :mod:`~hilum.io.dicom_tags` does where
        the file is silent (implicit VR, UN).
    """

    vr: str
    value: memoryview
    items: tuple[Elements, ...] = ()


@dataclass(slots=True)
class Elements:
    """The wanted elements of a dataset or of an item, by keyword."""

    little_endian: bool
    by_keyword: dict[str, Element] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PixelElement:
    """The value of (7FE0,0010), still as stored.

    keyword
        ``PixelData``, ``FloatPixelData`` or ``DoubleFloatPixelData``.
    encapsulated
        The value is a sequence of fragments (PS3.5 A.4).
    """

    keyword: str
    value: memoryview
    encapsulated: bool


@dataclass(frozen=True, slots=True)
class ParsedDicom:
    """A DICOM file, walked."""

    transfer_syntax_uid: str
    meta: Elements
    elements: Elements
    pixels: PixelElement | None


class _Cursor:
    """A place in the file, and how its elements are encoded from there on."""

    def __init__(self, data: memoryview, position: int, limits: ReadLimits) -> None:
        self.data = data
        self.position = position
        self.limits = limits
        self.implicit = False
        self.order = "<"
        self.count = 0
        self.pixels: PixelElement | None = None

    def read_tag(self) -> int:
        """Give the tag at the cursor without moving."""
        group, element = struct.unpack_from(self.order + "HH", self.data, self.position)
        return int(group) << 16 | int(element)

    def read_length(self, offset: int) -> int:
        """Give the 32-bit length ``offset`` bytes ahead without moving."""
        (length,) = struct.unpack_from(self.order + "L", self.data, self.position + offset)
        return int(length)

    def read_element_head(self) -> tuple[int, bytes, int]:
        """Move past tag, VR and length; give them. The VR is ``b""`` where it is implicit."""
        self.count += 1
        self.limits.check_elements(self.count)
        tag = self.read_tag()
        if tag >> 16 == 0xFFFE:
            vr, length, size = b"", self.read_length(4), 8
        else:
            vr = bytes(self.data[self.position + 4 : self.position + 6])
            # Items may be in implicit VR inside explicit VR, and some writers lapse into it.
            if self.implicit or not (vr.isalpha() and vr.isupper()):
                vr, length, size = b"", self.read_length(4), 8
            elif vr in _LONG_VRS:
                length, size = self.read_length(8), 12
            else:
                (length,) = struct.unpack_from(self.order + "H", self.data, self.position + 6)
                size = 8
        self.position += size
        return tag, vr, length


def parse_dicom(data: bytes, limits: ReadLimits) -> ParsedDicom:
    """Walk a DICOM file up to its pixel data.

    Raises
    ------
    UnreadableImageError
        The file breaks off or its lengths contradict each other.
    UnsafeImageError
        It has more elements, deeper sequences or more inflated bytes than allowed.
    """
    try:
        return _parse(memoryview(data), limits)
    except struct.error as error:
        raise UnreadableImageError(_DAMAGED) from error


def _parse(data: memoryview, limits: ReadLimits) -> ParsedDicom:
    start = 132 if bytes(data[128:132]) == b"DICM" else 0
    cursor = _Cursor(data, start, limits)
    meta = Elements(little_endian=True)
    _walk_meta(cursor, meta)
    declared = meta.by_keyword.get("TransferSyntaxUID")
    syntax = decode_text(declared.value) if declared else ""
    if syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        inflated = _inflate(data[cursor.position :], limits)
        cursor = _Cursor(memoryview(inflated), 0, limits)
    syntax = _settle_encoding(cursor, syntax)
    elements = Elements(little_endian=cursor.order == "<")
    _walk_dataset(cursor, len(cursor.data), elements, depth=0)
    return ParsedDicom(syntax, meta, elements, cursor.pixels)


def decode_text(value: memoryview) -> str:
    """Give a text value without its padding; bytes outside ASCII become question marks."""
    return bytes(value).decode("ascii", "replace").replace("\ufffd", "?").strip("\x00 ")


def _walk_meta(cursor: _Cursor, meta: Elements) -> None:
    """Read the file meta group, always explicit VR little endian (PS3.10 section 7.1)."""
    while cursor.position + 8 <= len(cursor.data) and cursor.read_tag() >> 16 == 2:
        tag, vr, length = cursor.read_element_head()
        if length == _UNDEFINED or cursor.position + length > len(cursor.data):
            raise UnreadableImageError(_DAMAGED)
        _keep(cursor, tag, vr, length, meta)
        cursor.position += length


def _settle_encoding(cursor: _Cursor, syntax: str) -> str:
    """Set byte order and VR encoding from the transfer syntax, or from the first element.

    The first element also overrules a transfer syntax that it contradicts, as in pydicom.
    """
    first = bytes(cursor.data[cursor.position : cursor.position + 6])
    explicit = len(first) == 6 and first[4:6].isalpha() and first[4:6].isupper()
    if syntax:
        big = syntax == EXPLICIT_VR_BIG_ENDIAN
        explicit = explicit if len(first) == 6 else syntax != IMPLICIT_VR_LITTLE_ENDIAN
    else:
        # Groups start at 0002 or 0008: read in the wrong order that is 0200 or 0800.
        big = explicit and int.from_bytes(first[:2], "little") >= 0x0200
    cursor.order = ">" if big else "<"
    cursor.implicit = not explicit and not big
    if syntax:
        return syntax
    if big:
        return EXPLICIT_VR_BIG_ENDIAN
    return EXPLICIT_VR_LITTLE_ENDIAN if explicit else IMPLICIT_VR_LITTLE_ENDIAN


def _inflate(deflated: memoryview, limits: ReadLimits) -> bytes:
    """Inflate a deflated dataset (PS3.5 A.5), at most to the bound."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(deflated, limits.inflated_bytes)
        if not inflater.eof and inflater.decompress(inflater.unconsumed_tail, 1):
            raise UnsafeImageError(
                Text(
                    "The deflated DICOM file inflates to more than {inflated_bytes} "
                    "bytes (ReadLimits.inflated_bytes).",
                    inflated_bytes=limits.inflated_bytes,
                )
            )
    except zlib.error as error:
        raise UnreadableImageError(Text("The deflated DICOM file is damaged.")) from error
    return inflated


def _walk_dataset(cursor: _Cursor, end: int, elements: Elements | None, depth: int) -> None:
    """Read the elements up to ``end`` or an item delimiter; ``None`` keeps none of them."""
    while cursor.position + 8 <= end:
        tag, vr, length = cursor.read_element_head()
        if tag == _ITEM_END:
            return
        if depth == 0 and tag in _PIXEL_DATA:
            cursor.pixels = _take_pixels(cursor, tag, length)
            return
        if length == _UNDEFINED:
            _walk_undefined(cursor, end, tag, vr, elements, depth)
            continue
        stop = cursor.position + length
        if stop > end:
            raise UnreadableImageError(_DAMAGED)
        if elements is not None:
            _keep(cursor, tag, vr, length, elements, depth)
        cursor.position = stop


def _walk_undefined(
    cursor: _Cursor, end: int, tag: int, vr: bytes, elements: Elements | None, depth: int
) -> None:
    """Read a value of undefined length: fragments, or the items of a sequence."""
    if vr in _BYTE_VRS or tag == _PIXEL_DATA[2]:
        _skip_fragments(cursor, end)
        return
    wanted = elements is not None and tag in WANTED and KEYWORDS[tag][1] == "SQ"
    items = _walk_items(cursor, end, wanted, depth + 1)
    if elements is not None and wanted:
        elements.by_keyword[KEYWORDS[tag][0]] = Element("SQ", cursor.data[:0], items)


def _walk_items(cursor: _Cursor, end: int, wanted: bool, depth: int) -> tuple[Elements, ...]:
    cursor.limits.check_depth(depth)
    items: list[Elements] = []
    while cursor.position + 8 <= end:
        tag, _, length = cursor.read_element_head()
        if tag == _SEQUENCE_END:
            break
        if tag != _ITEM:
            raise UnreadableImageError(_DAMAGED)
        stop = end if length == _UNDEFINED else cursor.position + length
        if stop > end:
            raise UnreadableImageError(_DAMAGED)
        item = Elements(little_endian=cursor.order == "<") if wanted else None
        _walk_dataset(cursor, stop, item, depth)
        if length != _UNDEFINED:
            cursor.position = stop
        if item is not None:
            items.append(item)
    return tuple(items)


def _skip_fragments(cursor: _Cursor, end: int) -> None:
    while cursor.position + 8 <= end:
        tag, _, length = cursor.read_element_head()
        if tag == _SEQUENCE_END:
            return
        if tag != _ITEM or cursor.position + length > end:
            raise UnreadableImageError(_DAMAGED)
        cursor.position += length


def _keep(
    cursor: _Cursor, tag: int, vr: bytes, length: int, elements: Elements, depth: int = 0
) -> None:
    """Note the element at the cursor if a step needs it. The cursor may move."""
    if tag not in WANTED:
        return
    keyword, dictionary_vr = KEYWORDS[tag]
    name = vr.decode("ascii") if vr and vr != b"UN" else dictionary_vr
    value = cursor.data[cursor.position : cursor.position + length]
    if dictionary_vr == "SQ":
        items = _walk_items(cursor, cursor.position + length, True, depth + 1)
        elements.by_keyword[keyword] = Element("SQ", cursor.data[:0], items)
    else:
        elements.by_keyword[keyword] = Element(name, value)


def _take_pixels(cursor: _Cursor, tag: int, length: int) -> PixelElement:
    keyword = ("FloatPixelData", "DoubleFloatPixelData", "PixelData")[_PIXEL_DATA.index(tag)]
    rest = cursor.data[cursor.position :]
    if length == _UNDEFINED:
        return PixelElement(keyword, rest, True)
    # A value that breaks off is kept as it is: its decoder counts the bytes.
    return PixelElement(keyword, rest[:length], False)
