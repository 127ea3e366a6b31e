"""The font that comes with hilum: Latin and Hangul in pictures, figures and files."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from hilum.language import LANGUAGES
from hilum.report.lettering import FONTS, SVG_FAMILIES, find_font, load_font, register_font
from messages import collect_messages, read_catalogue


def draw_word(word: str, font: ImageFont.FreeTypeFont) -> bytes:
    image = Image.new("L", (60, 60))
    ImageDraw.Draw(image).text((5, 5), word, 255, font)
    return image.tobytes()


def read_characters(weight: str) -> set[int]:
    from fontTools.ttLib import TTFont

    with TTFont(FONTS / f"NotoSansKR-{weight}.ttf") as font:
        return set(font.getBestCmap())


@pytest.mark.parametrize("weight", ["Regular", "Bold"])
def test_the_font_has_every_character_that_hilum_says(weight: str) -> None:
    pytest.importorskip("fontTools")
    said = {char for message in collect_messages() for char in message.one + (message.many or "")}
    for language in LANGUAGES:
        for message in read_catalogue(language) if language != "en" else ():
            forms = [message.string] if isinstance(message.string, str) else message.string
            said |= {char for form in forms or () for char in form} if message.id else set()
    missing = {char for char in said if ord(char) not in read_characters(weight)} - {"\n"}
    assert not missing


def test_the_fonts_have_hangul_and_a_licence_and_are_small() -> None:
    pytest.importorskip("fontTools")
    for weight in ("Regular", "Bold"):
        syllables = [char for char in read_characters(weight) if 0xAC00 <= char <= 0xD7A3]
        assert len(syllables) == 2350
    assert sum(path.stat().st_size for path in FONTS.iterdir()) < 1_000_000
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "OFL.txt").read_text(encoding="utf-8")


def test_pictures_are_lettered_in_hangul() -> None:
    font = load_font(20)
    drawn = [draw_word(word, font) for word in ("폐", "렴", "정")]
    # A font without them draws the same empty box for each.
    assert len(set(drawn)) == 3
    assert all(np.frombuffer(picture, np.uint8).any() for picture in drawn)


def test_figures_are_lettered_in_hangul() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    families = register_font()
    assert register_font() == families
    with matplotlib.rc_context({"font.family": families}), warnings.catch_warnings():
        # matplotlib warns where a glyph is in no font.
        warnings.simplefilter("error")
        figure = Figure()
        figure.text(0.5, 0.5, "폐렴 민감도 ≥ 95 % ⁻¹")
        figure.savefig(BytesIO(), format="png")


def test_an_svg_names_fonts_with_hangul_behind_those_with_latin() -> None:
    families = SVG_FAMILIES.split(", ")
    assert families[0] == "Helvetica"
    assert {"'Noto Sans KR'", "'Malgun Gothic'", "'Apple SD Gothic Neo'"} < set(families)
    assert families[-1] == "sans-serif"
    assert '"' not in SVG_FAMILIES


def test_the_path_is_that_of_a_file() -> None:
    assert find_font().is_file()
    assert find_font("Bold").is_file()
