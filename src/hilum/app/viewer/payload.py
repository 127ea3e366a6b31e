"""What the viewer's browser side is sent: a film once, and the little that changes about it.

The film goes as its stored values, reduced by averaging and packed without loss; the evidence as
its own cells, which the browser interpolates and colours.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.explain import Contour, trace_contours
from hilum.io import suggest_windows
from hilum.report.colormaps import (
    choose_colormap,
    choose_scale,
    get_colormap,
    make_color_table,
    make_opacity_table,
)
from hilum.types import DisplayFilm, Explanation, Region

MAX_SIDE_PX = 1400
_MAX_PIXELS = 1_500_000
# Detectors of 14 to 16 bits store noise in their last ones. Values are sent in steps, where
# these are small beside the film's own noise and there are still many times the screen's 256.
_STEPS_IN_NOISE = 8.0
_LEAST_STEPS = 2048
_FAST = 1


@dataclass(frozen=True, slots=True)
class ShownFilm:
    """A film as it is sent to the browser.

    digest
        Of ``packed``; the viewer asks for the film by it.
    packed
        Length of a JSON header (uint32, little endian), the header, and a zlib stream.
    """

    digest: str
    packed: bytes


def pack_film(film: DisplayFilm) -> ShownFilm:
    """Reduce a film for the screen and pack it.

    The long side is at most 1,400 px and all pixels at most 1.5 million. The stream holds the
    high bytes and then the low bytes of the differences between neighbours (zigzag, uint16), then
    the tables of grey (uint8), and the modality values (float32) where they are no straight line.
    A value equal to ``count`` in the header is padding.
    """
    height_px, width_px = film.values.shape
    values, padding = _reduce(film)
    seen = values[~padding] if padding is not None else values
    first, last = (int(seen.min()), int(seen.max())) if seen.size else (0, 0)
    step = _choose_step(values, last - first)
    places = np.arange(first, last + 1, step)
    count = len(places)
    index = (values.astype(np.int32) - first + step // 2) // step
    index = np.clip(index, 0, count - 1)
    if padding is not None:
        index[padding] = count
    modality = film.modality[places]
    line = _find_line(modality)
    parts = [_difference(index)]
    # As hilum.report.draw_film rounds grey to the screen's.
    parts += [
        (table.grey[places] * np.float32(255.0) + np.float32(0.5)).astype(np.uint8).tobytes()
        for table in film.tables
    ]
    if line is None:
        parts.append(modality.astype("<f4").tobytes())
    packed = zlib.compress(b"".join(parts), _FAST)
    header = {
        "width": width_px,
        "height": height_px,
        "columns": index.shape[1],
        "rows": index.shape[0],
        "count": count,
        "modality": line,
        "invert": film.invert,
        "unit": film.unit,
        "tables": [
            {"kind": table.kind, "name": table.name, "center": table.center, "width": table.width}
            for table in film.tables
        ],
        "windows": [
            {"name": window.name, "center": window.center, "width": window.width}
            for window in suggest_windows(film)
        ],
    }
    told = json.dumps(header).encode()
    digest = hashlib.sha256(told + packed).hexdigest()
    told = json.dumps(header | {"digest": digest}).encode()
    return ShownFilm(digest, struct.pack("<L", len(told)) + told + packed)


def describe_map(
    explanation: Explanation, *, colormap: str | None, scale: float | None
) -> dict[str, Any]:
    """Give what the browser draws the map from, as plain data."""
    colors = get_colormap(choose_colormap(explanation, colormap))
    rows, columns = explanation.values.shape
    return {
        "rows": rows,
        "columns": columns,
        "values": _to_base64(explanation.values.astype("<f4")),
        "box": [float(edge) for edge in explanation.box],
        "scale": choose_scale(explanation, scale),
        "colors": _to_base64(make_color_table(colors)),
        "opacities": _to_base64(make_opacity_table(colors, 1.0)),
    }


def outline_regions(
    explanation: Explanation, regions: Sequence[Region], sentences: Sequence[str]
) -> list[dict[str, Any]]:
    """Give each region's sentence and the lines around it, in px of the film."""
    return [
        {
            "sentence": sentence,
            "against": region.side == "against",
            "peak": [float(place) for place in region.peak],
            "lines": [
                {"points": np.round(line.points, 1).ravel().tolist(), "closed": line.closed}
                for line in _find_lines(explanation, region)
            ],
        }
        for region, sentence in zip(regions, sentences, strict=True)
    ]


