"""The drawn chest radiograph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.data.phantom import Opacity, draw_phantom

SIZE: dict[str, Any] = {"height_px": 310, "width_px": 256}


def test_it_is_a_film_and_always_the_same() -> None:
    film = draw_phantom(7, **SIZE)
    assert film.dtype == np.float32
    assert film.shape == (310, 256)
    assert film.flags.c_contiguous
    assert 0 <= film.min() < 0.05
    assert 0.95 < film.max() <= 1
    assert np.array_equal(film, draw_phantom(7, **SIZE))
    assert not np.array_equal(film, draw_phantom(8, **SIZE))


@pytest.mark.parametrize(
    ("height_px", "width_px"), [(32, 32), (620, 512), (1240, 1024), (200, 400)]
)
def test_every_size_is_drawn(height_px: int, width_px: int) -> None:
    film = draw_phantom(0, height_px=height_px, width_px=width_px)
    assert film.shape == (height_px, width_px)
    assert np.isfinite(film).all()


def test_it_is_too_small_to_draw() -> None:
    with pytest.raises(ValueError, match="32x32"):
        draw_phantom(height_px=31)


def _mean(film: NDArray[np.float32], x: float, y: float, half: float = 0.03) -> float:
    rows, columns = film.shape
    part = film[
        int((y - half) * rows) : int((y + half) * rows),
        int((x - half) * columns) : int((x + half) * columns),
    ]
    return float(part.mean())


def test_the_anatomy_is_where_it_belongs() -> None:
    film = draw_phantom(0, **SIZE)
    right_lung, left_lung = _mean(film, 0.25, 0.45), _mean(film, 0.75, 0.45)
    spine, heart, liver = _mean(film, 0.5, 0.75), _mean(film, 0.56, 0.62), _mean(film, 0.25, 0.92)
    air = _mean(film, 0.05, 0.05)
    assert air < 0.1 < right_lung + 0.1
    assert max(right_lung, left_lung) < 0.35
    assert min(spine, heart, liver) > 0.5
    # The heart lies to the patient's left, on the right of the film.
    assert _mean(film, 0.64, 0.68) > _mean(film, 0.36, 0.62) + 0.1


def test_an_opacity_is_where_it_was_put_and_as_strong() -> None:
    clear = draw_phantom(3, **SIZE)
    films = [draw_phantom(3, **SIZE, opacity=Opacity(0.27, 0.5, 0.1, s)) for s in (0.3, 0.9)]
    at_place = [_mean(film - clear, 0.27, 0.5) for film in films]
    elsewhere = [abs(_mean(film - clear, 0.75, 0.5)) for film in films]
    assert 0.01 < at_place[0] < at_place[1]
    assert at_place[1] > 0.1
    assert max(elsewhere) < 0.03


def test_an_opacity_of_no_strength_leaves_the_film() -> None:
    film = draw_phantom(3, **SIZE, opacity=(0.27, 0.5, 0.1, 0.0))
    assert np.array_equal(film, draw_phantom(3, **SIZE))
