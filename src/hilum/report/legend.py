"""The legend: which colour is how much evidence."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hilum.errors import ConfigError
from hilum.report.colormaps import (
    DEFAULT_SCALE,
    encode_evidence,
    get_colormap,
    make_color_table,
    make_opacity_table,
)

# The bar lies on the grey of a film's middle tones, as the colours do on the film.
_FILM_GREY = 110


def draw_legend(
    *,
    colormap: str = "evidence",
    scale: float | None = None,
    opacity: float = 0.6,
    width_px: int = 480,
    target: str = "pneumonia",
    background: str = "#000000",
    foreground: str = "#d6d6d6",
) -> Image.Image:
    """Draw the colour bar with its ticks in logit units.

    Parameters
    ----------
    colormap, scale, opacity
        As they were given to :func:`hilum.report.draw_overlay`; the bar shows the same
        colours over a middle grey.
    width_px
        Width of the picture; heights and letters follow it.
    target
        What positive evidence speaks for.
    background, foreground
        Colours of the picture and of its letters.

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
    low = -limit if colors.against is not None else 0.0
    letter_px = max(10, width_px // 30)
    font = ImageFont.load_default(letter_px)
    margin, bar_px = 2 * letter_px, round(1.2 * letter_px)
    bar_width = width_px - 2 * margin
    values = np.linspace(low, limit, bar_width, dtype=np.float32)[None]
    codes = encode_evidence(values, limit)
    alpha = make_opacity_table(colors, opacity)[codes][..., None] / 255.0
    bar = make_color_table(colors)[codes] * alpha + _FILM_GREY * (1.0 - alpha)
    strip = np.repeat(np.rint(bar).astype(np.uint8), bar_px, axis=0)

    legend = Image.new("RGB", (width_px, 5 * letter_px + bar_px), background)
    bar_top = 2 * letter_px
    legend.paste(Image.fromarray(strip), (margin, bar_top))
    draw = ImageDraw.Draw(legend)
    caption_y = bar_top - letter_px // 2
    if colors.against is not None:
        draw.text((margin, caption_y), f"against {target}", foreground, font, anchor="ls")
    draw.text((width_px - margin, caption_y), f"for {target}", foreground, font, anchor="rs")
    ticks_y = bar_top + bar_px
    for tick in np.linspace(low, limit, 5):
        x = margin + round((tick - low) / (limit - low) * (bar_width - 1))
        draw.line([(x, ticks_y), (x, ticks_y + letter_px // 3)], foreground)
        label = f"{tick:+g}" if tick else "0"
        draw.text((x, ticks_y + letter_px // 2), label, foreground, font, anchor="mt")
    draw.text(
        (width_px / 2, ticks_y + round(2.4 * letter_px)),
        "evidence per cell, in logits",
        foreground,
        font,
        anchor="mm",
    )
    return legend
