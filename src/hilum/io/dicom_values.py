"""Typed values of DICOM elements. A value that cannot be read is absent, never a guess.

Source: PS3.5 section 6.2 (value representations).
"""

from __future__ import annotations

import math
import struct

from hilum.io.dicom_parse import Element, Elements, decode_text

_NUMBER_FORMATS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d"}
_NUMBER_SIZES = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8}
# Longer than any list of windows; a value of megabytes is not worth splitting.
_MAX_TEXT_BYTES = 4096


def get_texts(elements: Elements, keyword: str) -> tuple[str, ...]:
    """Give the values of a text element, stripped; ``()`` where it is absent."""
    element = elements.by_keyword.get(keyword)
    if element is None or len(element.value) > _MAX_TEXT_BYTES:
        return ()
    text = decode_text(element.value)
    return tuple(part.strip() for part in text.split("\\")) if text else ()


def get_text(elements: Elements, keyword: str) -> str | None:
    """Give the first value of a text element, or ``None`` where it is absent or empty."""
    values = get_texts(elements, keyword)
    return values[0] if values and values[0] else None


def get_decimals(elements: Elements, keyword: str) -> tuple[float, ...]:
    """Give the finite numbers of an element; ``()`` where there is none or one is malformed."""
    element = elements.by_keyword.get(keyword)
    if element is None:
        return ()
    if element.vr in _NUMBER_FORMATS:
        numbers: tuple[float, ...] = _unpack(elements, element, element.vr)
    else:
        try:
            numbers = tuple(float(text) for text in get_texts(elements, keyword) if text)
        except ValueError:
            return ()
    return numbers if all(math.isfinite(number) for number in numbers) else ()


def get_integer(elements: Elements, keyword: str, *, signed: bool = False) -> int | None:
    """Give the first whole number of an element, or ``None``.

    Parameters
    ----------
    signed
        How to read an element that the standard leaves as US or SS.
    """
    element = elements.by_keyword.get(keyword)
    if element is None:
        return None
    if element.vr in _NUMBER_FORMATS:
        numbers = _unpack(elements, element, "SS" if signed else element.vr)
        return int(numbers[0]) if numbers else None
    try:
        return int(get_texts(elements, keyword)[0])
    except (IndexError, ValueError):
        return None


def get_words(elements: Elements, keyword: str) -> tuple[int, ...]:
    """Give the unsigned 16-bit words of an element (US, SS or OW)."""
    element = elements.by_keyword.get(keyword)
    return () if element is None else _unpack(elements, element, "US")


def get_items(elements: Elements, keyword: str) -> tuple[Elements, ...]:
    """Give the items of a sequence; ``()`` where it is absent."""
    element = elements.by_keyword.get(keyword)
    return () if element is None else element.items


def _unpack(elements: Elements, element: Element, vr: str) -> tuple[int, ...]:
    count = len(element.value) // _NUMBER_SIZES[vr]
    order = "<" if elements.little_endian else ">"
    return struct.unpack_from(f"{order}{count}{_NUMBER_FORMATS[vr]}", element.value)
