from __future__ import annotations

import re

import pytest

from hilum.app import theme


def _luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", theme.PALETTES.values(), ids=theme.PALETTES)
@pytest.mark.parametrize("ground", ["ground", "surface", "raised"])
@pytest.mark.parametrize("text", ["text", "muted", "accent"])
def test_text_reaches_aa_on_every_ground(text: str, ground: str, palette: theme.Palette) -> None:
    assert _contrast(getattr(palette, text), getattr(palette, ground)) >= 4.5


@pytest.mark.parametrize("palette", theme.PALETTES.values(), ids=theme.PALETTES)
def test_marks_stand_out(palette: theme.Palette) -> None:
    assert _contrast(palette.accent, palette.raised) >= 3.0
    assert _contrast(palette.bar, palette.raised) >= 3.0
    for name, color in palette.series.items():
        assert _contrast(color, palette.ground) >= 3.0, name


def test_films_lie_on_black_in_every_theme() -> None:
    assert {palette.film_ground for palette in theme.PALETTES.values()} == {"#000000"}


@pytest.mark.parametrize("palette", theme.PALETTES.values(), ids=theme.PALETTES)
def test_style_sheet_fetches_nothing(palette: theme.Palette) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|url\(", theme.write_style_sheet(palette))


def test_streamlit_knows_every_option_of_the_theme() -> None:
    config = pytest.importorskip("streamlit.config")
    for name in theme.describe_theme(theme.DARK):
        assert f"theme.{name}" in config.get_config_options()


def test_icon_is_a_picture_of_our_own() -> None:
    icon = theme.draw_icon()
    assert icon.size == (64, 64)
    assert len(icon.getcolors(64 * 64) or []) > 2
