"""Contours in the picture: where they run, and that both signs are told apart without colour."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from factories.radiographs import make_radiograph
from hilum.errors import ConfigError
from hilum.report import draw_overlay
from hilum.types import Explanation, Radiograph

SIDE_PX = 560
# The border of a cell's disc at half its strength is half a cell from its centre.
STRENGTH, LEVEL = 8.0, 4.0


def make_map(strength: float = STRENGTH, *, signed: bool = True) -> Explanation:
    values = np.zeros((7, 7), dtype=np.float32)
    values[3, 3] = strength
    box = (0.0, 0.0, float(SIDE_PX), float(SIDE_PX))
    return Explanation(values, box, "evidence", "pneumonia", 0.0, signed=signed)


def make_film(level: float = 0.5) -> Radiograph:
    return make_radiograph(np.full((SIDE_PX, SIDE_PX), level))


def draw_lines(
    explanation: Explanation, *, level: float = 0.5, max_side_px: int | None = None
) -> NDArray[np.float64]:
    """What contours change of the picture, in grey: above zero where it became lighter."""
    plain, lined = (
        np.asarray(
            draw_overlay(
                make_film(level),
                explanation,
                opacity=0.0,
                contours=contours,
                max_side_px=max_side_px,
            ).convert("L"),
            dtype=float,
        )
        for contours in ((), (LEVEL,))
    )
    return np.asarray(lined - plain)


def test_the_line_runs_where_the_map_has_its_level() -> None:
    change = draw_lines(make_map())
    # Along the row of the centre: half a cell, 40 px, to both sides.
    light = np.flatnonzero(change[SIDE_PX // 2 - 1] > 60)
    assert {place < SIDE_PX / 2 for place in light} == {True, False}
    np.testing.assert_allclose(np.abs(light + 0.5 - SIDE_PX / 2), 40.0, atol=1.5)


@pytest.mark.parametrize("level", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_it_is_seen_over_black_and_white(level: float) -> None:
    """Of light line and dark edge, one differs from the film, and both from one another."""
    change = draw_lines(make_map(), level=level)[SIDE_PX // 2 - 1]
    assert np.abs(change).max() > 100
    assert np.ptp(change) > 140


@pytest.mark.parametrize("side_px", [70, 200, SIDE_PX])
def test_it_is_drawn_at_any_size(side_px: int) -> None:
    change = draw_lines(make_map(), max_side_px=side_px)
    assert change.shape == (side_px, side_px)
    assert (change > 40).any()
    rows, columns = np.nonzero(np.abs(change) > 20)
    centre = side_px / 2 - 0.5
    radius = np.hypot(rows - centre, columns - centre)
    # The line lies at a fourteenth of the side.
    assert radius.max() < side_px / 14 + 4
    assert radius.min() > side_px / 14 - 4


def count_dashes(change: NDArray[np.float64]) -> int:
    """Count the pieces of the ring around the centre, walking round it; 0 where it is whole."""
    angles = np.linspace(0.0, 2 * np.pi, 360, endpoint=False)[:, None]
    radii = np.arange(28.0, 50.0, 0.5)
    rows = np.rint(SIDE_PX / 2 - 0.5 + radii * np.sin(angles)).astype(int)
    columns = np.rint(SIDE_PX / 2 - 0.5 + radii * np.cos(angles)).astype(int)
    inked = np.abs(change[rows, columns]).max(axis=1) > 20
    return int((inked & ~np.roll(inked, 1)).sum())


def test_against_is_dashed_and_for_is_solid() -> None:
    assert count_dashes(draw_lines(make_map())) == 0
    # A ring of 250 px in dashes and gaps of 13 px together.
    assert 15 < count_dashes(draw_lines(make_map(-STRENGTH))) < 30


def test_lines_against_go_where_colours_against_go() -> None:
    film, explanation = make_film(), make_map(-STRENGTH)
    lined = draw_overlay(film, explanation, colormap="for_only", contours=(LEVEL,))
    plain = draw_overlay(film, explanation, colormap="for_only")
    assert lined.tobytes() == plain.tobytes()


def test_a_level_that_is_not_reached_draws_nothing() -> None:
    film, explanation = make_film(), make_map()
    lined = draw_overlay(film, explanation, contours=(STRENGTH + 1.0,))
    assert lined.tobytes() == draw_overlay(film, explanation).tobytes()


def test_every_level_has_its_line() -> None:
    film, explanation = make_film(), make_map()
    pictures: set[bytes] = set()
    for contours in ((), (2.0,), (2.0, 4.0), (2.0, 4.0, 6.0)):
        pictures.add(draw_overlay(film, explanation, contours=contours).tobytes())
    assert len(pictures) == 4


@pytest.mark.parametrize("level", [0.0, -4.0, float("nan")])
def test_a_level_that_is_none_is_refused(level: float) -> None:
    with pytest.raises(ConfigError, match="above zero"):
        draw_overlay(make_film(), make_map(), contours=(level,))


def test_a_map_that_covers_less_than_the_film_has_lines_within() -> None:
    values = np.full((2, 2), STRENGTH, dtype=np.float32)
    values[:, 1] = 0.0
    explanation = Explanation(values, (100.0, 100.0, 300.0, 300.0), "evidence", "pneumonia", 0.0)
    lined = draw_overlay(make_film(), explanation, opacity=0.0, contours=(LEVEL,))
    assert isinstance(lined, Image.Image)
    grey = np.asarray(lined.convert("L"), dtype=float)
    rows, columns = np.nonzero(np.abs(grey - 128) > 8)
    assert 96 <= rows.min() <= 104
    assert 296 <= rows.max() <= 303
    np.testing.assert_allclose(columns, 199.5, atol=4)
