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
from hilum.io.dicom_voi import (
    LARGEST,
    apply_voi_lut,
    apply_window,
    read_windows,
    scale_between,
)
from hilum.io.grey import look_up, sample_rows
from hilum.io.lut import read_lut
from hilum.io.rendering import SATURATED_SHARE, Rendering
from hilum.language import Text
from hilum.spec import WindowRecipe

# Share of the film's own values left beyond black, and beyond white, where no window is given.
_TAIL = 0.005
_GROUPS = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
_GROUP_PARTS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")


@dataclass(frozen=True, slots=True)
class StoredValues:
    """Every stored value that a bit pattern can mean.

    stored
        float64, one a bit pattern of the container (256 or 65,536).
    counts
        How often each pattern occurs in a sample of the film, padding left out.
    """

    stored: NDArray[np.float64]
    padding: NDArray[np.bool_]
    counts: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class GreyScale:
    """What a recipe makes of every stored value of a film.

    elements
        The header, with what functional groups say at the top level.
    modality
        float64, the modality value of each bit pattern.
    bits
        Of a stored value.
    table
        float32, the grey of each bit pattern in [0, 1]; bright is dense.
    """

    elements: Elements
    values: StoredValues
    modality: NDArray[np.float64]
    bits: int
    invert: bool
    table: NDArray[np.float32]
    steps: tuple[str, ...]
    warnings: tuple[str, ...]

    def finish(self, unit: NDArray[np.float64]) -> NDArray[np.float32]:
        """Clip a view to [0, 1], with padding black whatever the photometric interpretation."""
        return _finish(unit, self.values)


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
    scale = tabulate_grey(frame, layout, elements, recipe, force=force)
    return Rendering(look_up(frame.values, scale.table), scale.steps, scale.warnings)


def tabulate_grey(
    frame: DecodedFrame,
    layout: PixelLayout,
    elements: Elements,
    recipe: WindowRecipe,
    *,
    force: bool,
) -> GreyScale:
    """Compute what a recipe makes of every stored value of a monochrome frame.

    Raises
    ------
    UnsupportedImageError
        As :func:`render_grey`.
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
    table = _finish(unit, values)
    if _share_at_ends(table, values.counts) > SATURATED_SHARE and recipe.name == "hu_window":
        codes.append("window_saturates")
    return GreyScale(elements, values, modality, bits, invert, table, tuple(steps), tuple(codes))


def _finish(unit: NDArray[np.float64], values: StoredValues) -> NDArray[np.float32]:
    # Padding is the surround, not the patient: black, whatever the photometric interpretation.
    return np.where(values.padding, 0.0, np.clip(unit, 0.0, 1.0)).astype(np.float32)


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
) -> tuple[StoredValues, int]:
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
    return StoredValues(stored.astype(np.float64), padding, counts), bits


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
    if not slope or not intercept or slope[0] == 0 or max(map(abs, slope + intercept)) > LARGEST:
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


def _apply_voi(
    modality: NDArray[np.float64],
    values: StoredValues,
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
        count = len(get_items(elements, "VOILUTSequence"))
        steps.append(f"VOI LUT of {len(voi.entries)} entries{_say_first(count)}")
        return apply_voi_lut(modality, voi, invert=invert)
    windows = read_windows(elements)
    if windows and windows[0].usable:
        steps.append(f"window {windows[0]}{_say_first(len(windows))}")
        return apply_window(modality, windows[0], invert=invert)
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


def _say_first(count: int) -> str:
    return f", first of {count}" if count > 1 else ""


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
