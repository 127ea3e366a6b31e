"""The legend: which colour is how much evidence, and where the lines are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image, ImageDraw

from hilum.errors import ConfigError
from hilum.explain import check_levels
from hilum.language import Text, list_texts, recall, translate
from hilum.report.colormaps import (
    DEFAULT_SCALE,
    Colormap,
    encode_evidence,
    get_colormap,
    make_color_table,
    make_opacity_table,
)
from hilum.report.lettering import load_font, wrap_text
from hilum.report.lines import EDGE, INK

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The bar lies on the grey of a film's middle tones, as the colours do on the film.
_FILM_GREY = 110


@dataclass(frozen=True, slots=True)
class Key:
    """What a legend says.

    low, high
        Values at the ends of the bar.
    ticks
        Values below the bar, with their labels.
    against, toward
        What stands above the bar's ends; empty where there is nothing to say.
    captions
        Sentences below the ticks.
    lines
        Levels of contours that lie on the bar, below zero against the target.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    against: Text
    toward: Text
    captions: tuple[Text, ...]
    lines: tuple[float, ...]

    def place(self, value: float) -> float:
        """Give where a value lies on the bar, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)


def make_key(
    colors: Colormap,
    scale: float,
    *,
    target: str,
    unit: Literal["logit", "relative"],
    contours: Sequence[float],
    scaled_to_film: bool,
) -> Key:
    """Make the words and figures of a legend; the options are those of :func:`draw_legend`.

    Raises
    ------
    ConfigError
        A level of ``contours`` or the scale is not a number above zero.
    """
    check_levels(contours)
    check_levels((scale,))
    low = -scale if colors.against is not None else 0.0
    relative = unit == "relative"
    share, logits = Text("share of the map's largest cell"), Text("evidence per cell, in logits")
    captions = [share if relative else logits]
    if contours:
        levels = list_texts(f"{level:g}" for level in contours)
        captions.append(
            Text("lines at {levels}", levels=levels)
            if colors.against is None
            else Text("lines at {levels}: solid for, dashed against", levels=levels)
        )
    if scaled_to_film:
        captions.append(Text("scaled to this film: other films have other colours"))
    signed = (*contours, *(-level for level in contours if low))
    return Key(
        low=low,
        high=scale,
        ticks=tuple((tick, _label(tick, relative)) for tick in np.linspace(low, scale, 5).tolist()),
        against=Text("against {label}", label=recall(target)) if low else recall(""),
        # A map whose largest cell is 1 may be the same for both labels.
        toward=recall("") if relative else Text("for {label}", label=recall(target)),
        captions=tuple(captions),
        lines=tuple(level for level in signed if abs(level) <= scale),
    )


def make_bar(colors: Colormap, key: Key, opacity: float, samples: int) -> NDArray[np.uint8]:
    """Give the colours of the bar from one end to the other, shape (samples, 3)."""
    values = np.linspace(key.low, key.high, samples, dtype=np.float32)
    codes = encode_evidence(values, key.high)
    alpha = make_opacity_table(colors, opacity)[codes][:, None] / 255.0
    bar = make_color_table(colors)[codes] * alpha + _FILM_GREY * (1.0 - alpha)
    return np.rint(bar).astype(np.uint8)


def draw_legend(
    *,
    colormap: str = "evidence",
    scale: float | None = None,
    opacity: float = 0.6,
    contours: Sequence[float] = (),
    width_px: int = 480,
    target: str = "pneumonia",
    unit: Literal["logit", "relative"] = "logit",
    scaled_to_film: bool = False,
    background: str = "#000000",
    foreground: str = "#d6d6d6",
    language: str = "en",
) -> Image.Image:
    """Draw the colour bar with its ticks in the map's unit.

    Parameters
    ----------
    colormap, scale, opacity, contours
        As they were given to :func:`hilum.report.draw_overlay`; the bar shows the same
        colours over a middle grey, and the same lines.
    width_px
        Width of the picture; heights and letters follow it.
    target
        What positive evidence speaks for.
    unit
        Of the map, see :class:`hilum.types.Explanation`.
    scaled_to_film
        Say that the scale is this film's own.
    background, foreground
        Colours of the picture and of its letters.
    language
        One of :data:`hilum.language.LANGUAGES`.

    Returns
    -------
    An RGB picture.

    Raises
    ------
    ConfigError
        An option is out of its range.
    """
    if width_px < 120:
        raise ConfigError(f"width_px must be 120 or more, not {width_px}.")
    colors = get_colormap(colormap)
    limit = DEFAULT_SCALE if scale is None else scale
    key = make_key(
        colors,
        limit,
        target=target,
        unit=unit,
        contours=contours,
        scaled_to_film=scaled_to_film,
    )
    letter_px = max(10, width_px // 30)
    margin, bar_px = 2 * letter_px, round(1.2 * letter_px)
    font = load_font(letter_px)
    against, toward = translate(key.against, language), translate(key.toward, language)
    captions = [
        line for one in key.captions for line in wrap_text(translate(one, language), font, width_px)
    ]
    height_px = round((3.6 + 1.4 * len(captions)) * letter_px) + bar_px
    legend = Image.new("RGB", (width_px, height_px), background)
    bar = make_bar(colors, key, opacity, width_px - 2 * margin)[None]
    legend.paste(Image.fromarray(np.repeat(bar, bar_px, axis=0)), (margin, 2 * letter_px))
    draw = ImageDraw.Draw(legend)
    _draw_lines(draw, key, (margin, 2 * letter_px, bar.shape[1], bar_px))
    ends_y, ticks_y = 2 * letter_px - letter_px // 2, 2 * letter_px + bar_px
    draw.text((margin, ends_y), against, foreground, font, anchor="ls")
    draw.text((width_px - margin, ends_y), toward, foreground, font, anchor="rs")
    for value, label in key.ticks:
        x = margin + round(key.place(value) * (bar.shape[1] - 1))
        draw.line([(x, ticks_y), (x, ticks_y + letter_px // 3)], foreground)
        draw.text((x, ticks_y + letter_px // 2), label, foreground, font, anchor="mt")
    for number, line in enumerate(captions):
        y = ticks_y + round((2.4 + 1.4 * number) * letter_px)
        draw.text((width_px / 2, y), line, foreground, font, anchor="mm")
    return legend


def _draw_lines(draw: ImageDraw.ImageDraw, key: Key, bar: tuple[int, int, int, int]) -> None:
    """Draw the contours' levels across the bar: ``(left, top, width, height)`` in px."""
    left, top, width, height = bar
    ink = max(1, height // 10)
    for level in key.lines:
        x = left + round(key.place(level) * (width - 1))
        draw.line([(x, top), (x, top + height - 1)], EDGE, 3 * ink)
        dashes = range(top, top + height, 5 * ink) if level < 0 else (top,)
        length = 3 * ink if level < 0 else height
        for start in dashes:
            end = min(start + length, top + height) - 1
            draw.line([(x, start), (x, end)], INK, ink)


def _label(value: float, relative: bool) -> str:
    if not value:
        return "0"
    return f"{value:.3g}" if relative else f"{value:+.3g}"
