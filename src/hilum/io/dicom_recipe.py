"""From stored values to grey in [0, 1]: the recipes ``radiograph_v1`` and ``hu_window``.

All steps (modality LUT, padding, VOI, scale, inversion) are functions of one stored value. So
they are computed once a possible value, in float64, and the film is looked up in that table.

Source: PS3.3 C.11.1 (modality), C.7.5.1.1.2 (padding), C.11.2 (VOI), C.7.6.3.1.2 and C.11.6
(MONOCHROME1 and Presentation LUT Shape).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.errors import UnsupportedImageError
from hilum.io.codecs import DecodedFrame
from hilum.io.dicom_header import PixelLayout
from hilum.io.dicom_parse import Elements
from hilum.io.dicom_values import get_decimals, get_integer, get_items, get_text
from hilum.io.grey import look_up, sample_rows
from hilum.io.lut import read_lut
from hilum.io.rendering import SATURATED_SHARE, Rendering
from hilum.language import Text
from hilum.spec import WindowRecipe

# Share of the film's own values left beyond black, and beyond white, where no window is given.
_TAIL = 0.005
# No quantity of a radiograph is this large; arithmetic with it would run out of float64.
_LARGEST = 1e12
_GROUPS = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
_GROUP_PARTS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")


@dataclass(frozen=True, slots=True)
class _Values:
    """Every stored value that a bit pattern can mean.

    stored
        float64, one a bit pattern of the container (256 or 65,536).
    counts
        How often each pattern occurs in a sample of the film, padding left out.
    """

    stored: NDArray[np.float64]
    padding: NDArray[np.bool_]
    counts: NDArray[np.intp]


def render_grey(
    frame: DecodedFrame,
    layout: PixelLayout,
    elements: Elements,
    recipe: WindowRecipe,
    *,
    force: bool,
) -> Rendering:
    """Apply a recipe to a monochrome frame.

    Raises
    ------
    UnsupportedImageError
        The recipe is ``hu_window``, the film is not in Hounsfield units and nobody forces it.
    """
    elements = _gather(elements)
    steps: list[str] = []
    codes: list[str] = []
    values, bits = _tabulate_stored(frame, layout, elements, steps)
    modality, white = _apply_modality(values.stored, layout, elements, steps, codes)
    invert = layout.photometric == "MONOCHROME1"
    if recipe.name == "hu_window":
        unit = _apply_hu_window(modality, elements, recipe, invert, force, steps, codes)
    else:
        unit = _apply_voi(modality, values, white, bits, elements, invert, steps, codes)
    if invert:
        steps.append("invert MONOCHROME1")
    shape = get_text(elements, "PresentationLUTShape")
    if shape is not None and shape != ("INVERSE" if invert else "IDENTITY"):
        codes.append("presentation_conflict")
    # Padding is the surround, not the patient: black, whatever the photometric interpretation.
    table = np.where(values.padding, 0.0, np.clip(unit, 0.0, 1.0)).astype(np.float32)
    if _share_at_ends(table, values.counts) > SATURATED_SHARE and recipe.name == "hu_window":
        codes.append("window_saturates")
    return Rendering(look_up(frame.values, table), tuple(steps), tuple(codes))


def _gather(elements: Elements) -> Elements:
    """Bring the functional groups of an enhanced object to the top level, where missing."""
    gathered = Elements(elements.little_endian, dict(elements.by_keyword))
    for group in _GROUPS:
        for item in get_items(elements, group)[:1]:
            for part in _GROUP_PARTS:
                for values in get_items(item, part)[:1]:
                    for keyword, element in values.by_keyword.items():
                        gathered.by_keyword.setdefault(keyword, element)
    return gathered


def _tabulate_stored(
    frame: DecodedFrame, layout: PixelLayout, elements: Elements, steps: list[str]
) -> tuple[_Values, int]:
    """Give the stored value behind every bit pattern; bits outside BitsStored do not count."""
    if frame.bits is None or frame.bits > layout.high_bit:
        bits, shift = layout.bits_stored, layout.high_bit + 1 - layout.bits_stored
    else:  # the codestream has fewer bits than the header claims: it knows better
        bits, shift = frame.bits, 0
    patterns = np.arange(1 << (8 * frame.values.dtype.itemsize), dtype=np.int64)
    stored = (patterns >> shift) & ((1 << bits) - 1)
    if layout.signed:
        stored = np.where(stored >> (bits - 1), stored - (1 << bits), stored)
    counts = np.bincount(sample_rows(frame.values).ravel(), minlength=len(patterns))
    padding = np.zeros(len(patterns), dtype=np.bool_)
    value = get_integer(elements, "PixelPaddingValue", signed=layout.signed)
    if value is not None:
        limit = get_integer(elements, "PixelPaddingRangeLimit", signed=layout.signed)
        low, high = sorted((value, value if limit is None else limit))
        padding = (stored >= low) & (stored <= high)
        counts = np.where(padding, 0, counts)
        steps.append(f"mask padding {low}" if low == high else f"mask padding {low}..{high}")
    return _Values(stored.astype(np.float64), padding, counts), bits


def _apply_modality(
    stored: NDArray[np.float64],
    layout: PixelLayout,
    elements: Elements,
    steps: list[str],
    codes: list[str],
) -> tuple[NDArray[np.float64], float | None]:
    """Apply the Modality LUT or the rescale; give the LUT's white, too."""
    table = read_lut(elements, "ModalityLUTSequence", signed_input=layout.signed)
    if table is not None:
        steps.append(f"modality LUT of {len(table.entries)} entries")
        return table.apply(stored), table.white
    if get_items(elements, "ModalityLUTSequence"):
        codes.append("rescale_ignored")
    slope = get_decimals(elements, "RescaleSlope")
    intercept = get_decimals(elements, "RescaleIntercept")
    named = {"RescaleSlope", "RescaleIntercept"} & elements.by_keyword.keys()
    if not slope or not intercept or slope[0] == 0 or max(map(abs, slope + intercept)) > _LARGEST:
        if named:
            codes.append("rescale_ignored")
        return stored, None
    if (slope[0], intercept[0]) != (1.0, 0.0):
        steps.append(f"rescale {slope[0]:g}x{intercept[0]:+g}")
    return stored * slope[0] + intercept[0], None


