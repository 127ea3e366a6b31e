"""A model of drawn chests, small enough to be learned in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.data.phantom import draw_phantom
from hilum.synthesis import ChestModel, chest, fit_chest_model, registration
from hilum.synthesis.chest import SIDE

FILMS = 40


@pytest.fixture(scope="package", autouse=True)
def _fewer_steps() -> Iterator[None]:
    """Phantoms differ less than children: a third of the way brings them together."""
    stages = tuple(replace(stage, steps=stage.steps // 3) for stage in registration._STAGES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registration, "_STAGES", stages)
        yield


@pytest.fixture(scope="session")
def chests() -> NDArray[np.float32]:
    """Phantoms of different patients, each a little off its place."""
    rng = np.random.default_rng(0)
    films = []
    for seed in range(FILMS):
        film = draw_phantom(seed, height_px=SIDE, width_px=SIDE)
        down, across = rng.integers(-6, 7, 2)
        films.append(np.roll(film, (int(down), int(across)), axis=(0, 1)))
    return np.stack(films)


@pytest.fixture(scope="package")
def chest_model(chests: NDArray[np.float32]) -> Iterator[ChestModel]:
    """Learned from fewer films than is allowed for real ones: phantoms have no privacy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chest, "LEAST_FILMS", FILMS)
        yield fit_chest_model(chests)
