"""The picture as SVG: film and colours as images, and all else as lines and text.

The file is whole in itself and runs nothing: images are data URIs, and text is escaped.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from hilum.explain import trace_contours
from hilum.language import Language, Text, check_language, recall, translate
from hilum.report.colormaps import (
    Colormap,
    Scale,
    choose_colormap,
    choose_scale,
    get_colormap,
    make_color_table,
    make_opacity_table,
)
from hilum.report.legend import Key, make_bar, make_key
from hilum.report.lettering import SVG_FAMILIES, load_font, wrap_text
from hilum.report.lines import DASH, EDGE, EDGE_OPACITY, EDGE_WIDTHS, INK, measure_line
from hilum.report.overlay import draw_codes, draw_film, measure_zoom
from hilum.report.panel import GROUND, MIN_COLUMN_PX, TEXT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hilum.explain import Contour
    from hilum.types import Explanation, Radiograph, Region

# The colours are smooth: a viewer enlarges them, and nobody sees where.
_COLOR_SIDE_PX = 512
_BAR_STOPS = 33
# XML 1.0 has no place for these, escaped or not.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Where a line carries its label, level by level, so that labels of nested lines keep apart.
_LABEL_DIRECTIONS = ((0, 1), (1, 0), (0, -1), (-1, 0))


def draw_svg(
    radiograph: Radiograph,
    explanation: Explanation,
    *,
    text: str = "",
    regions: Sequence[Region] = (),
    panel: bool = False,
    opacity: float = 0.6,
    colormap: str | None = None,
    scale: Scale = None,
    contours: Sequence[float] = (),
    max_side_px: int | None = 1024,
    language: str = "en",
) -> str:
    """Draw the film with its evidence, the legend and words as one self-contained SVG.

    Parameters
    ----------
    text
        What stands below the picture. It becomes part of the file: name no patient.
    regions
        From :meth:`hilum.types.Explanation.regions`: boxes with numbers, and their sentences
        below the picture.
    panel
        Show the film alone beside it.
    opacity, colormap, contours
        As for :func:`hilum.report.draw_overlay`.
    scale
        As for :func:`hilum.report.draw_panel`.
    max_side_px
        Reduce film and colours so that the longer side is no more than this; ``None`` keeps the
        film's own size. Lines and letters are sharp at any.
    language
        One of :data:`hilum.language.LANGUAGES`.

    Returns
    -------
    The text of the file.

    Raises
    ------
    ConfigError
        An option is out of its range.
    """
    colors = get_colormap(choose_colormap(explanation, colormap))
    limit = choose_scale(explanation, scale)
    key = make_key(
        colors,
        limit,
        target=explanation.target,
        unit=explanation.unit,
        contours=contours,
        scaled_to_film=scale == "auto",
    )
    film = draw_film(radiograph, max_side_px=max_side_px)
    sheet = _Sheet(film.size, panel=panel, language=check_language(language))
    against = explanation.signed and colors.against is not None
    zoom = measure_zoom(radiograph, film.size)
    layers = [
        f'<use href="#film" x="{sheet.picture_x:g}"/>',
        f'<g transform="translate({sheet.picture_x:g} 0)" clip-path="url(#edge)">',
        _embed(_color(radiograph, explanation, film.size, colors, opacity, limit), film.size),
        _render_contours(trace_contours(explanation, contours, against=against), zoom, sheet),
        _render_regions(regions, zoom, sheet),
        "</g>",
    ]
    if panel:
        layers.append(f'<use href="#film" x="{sheet.indent:g}"/>')
    sentences = [translate(region.sentence, language) for region in regions]
    words = [
        translate(text, language),
        *(f"{number}. {sentence}" for number, sentence in enumerate(sentences, 1)),
    ]
    below, height = _render_below(words, key, make_bar(colors, key, opacity, _BAR_STOPS), sheet)
    title = Text(
        "Film with a map by {method} for {label}",
        method=explanation.method,
        label=recall(explanation.target),
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" data-software="hilum" role="img" '
            f'lang="{sheet.language}" width="{sheet.width:g}" height="{height:g}" '
            f'viewBox="0 0 {sheet.width:g} {height:g}" font-family="{SVG_FAMILIES}" '
            f'font-size="{sheet.letter:g}">',
            f"<title>{to_xml(translate(title, language))}</title>",
            f"<desc>{to_xml(' '.join(words))}</desc>",
            f'<defs><clipPath id="edge"><rect width="{film.width}" height="{film.height}"/>'
            f'</clipPath><g id="film">{_embed(film, film.size)}</g></defs>',
            f'<rect width="100%" height="100%" fill="{GROUND}"/>',
            *layers,
            *below,
            "</svg>\n",
        ]
    )


def to_xml(text: str) -> str:
    """Escape text for XML, without the characters that XML cannot hold."""
    return escape(_NO_XML.sub("", text))


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Where things stand, in px of the picture.

    film
        Width and height of the drawn film.
    panel
        Whether the film alone stands on the left.
    language
        That all words are said in.
    """

    film: tuple[int, int]
    panel: bool
    language: Language

    @property
    def column(self) -> int:
        return max(self.film[0], MIN_COLUMN_PX)

    @property
    def gap(self) -> int:
        return max(2, self.column // 60) if self.panel else 0

    @property
    def indent(self) -> float:
        return (self.column - self.film[0]) / 2

    @property
    def right(self) -> int:
        """Left edge of the column that holds picture and legend."""
        return self.column + self.gap if self.panel else 0

    @property
    def picture_x(self) -> float:
        return self.right + self.indent

    @property
    def width(self) -> int:
        return self.right + self.column

    @property
    def letter(self) -> float:
        return max(10.0, self.column / 40)

    @property
    def line(self) -> float:
        return measure_line(self.film)


def _embed(image: Image.Image, size: tuple[int, int]) -> str:
    buffer = BytesIO()
    image.save(buffer, format="PNG")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return (
        f'<image width="{size[0]}" height="{size[1]}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{data}"/>'
    )


def _color(
    radiograph: Radiograph,
    explanation: Explanation,
    size: tuple[int, int],
    colors: Colormap,
    opacity: float,
    scale: float,
) -> Image.Image:
    """Draw the colours alone, transparent where there is no evidence."""
    reduced = max(1.0, max(size) / _COLOR_SIDE_PX)
    small = (max(1, round(size[0] / reduced)), max(1, round(size[1] / reduced)))
    codes = draw_codes(radiograph, explanation, small, scale)
    alpha = codes.point(make_opacity_table(colors, opacity).tolist())
    codes.putpalette(make_color_table(colors).tobytes())
    colored = codes.convert("RGB")
    colored.putalpha(alpha)
    return colored


def _render_contours(contours: Sequence[Contour], zoom: tuple[float, float], sheet: _Sheet) -> str:
    levels = sorted({abs(contour.level) for contour in contours})
    paths, labels = [], []
    for contour in contours:
        points = contour.points * zoom
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points.tolist())
        path = f"M{path}{'Z' if contour.closed else ''}"
        dash = _render_dash(sheet.line) if contour.level < 0 else ""
        paths.append(_render_outlined(f'<path d="{path}"{dash}', sheet.line))
        direction = _LABEL_DIRECTIONS[levels.index(abs(contour.level)) % len(_LABEL_DIRECTIONS)]
        x, y = points[int((points @ np.asarray(direction)).argmax())]
        # A line in the padding is not seen, and round so small a one is no room for a label.
        on_film = 0.0 <= x <= sheet.film[0] and 0.0 <= y <= sheet.film[1]
        if on_film and np.ptp(points, axis=0).max() > 3 * sheet.letter:
            labels.append(_render_label(f"{contour.level:+g}", x, y, sheet, anchor="middle"))
    return f'<g id="contours" fill="none">{"".join(paths)}</g>{"".join(labels)}'


