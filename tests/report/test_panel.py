"""Pictures that stand alone: film beside evidence, the legend, and words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from factories.radiographs import draw_noise, make_radiograph
from hilum.errors import ConfigError
from hilum.report import draw_film, draw_legend, draw_overlay, draw_panel
from hilum.report.colormaps import get_colormap
from hilum.report.legend import make_key
from hilum.report.lettering import load_font, wrap_text
from hilum.types import Explanation

FILM = make_radiograph(draw_noise(300, 260))
MAP = Explanation(
    np.random.default_rng(0).normal(0, 8, (6, 5)).astype(np.float32),
    (0.0, 0.0, 260.0, 300.0),
    "evidence",
    "pneumonia",
    0.0,
)
RELATIVE = replace(
    MAP,
    values=np.asarray(np.abs(MAP.values) / 40, dtype=np.float32),
    signed=False,
    unit="relative",
    scale=1.0,
)


def make_words(**options: Any) -> tuple[str, ...]:
    settings: dict[str, Any] = {
        "target": "pneumonia",
        "unit": "logit",
        "contours": (),
        "scaled_to_film": False,
    }
    key = make_key(get_colormap("evidence"), 16.0, **(settings | options))
    return (key.against, key.toward, *key.captions)


def test_film_and_overlay_stand_side_by_side() -> None:
    panel = draw_panel(FILM, MAP, contours=(4.0,))
    overlay = draw_overlay(FILM, MAP, contours=(4.0,))
    assert panel.crop((0, 0, 260, 300)).tobytes() == draw_film(FILM).convert("RGB").tobytes()
    beside = panel.crop((panel.width - 260, 0, panel.width, 300))
    assert beside.tobytes() == overlay.tobytes()
    legend = draw_legend(contours=(4.0,), width_px=260, foreground="#d6d6d6")
    shown = panel.crop((panel.width - 260, 300, panel.width, 300 + legend.height))
    assert shown.tobytes() == legend.tobytes()


def test_words_stand_below_the_film_and_are_all_there() -> None:
    plain = draw_panel(FILM, MAP)
    short, long = draw_panel(FILM, MAP, text="normal"), draw_panel(FILM, MAP, text="word " * 200)
    assert short.size == plain.size
    assert np.asarray(short)[300:, :260].any()
    assert not np.asarray(plain)[300:, :260].any()
    assert long.height > plain.height
    # The last line is not cut off by the picture's end.
    assert not np.asarray(long)[-2:, :260].any()


def test_a_narrow_film_has_room_for_its_legend() -> None:
    thin = make_radiograph(draw_noise(200, 40))
    panel = draw_panel(thin, replace(MAP, box=(0.0, 0.0, 40.0, 200.0)), text="normal")
    assert panel.width > 480
    assert panel.crop((100, 0, 140, 200)).tobytes() == draw_film(thin).convert("RGB").tobytes()


def test_a_panel_is_reduced() -> None:
    panel = draw_panel(FILM, MAP, max_side_px=150)
    assert panel.height < draw_panel(FILM, MAP).height
    with pytest.raises(ConfigError):
        draw_panel(FILM, MAP, max_side_px=0)


def test_the_legend_follows_the_map() -> None:
    assert make_words() == ("against pneumonia", "for pneumonia", "evidence per cell, in logits")
    relative = make_words(unit="relative")
    assert relative[1] == ""
    assert relative[2] == "share of the map's largest cell"


def test_the_legend_tells_the_lines() -> None:
    assert make_words(contours=(4.0,))[-1] == "lines at 4: solid for, dashed against"
    assert make_words(contours=(4.0, 8.0, 12.0))[-1].startswith("lines at 4, 8 and 12:")
    key = make_key(
        get_colormap("strength"),
        1.0,
        target="pneumonia",
        unit="relative",
        contours=(0.25, 0.5, 2.0),
        scaled_to_film=False,
    )
    assert key.captions[-1] == "lines at 0.25, 0.5 and 2"
    # Beyond the end of the bar there is no place for a line.
    assert key.lines == (0.25, 0.5)
    assert [label for _, label in key.ticks] == ["0", "0.25", "0.5", "0.75", "1"]


def test_lines_are_drawn_into_the_legend() -> None:
    plain, lined = (
        np.asarray(draw_legend(contours=contours, scale=16.0).convert("L"), dtype=float)
        for contours in ((), (8.0,))
    )
    # Bars are 416 px wide from 32 px on: a quarter and three quarters of the way.
    row = 32 + 9
    changed = np.flatnonzero(np.abs(lined[row] - plain[row]) > 30)
    assert {round(float(place - 32) / 416, 1) for place in changed} <= {0.2, 0.3, 0.7, 0.8}
    whole = [(lined[32:51, 32 + place] == 255).mean() for place in (104, 311)]
    assert whole[0] < 0.8 < whole[1]


def test_a_scale_of_the_films_own_is_said() -> None:
    assert make_words(scaled_to_film=True)[-1].startswith("scaled to this film")
    own, absolute = draw_panel(FILM, MAP, scale="auto"), draw_panel(FILM, MAP)
    assert own.height > absolute.height
    strongest = float(np.abs(MAP.values).max())
    overlay = draw_overlay(FILM, MAP, scale=strongest)
    assert own.crop((own.width - 260, 0, own.width, 300)).tobytes() == overlay.tobytes()


def test_an_unsigned_map_has_the_ramp_and_its_legend() -> None:
    panel = draw_panel(FILM, RELATIVE)
    legend = draw_legend(
        colormap="strength", scale=1.0, unit="relative", width_px=260, foreground="#d6d6d6"
    )
    shown = panel.crop((panel.width - 260, 300, panel.width, 300 + legend.height))
    assert shown.tobytes() == legend.tobytes()


@pytest.mark.parametrize("option", [{"contours": (0.0,)}, {"scale": -1.0}])
def test_legends_refuse_what_has_no_meaning(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="above zero"):
        draw_legend(**option)


def test_lines_of_text_break_between_words() -> None:
    font = load_font(16)
    lines = wrap_text("one two three four five six seven", font, 90.0)
    assert len(lines) > 2
    assert " ".join(lines) == "one two three four five six seven"
    assert all(font.getlength(line) <= 90.0 for line in lines)
    assert wrap_text("inseparable", font, 10.0) == ["inseparable"]
    assert wrap_text("", font, 10.0) == []
