"""Markers that are drawn on phantoms, and bright places that are none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hilum.anatomy import find_lungs, find_markers
from hilum.data.phantom import draw_phantom

SIDE = 224


def draw_letter(
    film: NDArray[np.float32], letters: str, place: tuple[float, float], *, height: float = 0.08
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Draw letters at (x, y), shares of the film's side; give the film and their strokes."""
    side = film.shape[0]
    sheet = Image.new("L", (side, side))
    font = ImageFont.load_default(round(height * side))
    at = (place[0] * side, place[1] * side)
    ImageDraw.Draw(sheet).text(at, letters, fill=255, font=font)
    strokes = np.asarray(sheet) > 127
    return np.where(strokes, np.float32(0.97), film), strokes


@pytest.mark.parametrize("side", [SIDE, 512])
@pytest.mark.parametrize("place", [(0.02, 0.02), (0.92, 0.03), (0.02, 0.5)])
@pytest.mark.parametrize("letters", ["R", "L"])
def test_a_letter_beside_the_body_is_found(
    side: int, place: tuple[float, float], letters: str
) -> None:
    plain = np.minimum(draw_phantom(1, height_px=side, width_px=side), 0.9)
    # Beside the body there is air: phantoms fill the film to its border.
    plain[:, : round(0.13 * side)] = plain[:, -round(0.13 * side) :] = 0.05
    film, strokes = draw_letter(plain, letters, place)
    lungs = find_lungs(film)
    assert not find_markers(plain, find_lungs(plain)).any()
    found = find_markers(film, lungs)
    assert (found & strokes).sum() > 0.9 * strokes.sum()
    assert found.mean() < 0.03


def test_what_is_bright_within_the_lungs_is_no_marker() -> None:
    plain = draw_phantom(1, height_px=SIDE, width_px=SIDE)
    rows, columns = np.nonzero(find_lungs(plain))
    place = (float(np.median(columns)) / SIDE, float(np.median(rows)) / SIDE)
    film, _ = draw_letter(plain, "R", place)
    # The letter that the phantom has of its own is all there is.
    lungs = find_lungs(plain)
    np.testing.assert_array_equal(find_markers(film, lungs), find_markers(plain, lungs))


def test_a_film_of_noise_or_of_nothing_has_none() -> None:
    lungs = np.zeros((64, 64), dtype=bool)
    assert not find_markers(np.zeros((64, 64), dtype=np.float32), lungs).any()
    assert not find_markers(np.ones((64, 64), dtype=np.float32), lungs).any()
