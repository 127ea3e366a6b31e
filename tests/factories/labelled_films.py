"""Films with labels, and a phantom that holds a bright patch, for measures of faithfulness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from factories.radiographs import make_radiograph
from hilum.faithfulness import LabelledFilm

SIDE = 128


def make_films(pixels: list[NDArray[np.float32]], labels: list[int]) -> list[LabelledFilm]:
    """Give films of one patient each."""
    return [
        LabelledFilm(make_radiograph(one), f"patient-{number}", label)
        for number, (one, label) in enumerate(zip(pixels, labels, strict=True))
    ]


def draw_patch(row: int, column: int, *, side: int = 24) -> NDArray[np.float32]:
    """Draw a dark film with one bright square, in px of the film."""
    film = np.full((SIDE, SIDE), 0.2, dtype=np.float32)
    film[row : row + side, column : column + side] = 0.9
    return film
