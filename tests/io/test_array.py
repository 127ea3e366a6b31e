"""A film from an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from factories.films import draw_stored
from hilum.errors import InputError, UnreadableImageError, UnsafeImageError, UnsupportedImageError
from hilum.io import ReadLimits, radiograph_from_array

GREY = draw_stored(8).astype(np.uint8)
UNIT = GREY / np.float32(255)


@pytest.mark.parametrize(
    ("array", "white"),
    [
        (GREY, None),
        (GREY.astype(np.uint16) * 257, None),
        (UNIT, None),
        (UNIT.astype(np.float64), None),
        (GREY.astype(np.int64), 255),
        (GREY.astype(np.float32), 255),
        (GREY[..., None], None),
        (np.repeat(GREY[..., None], 3, axis=2), None),
        (np.asfortranarray(GREY), None),
    ],
)
def test_grey_of_every_kind(array: NDArray[Any], white: float | None) -> None:
    film = radiograph_from_array(array, white=white, name="mine")
    assert np.allclose(film.pixels, UNIT, atol=1e-6)
    assert film.pixels.dtype == np.float32
    assert film.pixels.flags.c_contiguous
    assert not film.pixels.flags.writeable
    assert (film.format, film.recipe, film.source, film.sha256) == (
        "ARRAY",
        "radiograph_v1",
        "mine",
        None,
    )
    assert film.warnings == ()


def test_the_callers_array_stays_his_own() -> None:
    array = UNIT.copy()
    film = radiograph_from_array(array)
    array[0, 0] = 0.5
    assert array.flags.writeable
    assert film.pixels[0, 0] == UNIT[0, 0]


def test_inversion() -> None:
    assert np.allclose(radiograph_from_array(GREY, invert=True).pixels, 1 - UNIT, atol=1e-6)


@pytest.mark.parametrize(
    ("array", "white", "error"),
    [
        (np.zeros((0, 5), np.uint8), None, UnreadableImageError),
        (np.zeros(5, np.uint8), None, UnreadableImageError),
        (np.full((4, 4), np.nan), None, UnreadableImageError),
        (np.full((4, 4), 1.5), None, UnsupportedImageError),
        (np.full((4, 4), -0.5), None, UnsupportedImageError),
        (np.zeros((4, 4), np.int32), None, UnsupportedImageError),
        (np.full((4, 4), 300, np.int32), 255, UnsupportedImageError),
        (np.zeros((4, 4), np.uint8), 0, UnsupportedImageError),
        (np.zeros((4, 4), np.complex64), 1, UnsupportedImageError),
        (np.zeros((4, 4, 4), np.uint8), None, UnsupportedImageError),
        (np.zeros((4, 4), object), None, UnsupportedImageError),
    ],
)
def test_what_is_no_film(array: NDArray[Any], white: float | None, error: type[InputError]) -> None:
    with pytest.raises(error):
        radiograph_from_array(array, white=white)


def test_the_bounds_hold() -> None:
    with pytest.raises(UnsafeImageError):
        radiograph_from_array(GREY, limits=ReadLimits(pixels=100))


def test_a_blank_array_is_said_to_be_blank() -> None:
    film = radiograph_from_array(np.zeros((20, 20), np.uint8))
    assert [warning.code for warning in film.warnings] == ["blank"]