def _apply_hu_window(
    modality: NDArray[np.float64],
    elements: Elements,
    recipe: WindowRecipe,
    invert: bool,
    force: bool,
    steps: list[str],
    codes: list[str],
) -> NDArray[np.float64]:
    assert recipe.center is not None  # the recipe's own validation
    assert recipe.width is not None
    if get_text(elements, "RescaleType") != "HU":
        if not force:
            raise UnsupportedImageError(
                Text(
                    "The recipe {recipe} is for Hounsfield units, and this film is not "
                    "in them. Use a model trained with radiograph_v1, or force the "
                    "recipe.",
                    recipe=str(recipe),
                )
            )
        codes.append("recipe_forced")
    steps.append(f"window LINEAR_EXACT {recipe.center:g}/{recipe.width:g} HU")
    low = recipe.center - recipe.width / 2
    return scale_between(modality, low, low + recipe.width, invert=invert)


def scale_between(
    values: NDArray[np.float64], low: float, high: float, *, invert: bool
) -> NDArray[np.float64]:
    """Scale ``low..high`` to 0..1, or to 1..0.

    The inverted scale is measured from ``high``, not subtracted from one: a film and its
    negative come out equal to the last bit.
    """
    with np.errstate(over="ignore"):
        return (high - values) / (high - low) if invert else (values - low) / (high - low)


