"""Look-up tables in DICOM: the Modality LUT and the VOI LUT.

Source: PS3.3 C.11.1.1 and C.11.2.1.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.io.dicom_parse import Elements
from hilum.io.dicom_values import get_items, get_text, get_words

_MOST_TABLES = 16


@dataclass(frozen=True, slots=True)
class LookUpTable:
    """A LUT: input ``first`` and below give ``entries[0]``, one more the next, and so on.

    white
        Greatest output value that the table can hold.
    explanation
        (0028,3003), the header's own name for it.
    """

    first: int
    entries: NDArray[np.float64]
    white: float
    explanation: str | None = None

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map values; beyond its ends the table continues with its last entry."""
        index = np.clip(np.round(values) - self.first, 0, len(self.entries) - 1)
        return self.entries[index.astype(np.intp)]


def read_lut(elements: Elements, keyword: str, *, signed_input: bool) -> LookUpTable | None:
    """Read the first table of a sequence, or ``None`` where it is absent or unusable.

    Parameters
    ----------
    signed_input
        Whether values below zero can come in; the descriptor's first mapped value is then
        signed (its VR is US or SS).
    """
    items = get_items(elements, keyword)
    return _read_item(items[0], signed_input) if items else None


def read_luts(elements: Elements, keyword: str, *, signed_input: bool) -> tuple[LookUpTable, ...]:
    """Read the usable tables of a sequence, at most 16 of them."""
    items = get_items(elements, keyword)[:_MOST_TABLES]
    tables = (_read_item(item, signed_input) for item in items)
    return tuple(table for table in tables if table is not None)


def _read_item(item: Elements, signed_input: bool) -> LookUpTable | None:
    descriptor = get_words(item, "LUTDescriptor")
    data = item.by_keyword.get("LUTData")
    if len(descriptor) != 3 or data is None:
        return None
    # 65,536 entries do not fit the word and are written as 0.
    count, first, bits = descriptor[0] or 65_536, descriptor[1], descriptor[2]
    if signed_input and first >= 32_768:
        first -= 65_536
    if len(data.value) >= 2 * count:
        order = "<u2" if item.little_endian else ">u2"
        entries = np.frombuffer(data.value, dtype=order, count=count)
    elif len(data.value) >= count and bits <= 8:  # one byte an entry, PS3.3 C.11.1.1.1
        entries = np.frombuffer(data.value, dtype=np.uint8, count=count)
    else:
        return None
    # The descriptor often claims 16 bits for a table of 10 or 12. The film would be dark: the
    # entries themselves say how far they go.
    used = max(int(entries.max()).bit_length(), 1)
    return LookUpTable(
        first,
        entries.astype(np.float64),
        float((1 << used) - 1),
        get_text(item, "LUTExplanation"),
    )