def _render_regions(regions: Sequence[Region], zoom: tuple[float, float], sheet: _Sheet) -> str:
    boxes = []
    for number, region in enumerate(regions, 1):
        left, top, right, bottom = (edge * zoom[axis % 2] for axis, edge in enumerate(region.box))
        dash = _render_dash(sheet.line / 2) if region.side == "against" else ""
        box = (
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
            f'height="{bottom - top:.1f}" fill="none"{dash}'
        )
        label = f"{number}: {100 * region.evidence_share:.0f} %"
        boxes.append(
            f"<g><title>{to_xml(translate(region.sentence, sheet.language))}</title>"
            f"{_render_outlined(box, sheet.line / 2)}"
            f"{_render_label(label, left, top - 0.6 * sheet.letter, sheet)}</g>"
        )
    return f'<g id="regions">{"".join(boxes)}</g>'


def _render_dash(width: float) -> str:
    return f' stroke-dasharray="{DASH[0] * width:.1f} {DASH[1] * width:.1f}"'


def _render_outlined(shape: str, width: float) -> str:
    """Render a shape twice, from its open tag: a dark edge below a light line."""
    return (
        f'{shape} stroke="{EDGE}" stroke-opacity="{EDGE_OPACITY}" '
        f'stroke-width="{EDGE_WIDTHS * width:.2f}"/>{shape} stroke="{INK}" '
        f'stroke-width="{width:.2f}"/>'
    )


