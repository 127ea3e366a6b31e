"""The film beside its evidence, with the legend and words: one picture that can stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from hilum.language import translate
from hilum.report.colormaps import Scale, choose_colormap, choose_scale
from hilum.report.legend import draw_legend
from hilum.report.lettering import load_font, wrap_text
from hilum.report.overlay import draw_film, draw_overlay

if TYPE_CHECKING:
    from hilum.types import Explanation, Radiograph

GROUND, TEXT = "#000000", "#d6d6d6"
# Narrower than this, words and legend are not legible; the film stands in the middle.
MIN_COLUMN_PX = 240


def draw_panel(
    radiograph: Radiograph,
    explanation: Explanation,
    *,
    text: str = "",
    opacity: float = 0.6,
    colormap: str | None = None,
    scale: Scale = None,
    contours: Sequence[float] = (),
    max_side_px: int | None = None,
    language: str = "en",
) -> Image.Image:
    """Draw the film and, beside it, the film with the evidence; below, words and the legend.

    Parameters
    ----------
    text
        What stands below the film, e.g. the answer and which model gave it. It becomes part of
        the picture: name no patient.
    scale
        As for :func:`hilum.report.draw_overlay`, or ``"auto"``: the map's own strongest cell,
        which the legend then says.
    opacity, colormap, contours
        As for :func:`hilum.report.draw_overlay`.
    max_side_px
        Reduce both pictures so that their longer sides are no more than this.
    language
        One of :data:`hilum.language.LANGUAGES`, for the legend and for ``text``.

    Returns
    -------
    An RGB picture.

    Raises
    ------
    ConfigError
        An option is out of its range.
    """
    name, limit = choose_colormap(explanation, colormap), choose_scale(explanation, scale)
    overlay = draw_overlay(
        radiograph,
        explanation,
        opacity=opacity,
        colormap=name,
        scale=limit,
        contours=contours,
        max_side_px=max_side_px,
    )
    column = max(overlay.width, MIN_COLUMN_PX)
    legend = draw_legend(
        colormap=name,
        scale=limit,
        opacity=opacity,
        contours=contours,
        width_px=column,
        target=explanation.target,
        unit=explanation.unit,
        scaled_to_film=scale == "auto",
        background=GROUND,
        foreground=TEXT,
        language=language,
    )
    words = _draw_words(translate(text, language), column)
    gap = max(2, column // 60)
    lower = max(legend.height, words.height) + column // 40
    panel = Image.new("RGB", (2 * column + gap, overlay.height + lower), GROUND)
    indent = (column - overlay.width) // 2
    panel.paste(draw_film(radiograph, max_side_px=max_side_px).convert("RGB"), (indent, 0))
    panel.paste(overlay, (column + gap + indent, 0))
    panel.paste(words, (0, overlay.height))
    panel.paste(legend, (column + gap, overlay.height))
    return panel


def _draw_words(text: str, width_px: int) -> Image.Image:
    letter_px = max(10, width_px // 36)
    font = load_font(letter_px)
    lines = wrap_text(text, font, width_px - 2 * letter_px)
    height_px = round((1.5 + 1.4 * len(lines)) * letter_px)
    words = Image.new("RGB", (width_px, height_px), GROUND)
    draw = ImageDraw.Draw(words)
    for number, line in enumerate(lines):
        y = round((1.5 + 1.4 * number) * letter_px)
        draw.text((letter_px, y), line, TEXT, font, anchor="lm")
    return words
