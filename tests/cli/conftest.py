"""A small dataset, and tiny networks that claim to have been trained on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from factories.networks import write_tiny_network
from factories.training import draw_film
from hilum.data import read_dataset, split_by_patient

FILMS = 360  # of each class; 15 % of them set the bounds


@pytest.fixture(scope="session")
def drawn_films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for label, folder in enumerate(("NORMAL", "PNEUMONIA")):
        (root / folder).mkdir()
        for number in range(FILMS):
            name = f"person{number}_virus_{number}" if label else f"IM-{number:04d}-0001"
            Image.fromarray(draw_film(label, rng)).save(root / folder / f"{name}.png")
    return root


@pytest.fixture(scope="session")
def write_trained(drawn_films: Path) -> Callable[..., Path]:
    """Write a tiny network as if it had been trained on the drawn films; give its folder."""
    _, films = read_dataset(drawn_films)
    split = split_by_patient(films, validation_fraction=0.15, seed=0)

    def write(folder: Path, **facts: Any) -> Path:
        blank = write_tiny_network(folder, **facts)
        trained = blank.training_data.model_copy(update={"fingerprint": split.fingerprint})
        facts.pop("name", None)
        change = facts.pop("change", None)
        write_tiny_network(
            folder,
            name=blank.name,
            change=change,
            **facts | {"training_data": trained.model_dump(mode="json")},
        )
        return folder

    return write
