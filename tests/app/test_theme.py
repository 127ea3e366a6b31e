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


@pytest.mark.parametrize("text", [theme.TEXT, theme.MUTED, theme.ACCENT])
@pytest.mark.parametrize("ground", [theme.GROUND, theme.SURFACE, theme.RAISED, theme.FILM_GROUND])
def test_text_reaches_aa_on_every_ground(text: str, ground: str) -> None:
    assert _contrast(text, ground) >= 4.5


@pytest.mark.parametrize("mark", [theme.ACCENT, theme.BAR])
def test_marks_of_the_scale_stand_out(mark: str) -> None:
    assert _contrast(mark, theme.RAISED) >= 3.0


def test_style_sheet_fetches_nothing() -> None:
    assert not re.search(r"https?:|//[a-z]|@import|url\(", theme.STYLE_SHEET)


def test_streamlit_knows_every_option_of_the_theme() -> None:
    config = pytest.importorskip("streamlit.config")
    for name in theme.STREAMLIT_THEME:
        assert f"theme.{name}" in config.get_config_options()


def test_icon_is_a_picture_of_our_own() -> None:
    icon = theme.draw_icon()
    assert icon.size == (64, 64)
    assert len(icon.getcolors(64 * 64) or []) > 2
