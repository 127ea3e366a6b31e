"""Letters in pictures: the font, how lines of text break, and what an SVG asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PIL import ImageFont

from hilum.errors import MissingExtraError

# Noto Sans KR, reduced to Latin, signs and the Hangul of KS X 1001; OFL.txt beside it is its
# licence, and tests/make_font.py has made it.
FONTS = Path(__file__).parent / "fonts"
FAMILY = "Noto Sans KR"

SVG_FAMILIES = (
    "Helvetica, Arial, 'Noto Sans KR', 'Noto Sans CJK KR', 'Apple SD Gothic Neo', "
    "'Malgun Gothic', sans-serif"
)
"""An SVG is lettered by its viewer: these have Latin, and then Hangul, on common systems."""

Font = ImageFont.FreeTypeFont
Weight = Literal["Regular", "Bold"]


def find_font(weight: Weight = "Regular") -> Path:
    """Give the path of the font that comes with hilum, in TrueType outlines."""
    return FONTS / f"NotoSansKR-{weight}.ttf"


def load_font(letter_px: int) -> Font:
    """Load the font for drawing with Pillow."""
    # The simple layout is the same on every machine, and Hangul syllables need no other.
    return ImageFont.truetype(find_font(), letter_px, layout_engine=ImageFont.Layout.BASIC)


def register_font() -> list[str]:
    """Tell matplotlib of the font; give the families to set as ``font.family``.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    try:
        from matplotlib.font_manager import fontManager
    except ImportError as error:
        raise MissingExtraError("lab", "draw figures") from error
    for path in (find_font("Regular"), find_font("Bold")):
        if all(Path(entry.fname) != path for entry in fontManager.ttflist):
            fontManager.addfont(path)
    # What the reduced font leaves out is in matplotlib's own.
    return [FAMILY, "DejaVu Sans"]


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
