"""A network that is known to look at every place by itself, and films for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from factories.labelled_films import SIDE
from factories.networks import TINY_INPUT, write_tiny_network
from hilum.inference import Backend
from hilum.predictor import load_model


@pytest.fixture(scope="package")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    folder = tmp_path_factory.mktemp("model")
    square = TINY_INPUT.model_copy(update={"height_px": SIDE, "width_px": SIDE})
    write_tiny_network(folder, square)
    with load_model(folder, threads=1) as model:
        yield model.backend
