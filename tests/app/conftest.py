"""A tiny model and a small film for the page."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from factories.networks import write_tiny_network
from hilum.data.phantom import draw_phantom
from hilum.spec import ModelSpec


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network that knows nothing; its spec says it saw ages 1 to 5."""
    folder = tmp_path_factory.mktemp("model")
    write_tiny_network(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_spec(tiny_model: Path) -> ModelSpec:
    from hilum.models.zoo import resolve_model

    return resolve_model(tiny_model)[0]


@pytest.fixture(scope="session")
def small_film() -> bytes:
    """A phantom of 160 x 128 px as a grey PNG."""
    pixels = draw_phantom(1, height_px=160, width_px=128)
    buffer = io.BytesIO()
    Image.fromarray((pixels * 255).astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture
def no_shared_model() -> Iterator[None]:
    """Empty the store that all sessions of a process share, before and after."""
    streamlit = pytest.importorskip("streamlit")
    streamlit.cache_resource.clear()
    yield
    streamlit.cache_resource.clear()