def _find_lines(explanation: Explanation, region: Region) -> list[Contour]:
    """Give the lines around a region: its border, and those of holes in it."""
    against = region.side == "against"
    lines = trace_contours(explanation, (region.level,), against=against)
    lines = [line for line in lines if (line.level < 0) == against]
    left, top, right, bottom = region.box
    # Half a sample lies between where a line and the box of the samples within it run.
    near = max(right - left, bottom - top, 1.0) * 0.02 + _measure_sample(explanation)
    inside, border = [], []
    for line in lines:
        low, high = line.points.min(axis=0), line.points.max(axis=0)
        if (low < (left - near, top - near)).any() or (high > (right + near, bottom + near)).any():
            continue
        inside.append(line)
        ends = np.abs(np.concatenate([low, high]) - (left, top, right, bottom))
        if line.closed and (ends <= near).all():
            border.append(line)
    if not border:
        return inside  # It runs along the edge of the map, where its line is open.
    # A hole runs round the other way; what runs the same way is another, smaller region.
    turn = np.sign(_measure_area(border[0]))
    return border[:1] + [line for line in inside if np.sign(_measure_area(line)) == -turn]


def _measure_sample(explanation: Explanation) -> float:
    left, top, right, bottom = explanation.box
    return max(right - left, bottom - top) / 96.0


def _measure_area(line: Contour) -> float:
    x, y = line.points.T
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2.0)


def _reduce(film: DisplayFilm) -> tuple[NDArray[np.uint16], NDArray[np.bool_] | None]:
    """Average the values over the px of the screen, padding left out."""
    height_px, width_px = film.values.shape
    zoom = min(1.0, MAX_SIDE_PX / max(height_px, width_px))
    zoom = min(zoom, (_MAX_PIXELS / (height_px * width_px)) ** 0.5)
    size = max(1, round(width_px * zoom)), max(1, round(height_px * zoom))
    padding = None
    if film.padding is not None:
        padding = (film.values >= film.padding[0]) & (film.values <= film.padding[1])
        padding = padding if padding.any() else None
    if zoom == 1.0:
        return film.values, padding
    values = film.values.astype(np.float32)
    if padding is None:
        return np.rint(_average(values, size)).astype(np.uint16), None
    share = _average((~padding).astype(np.float32), size)
    total = _average(np.where(padding, np.float32(0.0), values), size)
    mean = total / np.maximum(share, np.float32(1e-6))
    mean = np.clip(mean, 0.0, len(film.modality) - 1.0)
    return np.rint(mean).astype(np.uint16), share < 0.5


def _average(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BOX))


def _choose_step(values: NDArray[np.uint16], span: int) -> int:
    """Give the step of values that is small beside the film's noise: a power of two."""
    rows = values[:: max(1, len(values) // 256)].astype(np.int32)
    noise = float(np.median(np.abs(np.diff(rows, axis=1)))) if rows.shape[1] > 1 else 0.0
    step = 1
    while 2 * step * _STEPS_IN_NOISE <= noise and span // (2 * step) >= _LEAST_STEPS:
        step *= 2
    return step


def _find_line(modality: NDArray[np.float64]) -> tuple[float, float] | None:
    """Give intercept and slope of modality values that lie on a straight line."""
    if len(modality) < 2:
        return float(modality[0]), 1.0
    slope = float(modality[-1] - modality[0]) / (len(modality) - 1)
    line = modality[0] + slope * np.arange(len(modality))
    near = 1e-9 * max(float(np.abs(modality).max()), 1.0)
    return (float(modality[0]), slope) if np.abs(line - modality).max() <= near else None


def _difference(index: NDArray[np.int32]) -> bytes:
    """Give the differences between neighbours: zigzag, high bytes before low bytes."""
    before = np.zeros_like(index)
    before[:, 1:] = index[:, :-1]
    before[1:, 0] = index[:-1, 0]
    # Modulo 65,536, in whose arithmetic the browser adds them up again.
    difference = (index - before).astype(np.int16).astype(np.int32)
    zigzag = ((difference << 1) ^ (difference >> 31)).astype(np.uint16)
    return (zigzag >> 8).astype(np.uint8).tobytes() + (zigzag & 255).astype(np.uint8).tobytes()


def _to_base64(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
