"""Film and map in a PDF report, side by side, with the legend in letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from hilum.language import Text
from hilum.report.colormaps import Scale, choose_colormap, choose_scale, get_colormap
from hilum.report.legend import make_bar, make_key
from hilum.report.overlay import draw_film, draw_overlay
from hilum.report.pdf_sheet import COLUMN, GAP, HEADING, MARGIN, QUIET, Sheet, Style

if TYPE_CHECKING:
    from hilum.types import Explanation, Prediction, Region

# Of a column, 3.5 in wide: 200 dots an inch.
PICTURE_PX = 720


class Pictures:
    """Film and map side by side, with the legend below the map."""

    def __init__(
        self,
        sheet: Sheet,
        prediction: Prediction,
        explanation: Explanation,
        regions: Sequence[Region],
    ) -> None:
        self._sheet = sheet
        self._film = prediction.radiograph
        self._explanation = explanation
        self._regions = regions

    def draw(
        self, top: float, height: float, opacity: float, colormap: str | None, scale: Scale
    ) -> float:
        """Draw them below ``top``; give where the legend ends."""
        sheet, explanation = self._sheet, self._explanation
        name, limit = choose_colormap(explanation, colormap), choose_scale(explanation, scale)
        film = draw_film(self._film, max_side_px=PICTURE_PX)
        overlay = draw_overlay(
            self._film,
            explanation,
            opacity=opacity,
            colormap=name,
            scale=limit,
            max_side_px=PICTURE_PX,
        )
        size = fit_picture(film.size, height)
        right = MARGIN + COLUMN + GAP
        own = explanation.method == "evidence"
        method = Text("Evidence, by {method}", method=explanation.method)
        sheet.write(Text("Film"), MARGIN, top - 9.0, HEADING)
        sheet.write(Text("Evidence") if own else method, right, top - 9.0, HEADING)
        top -= 14.0
        indent = (COLUMN - size[0]) / 2
        sheet.draw_picture(film, MARGIN + indent, top, size)
        sheet.draw_picture(overlay, right + indent, top, size)
        self._outline(right + indent, top, size)
        key = make_key(
            get_colormap(name),
            limit,
            target=explanation.target,
            unit=explanation.unit,
            contours=(),
            scaled_to_film=scale == "auto",
        )
        bar = make_bar(get_colormap(name), key, opacity, 256)[None]
        y = top - size[1] - 14.0
        small = Style(size=7.0, color=QUIET)
        sheet.write(key.against, right, y, small)
        sheet.write(key.toward, right + COLUMN, y, small, right=True)
        sheet.draw_picture(Image.fromarray(bar), right, y - 3.0, (COLUMN, 6.0))
        for value, label in key.ticks:
            place = key.place(value)
            width = sheet.measure_line(label, small)
            sheet.write(label, right + place * (COLUMN - width), y - 17.0, small)
        for number, caption in enumerate(key.captions):
            sheet.write(caption, right, y - 27.0 - 9.0 * number, small)
        outlined = Text("Boxes: the regions below, with their numbers.")
        if self._regions:
            sheet.write(outlined, MARGIN, y, small)
        return y - 32.0 - 9.0 * len(key.captions)

    def _outline(self, x: float, top: float, size: tuple[float, float]) -> None:
        """Draw the regions' boxes with their numbers, white with a dark edge."""
        pen = self._sheet.canvas
        rows, columns = self._film.pixels.shape
        zoom = size[0] / columns, size[1] / rows
        for number, region in enumerate(self._regions, 1):
            left, upper, right, lower = (
                min(max(edge * zoom[axis % 2], 0.0), size[axis % 2])
                for axis, edge in enumerate(region.box)
            )
            for color, width in (("#000000", 1.8), ("#ffffff", 0.8)):
                pen.setStrokeColor(color)
                pen.setLineWidth(width)
                pen.rect(x + left, top - lower, right - left, lower - upper)
            pen.setFillColor("#000000")
            pen.rect(x + left, top - upper - 9.5, 9.0, 9.5, stroke=0, fill=1)
            label = Style(size=7.5, bold=True, color="#ffffff")
            self._sheet.write(str(number), x + left + 2.3, top - upper - 7.6, label)


def fit_picture(size_px: tuple[int, int], height: float) -> tuple[float, float]:
    """Give a picture's size in points: no wider than a column, no higher than ``height``."""
    zoom = min(COLUMN / size_px[0], height / size_px[1])
    return size_px[0] * zoom, size_px[1] * zoom