def _apply_voi(
    modality: NDArray[np.float64],
    values: _Values,
    white: float | None,
    bits: int,
    elements: Elements,
    invert: bool,
    steps: list[str],
    codes: list[str],
) -> NDArray[np.float64]:
    """Apply one view: the first VOI LUT, else the first window, else the film's own range."""
    voi = read_lut(elements, "VOILUTSequence", signed_input=bool(modality.min() < 0))
    if voi is not None:
        steps.append(f"VOI LUT of {len(voi.entries)} entries{_first_of(elements)}")
        return scale_between(voi.apply(modality), 0.0, voi.white, invert=invert)
    unit = _apply_window(modality, elements, invert, steps)
    if unit is not None:
        return unit
    if {"WindowCenter", "WindowWidth", "VOILUTSequence"} & elements.by_keyword.keys() and (
        get_decimals(elements, "WindowCenter") or get_items(elements, "VOILUTSequence")
    ):
        codes.append("window_ignored")
    if bits <= 8:
        # Eight bits are a picture made for a screen: its values are the grey, as in a PNG.
        low, high = (0.0, white) if white else (float(modality.min()), float(modality.max()))
        steps.append(f"full range {low:g}..{high:g}")
    else:
        codes.append("no_window")
        low, high = _compute_range(modality, values.counts)
        steps.append(f"percentiles {100 * _TAIL:g}/{100 - 100 * _TAIL:g} at {low:g}..{high:g}")
    if not high > low:
        return np.zeros_like(modality)
    return scale_between(modality, low, high, invert=invert)


def _first_of(elements: Elements) -> str:
    count = len(get_items(elements, "VOILUTSequence"))
    return f", first of {count}" if count > 1 else ""


def _apply_window(
    modality: NDArray[np.float64], elements: Elements, invert: bool, steps: list[str]
) -> NDArray[np.float64] | None:
    """Apply the first window, or give ``None`` where there is none that can be used."""
    centers = get_decimals(elements, "WindowCenter")
    widths = get_decimals(elements, "WindowWidth")
    function = (get_text(elements, "VOILUTFunction") or "LINEAR").upper()
    if not centers or not widths or function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        return None
    center, width = centers[0], widths[0]
    if width < 1 if function == "LINEAR" else width <= 0:
        return None
    if max(abs(center), width) > _LARGEST:
        return None
    several = min(len(centers), len(widths))
    note = f", first of {several}" if several > 1 else ""
    steps.append(f"window {function} {center:g}/{width:g}{note}")
    if function == "SIGMOID":  # C.11.2.1.3.1
        sign = 4.0 if invert else -4.0
        with np.errstate(over="ignore"):
            return 1.0 / (1.0 + np.exp(sign * (modality - center) / width))
    if function == "LINEAR":  # C.11.2.1.2.1
        low, high = center - 0.5 - (width - 1.0) / 2.0, center - 0.5 + (width - 1.0) / 2.0
    else:  # C.11.2.1.3.2
        low, high = center - width / 2.0, center + width / 2.0
    if high > low:
        return scale_between(modality, low, high, invert=invert)
    # A width of 1 is a threshold: C.11.2.1.2.1 has values up to `low` black.
    return np.where((modality > low) != invert, 1.0, 0.0)


def _compute_range(modality: NDArray[np.float64], counts: NDArray[np.intp]) -> tuple[float, float]:
    """Give the values that leave the same small share of the film below and above them."""
    seen = np.flatnonzero(counts)
    if not seen.size:
        return 0.0, 0.0
    seen = seen[np.argsort(modality[seen], kind="stable")]
    counts_in_order = counts[seen]
    tail = _TAIL * counts_in_order.sum()
    low = int(np.searchsorted(np.cumsum(counts_in_order), tail))
    high = len(seen) - 1 - int(np.searchsorted(np.cumsum(counts_in_order[::-1]), tail))
    if high <= low:
        low, high = 0, len(seen) - 1
    return float(modality[seen[low]]), float(modality[seen[high]])


def _share_at_ends(table: NDArray[np.float32], counts: NDArray[np.intp]) -> float:
    total = int(counts.sum())
    return float(counts[(table <= 0.0) | (table >= 1.0)].sum() / total) if total else 0.0
