"""Learning from films, and drawing from what was learned."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.errors import DatasetError
from hilum.synthesis import (
    ChestModel,
    draw_film,
    fit_chest_model,
    register_films,
    registration,
)
from hilum.synthesis.fields import bend, blur, invert_field, resize
from hilum.synthesis.registration import GRID

Planes = NDArray[np.float32]


def test_films_meet_in_their_common_frame(chests: Planes) -> None:
    small = np.stack([resize(film, GRID, GRID) for film in chests])
    steps: list[None] = []
    found = register_films(small, on_step=lambda: steps.append(None))
    assert len(steps) == sum(stage.steps for stage in registration._STAGES)
    inner = np.s_[:, 20:-20, 20:-20]
    apart = small[inner].std(axis=0).mean()
    together = bend(small, found.fields)[inner].std(axis=0).mean()
    assert together < 0.6 * apart
    # The frame is that of the average chest: nothing is left to correct in the mean.
    assert np.abs(found.fields.mean(axis=0)).max() < 1e-3
    assert found.agreement.min() > 0.5


def test_an_inverse_field_undoes_the_field() -> None:
    rng = np.random.default_rng(0)
    noise = blur(rng.standard_normal((2, 64, 64), dtype=np.float32), 6.0)
    field = noise * np.float32(3.0 / np.abs(noise).max())
    inverse = invert_field(field)
    back = inverse + bend(field, np.broadcast_to(inverse, (2, *inverse.shape)))
    assert np.abs(back).max() < 0.01


def test_too_few_patients_are_refused(chests: Planes) -> None:
    with pytest.raises(DatasetError, match="at least 200 patients"):
        fit_chest_model(chests)


def test_the_model_keeps_no_film(chest_model: ChestModel, chests: Planes) -> None:
    assert chest_model.films == round(0.75 * len(chests))
    units = chest_model.modes.reshape(len(chest_model.modes), -1)
    lengths = np.linalg.norm(units, axis=1)
    kept = chest_model.spread > 1e-3 * chest_model.spread[0]
    assert lengths[kept] == pytest.approx(1.0, abs=1e-3)
    assert np.all(np.diff(chest_model.spread) <= 1e-4)
    farthest = np.abs(units).argmax(axis=1)
    assert np.all(units[np.arange(len(units)), farthest] >= 0)


def test_a_seed_is_a_film(chest_model: ChestModel) -> None:
    first = draw_film(chest_model, np.random.default_rng(1), height_px=160, width_px=200)
    again = draw_film(chest_model, np.random.default_rng(1), height_px=160, width_px=200)
    other = draw_film(chest_model, np.random.default_rng(2), height_px=160, width_px=200)
    assert first.pixels.shape == (160, 200)
    assert first.pixels.dtype == np.float32
    assert first.pixels.min() >= 0
    assert first.pixels.max() <= 1
    assert np.array_equal(first.pixels, again.pixels)
    assert np.abs(first.pixels - other.pixels).mean() > 0.01


def test_a_drawn_film_has_its_anatomy_where_it_belongs(chest_model: ChestModel) -> None:
    film = draw_film(chest_model, np.random.default_rng(3), height_px=200, width_px=200).pixels
    lungs = film[80:100, 40:60].mean(), film[80:100, 140:160].mean()
    middle = film[140:160, 95:110].mean()
    assert max(lungs) < middle - 0.2
