"""Letters in pictures: how they are set and where lines of text break."""

from __future__ import annotations

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def load_font(letter_px: int) -> Font:
    """Load the font that comes with Pillow."""
    return ImageFont.load_default(letter_px)


def wrap_text(text: str, font: Font, width_px: float) -> list[str]:
    """Break text between words so that no line is wider, save where a word alone is."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width_px:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
