"""What a film tells of how it was made, with no look at the anatomy.

Groups of features, each comparable between films of any size:

``resolution``
    Size and aspect.
``compression``
    Bytes a pixel and JPEG quality.
``header``
    What the file says of itself: format, bits, and for DICOM view, modality, manufacturer,
    photometric interpretation and transfer syntax. Words, which are turned into numbers where
    a whole set is known (see :mod:`hilum.data.shortcut`).
``detail``
    The finest detail against the next coarser: sharpening, smoothing, scaling, the stretch of
    a squashed film, noise and the 8 x 8 blocks of a JPEG. Ratios only, so neither the exposure
    nor the contrast of what is shown counts.
``tone``
    How the grey scale was used: shares of pure black and of pure white, and grey levels that
    never occur.

``margin``
    ``detail`` and ``tone`` of the margin alone: the outer eighth on each side, where there is
    hardly any lung. A classifier that tells the classes from it does not read lungs.

Bytes a pixel, ``detail`` and ``tone`` of the whole film are not quite free of anatomy (a white
lung compresses better); ``resolution`` and ``margin`` are the control.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hilum.data.jpeg_quality import estimate_jpeg_quality
from hilum.types import Radiograph

Pixels = NDArray[np.float32]

MARGIN_SHARE = 0.125
# Of a large film, bands of rows are measured: what is asked for is the same all over it.
MAX_REGION_PIXELS = 2**18
BAND_ROWS = 32
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Acquisition:
    """How one film was made.

    rows, columns
        Size in px, as read.
    bytes
        Size of the file.
    jpeg_quality
        1 to 100 (see :func:`~hilum.data.jpeg_quality.estimate_jpeg_quality`), or ``None``.
    sharpness
        Mean absolute difference of neighbouring pixels over that of pixels four apart: near 1
        for noise, near 0.25 for a smooth film.
    features
        Group -> feature -> value, every one a finite number; all groups but ``header``.
    header
        Name -> word; empty where the file says nothing. Nothing of the patient.
    """

    rows: int
    columns: int
    bytes: int
    jpeg_quality: int | None
    sharpness: float
    features: Mapping[str, Mapping[str, float]]
    header: Mapping[str, str] = field(default_factory=dict)

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.columns / self.rows


def measure_acquisition(data: bytes, radiograph: Radiograph) -> Acquisition:
    """Measure how a film was made.

    Parameters
    ----------
    data
        The bytes of its file.
    radiograph
        What was read from them.
    """
    pixels = radiograph.pixels
    rows, columns = pixels.shape
    quality = estimate_jpeg_quality(data)
    regions = _thin([pixels])
    margin = _thin(_cut_margin(pixels))
    whole = _measure_detail(regions)
    return Acquisition(
        rows=rows,
        columns=columns,
        bytes=len(data),
        jpeg_quality=quality,
        sharpness=float(np.exp(whole["across_1_4"] + whole["down_1_4"]) ** 0.5),
        features={
            "resolution": {
                "log_pixels": float(np.log(rows * columns)),
                "log_aspect": float(np.log(columns / rows)),
            },
            "compression": {
                "log_bytes_per_pixel": float(np.log(max(len(data), 1) / (rows * columns))),
                "jpeg_quality": float(quality or 0),
                "is_jpeg": float(quality is not None),
            },
            "detail": whole,
            "tone": _measure_tone(regions),
            "margin": {**_measure_detail(margin), **_measure_tone(margin)},
        },
        header=_read_header(radiograph),
    )


def _read_header(radiograph: Radiograph) -> dict[str, str]:
    header = radiograph.header
    facts = {
        "format": radiograph.format,
        "bits": str(header.bits_stored),
        "view": header.view_position,
        "modality": header.modality,
        "manufacturer": header.manufacturer,
        "photometric": header.photometric_interpretation,
        "transfer syntax": header.transfer_syntax_uid,
    }
    return {name: value or "" for name, value in facts.items()}


def _cut_margin(pixels: Pixels) -> list[Pixels]:
    """Give the outer eighth on each side as four strips that do not overlap."""
    rows, columns = pixels.shape
    high, wide = max(1, round(rows * MARGIN_SHARE)), max(1, round(columns * MARGIN_SHARE))
    middle = slice(high, max(rows - high, high))
    return [pixels[:high], pixels[-high:], pixels[middle, :wide], pixels[middle, -wide:]]


def _thin(regions: list[Pixels]) -> list[Pixels]:
    """Replace a large region by evenly spaced bands of its rows."""
    thinned: list[Pixels] = []
    for region in regions:
        rows, columns = region.shape
        bands = max(1, MAX_REGION_PIXELS // (BAND_ROWS * max(columns, 1)))
        if rows <= bands * BAND_ROWS:
            thinned.append(region)
            continue
        starts = np.linspace(0, rows - BAND_ROWS, bands).astype(int)
        thinned += [region[start : start + BAND_ROWS] for start in starts]
    return thinned


def _mean_step(regions: list[Pixels], axis: int, lag: int) -> float:
    """Mean absolute difference of pixels ``lag`` apart; 0 where no region is that large."""
    total, count = 0.0, 0
    for region in regions:
        if region.shape[axis] <= lag:
            continue
        ahead = region[lag:] if axis == 0 else region[:, lag:]
        behind = region[:-lag] if axis == 0 else region[:, :-lag]
        step = ahead - behind
        total += float(np.abs(step, out=step).sum())
        count += ahead.size
    return total / count if count else 0.0


def _ratio(fine: float, coarse: float) -> float:
    """Logarithm of a ratio, kept finite on blank films."""
    return float(np.log((fine + _TINY) / (coarse + _TINY)))


def _measure_detail(regions: list[Pixels]) -> dict[str, float]:
    steps = {
        (name, lag): _mean_step(regions, axis, lag)
        for axis, name in enumerate(("down", "across"))
        for lag in (1, 2, 4)
    }
    features = {
        f"{name}_{fine}_{coarse}": _ratio(steps[name, fine], steps[name, coarse])
        for name in ("down", "across")
        for fine, coarse in ((1, 2), (2, 4), (1, 4))
    }
    features["across_down_1"] = _ratio(steps["across", 1], steps["down", 1])
    features["across_down_2"] = _ratio(steps["across", 2], steps["down", 2])
    features["noise"] = _ratio(_measure_noise(regions), (steps["across", 4] + steps["down", 4]) / 2)
    features["blocks"] = _measure_blocks(regions)
    return features


def _measure_noise(regions: list[Pixels]) -> float:
    """Estimate noise from the second difference across and down, blind to planes and edges.

    Source: Immerkaer 1996, Fast Noise Variance Estimation.
    """
    total, count = 0.0, 0
    for region in regions:
        if min(region.shape) < 3:
            continue
        across = region[:, :-2] - 2 * region[:, 1:-1] + region[:, 2:]
        both = across[:-2] - 2 * across[1:-1] + across[2:]
        total += float(np.abs(both, out=both).sum())
        count += both.size
    return total / count if count else 0.0


def _measure_blocks(regions: list[Pixels]) -> float:
    """Compare steps across the borders of 8 x 8 blocks with steps inside of them.

    Regions that start at the film's left side only: the blocks are counted from there.
    """
    widest = max(region.shape[1] for region in regions)
    if widest < 24:
        return 0.0
    by_column = np.zeros(widest - 1)
    for region in regions:
        if region.shape[1] == widest:
            by_column += np.abs(region[:, 1:] - region[:, :-1]).sum(axis=0)
    at_border = by_column[7::8].mean()
    inside = np.delete(by_column, np.s_[7::8]).mean()
    return _ratio(float(at_border), float(inside))


def _measure_tone(regions: list[Pixels]) -> dict[str, float]:
    levels = np.zeros(256)
    for region in regions:
        codes = (region * np.float32(255) + np.float32(0.5)).astype(np.uint8)
        levels += np.bincount(codes.ravel(), minlength=256)
    share = levels / max(levels.sum(), 1.0)
    used = np.flatnonzero(levels)
    span = int(used[-1] - used[0]) + 1 if used.size else 1
    return {
        "black": float(np.log10(share[:2].sum() + 1e-5)),
        "white": float(np.log10(share[250:].sum() + 1e-5)),
        # A stretched grey scale leaves gaps.
        "gaps": 1.0 - used.size / span,
    }