def _render_label(text: str, x: float, y: float, sheet: _Sheet, *, anchor: str = "start") -> str:
    # Whole on the film, even where what it names is at its edge.
    room = 0.8 * sheet.letter
    left, right = (2 * room, 2 * room) if anchor == "middle" else (0.3 * room, 5 * room)
    x = max(min(x, sheet.film[0] - right), left)
    y = max(min(y, sheet.film[1] - room), room)
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" dy="0.35em" text-anchor="{anchor}" '
        f'font-size="{0.85 * sheet.letter:.1f}" fill="{INK}" stroke="{EDGE}" '
        f'stroke-width="{0.2 * sheet.letter:.1f}" paint-order="stroke">{to_xml(text)}</text>'
    )


def _render_below(
    words: Sequence[str], key: Key, bar: NDArray[np.uint8], sheet: _Sheet
) -> tuple[list[str], float]:
    """Render legend and words, beside one another in a panel; give the height of all, too."""
    top = float(sheet.film[1])
    legend, legend_height = _render_legend(key, bar, sheet)
    words_top = top if sheet.panel else top + legend_height
    # Viewers choose their own letters: a tenth is left for wider ones.
    font = load_font(round(1.1 * sheet.letter))
    lines = [
        line for one in words for line in wrap_text(one, font, sheet.column - 2 * sheet.letter)
    ]
    texts = [
        f'<text x="{sheet.letter:g}" y="{words_top + (1.6 + 1.4 * number) * sheet.letter:.1f}" '
        f'fill="{TEXT}">{to_xml(line)}</text>'
        for number, line in enumerate(lines)
    ]
    words_height = (1.6 + 1.4 * len(lines)) * sheet.letter if lines else 0.0
    below = max(legend_height, words_height) if sheet.panel else legend_height + words_height
    placed = f'<g transform="translate({sheet.right} {top:g})">{legend}</g>'
    return [placed, *texts], float(np.ceil(top + below))


def _render_legend(key: Key, bar: NDArray[np.uint8], sheet: _Sheet) -> tuple[str, float]:
    """Render the legend as wide as a column, and give its height."""
    letter, margin = sheet.letter, 2 * sheet.letter
    width, high, bar_top = sheet.column - 2 * margin, 1.2 * letter, 2 * letter
    stops = "".join(
        f'<stop offset="{number / (len(bar) - 1):.4f}" stop-color="rgb({red},{green},{blue})"/>'
        for number, (red, green, blue) in enumerate(bar.tolist())
    )
    parts = [
        f'<defs><linearGradient id="bar">{stops}</linearGradient></defs>'
        f'<rect x="{margin:g}" y="{bar_top:g}" width="{width:g}" height="{high:g}" '
        'fill="url(#bar)"/>'
    ]
    for level in key.lines:
        dash = _render_dash(sheet.line / 2) if level < 0 else ""
        x = margin + key.place(level) * width
        line = f'<path d="M{x:.1f} {bar_top:g}v{high:g}"{dash}'
        parts.append(_render_outlined(line, sheet.line))
    texts = [
        (margin, bar_top - 0.5 * letter, "start", translate(key.against, sheet.language)),
        (margin + width, bar_top - 0.5 * letter, "end", translate(key.toward, sheet.language)),
    ]
    for value, label in key.ticks:
        x = margin + key.place(value) * width
        parts.append(f'<path d="M{x:.1f} {bar_top + high:g}v{letter / 3:.1f}" stroke="{TEXT}"/>')
        texts.append((x, bar_top + high + 1.35 * letter, "middle", label))
    font = load_font(round(letter))
    captions = [
        line
        for one in key.captions
        for line in wrap_text(translate(one, sheet.language), font, width)
    ]
    for number, line in enumerate(captions):
        y = bar_top + high + (2.8 + 1.4 * number) * letter
        texts.append((sheet.column / 2, y, "middle", line))
    parts += [
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{TEXT}">{to_xml(text)}</text>'
        for x, y, anchor, text in texts
        if text
    ]
    return "".join(parts), bar_top + high + (2.0 + 1.4 * len(captions)) * letter
