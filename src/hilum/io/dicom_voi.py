"""The views that a DICOM film brings along: windows and VOI LUTs.

Source: PS3.3 C.11.2.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.io.dicom_parse import Elements
from hilum.io.dicom_values import get_decimals, get_text, get_texts
from hilum.io.lut import LookUpTable

# No quantity of a radiograph is this large; arithmetic with it would run out of float64.
LARGEST = 1e12
# A header may list more; nobody chooses among them.
_MOST_WINDOWS = 64
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


@dataclass(frozen=True, slots=True)
class Window:
    """A window of the header, in modality units.

    function
        (0028,1056), upper case.
    explanation
        (0028,1055), the header's own name for it.
    """

    center: float
    width: float
    function: str
    explanation: str | None = None

    @property
    def usable(self) -> bool:
        """Whether the standard gives it a meaning."""
        if self.function not in _FUNCTIONS or max(abs(self.center), self.width) > LARGEST:
            return False
        return self.width >= 1 if self.function == "LINEAR" else self.width > 0

    def __str__(self) -> str:
        """Say it as in the steps of a recipe, e.g. ``"LINEAR 2048/4096"``."""
        return f"{self.function} {self.center:g}/{self.width:g}"


def read_windows(elements: Elements) -> tuple[Window, ...]:
    """Read the windows of a header, those that cannot be used too."""
    function = (get_text(elements, "VOILUTFunction") or "LINEAR").upper()
    names = get_texts(elements, "WindowCenterWidthExplanation")
    centers = get_decimals(elements, "WindowCenter")[:_MOST_WINDOWS]
    widths = get_decimals(elements, "WindowWidth")[:_MOST_WINDOWS]
    labels = itertools.chain((name or None for name in names), itertools.repeat(None))
    return tuple(
        Window(center, width, function, label)
        for center, width, label in zip(centers, widths, labels, strict=False)
    )


def apply_window(
    modality: NDArray[np.float64], window: Window, *, invert: bool
) -> NDArray[np.float64]:
    """Apply a usable window; values beyond its ends are not clipped."""
    center, width = window.center, window.width
    if window.function == "SIGMOID":  # C.11.2.1.3.1
        sign = 4.0 if invert else -4.0
        with np.errstate(over="ignore"):
            return 1.0 / (1.0 + np.exp(sign * (modality - center) / width))
    if window.function == "LINEAR":  # C.11.2.1.2.1
        low, high = center - 0.5 - (width - 1.0) / 2.0, center - 0.5 + (width - 1.0) / 2.0
    else:  # C.11.2.1.3.2
        low, high = center - width / 2.0, center + width / 2.0
    if high > low:
        return scale_between(modality, low, high, invert=invert)
    # A width of 1 is a threshold: C.11.2.1.2.1 has values up to `low` black.
    return np.where((modality > low) != invert, 1.0, 0.0)


def apply_voi_lut(
    modality: NDArray[np.float64], lut: LookUpTable, *, invert: bool
) -> NDArray[np.float64]:
    """Apply a VOI LUT, and scale what it gives by its white."""
    return scale_between(lut.apply(modality), 0.0, lut.white, invert=invert)


def scale_between(
    values: NDArray[np.float64], low: float, high: float, *, invert: bool
) -> NDArray[np.float64]:
    """Scale ``low..high`` to 0..1, or to 1..0.

    The inverted scale is measured from ``high``, not subtracted from one: a film and its
    negative come out equal to the last bit.
    """
    with np.errstate(over="ignore"):
        return (high - values) / (high - low) if invert else (values - low) / (high - low)
