"""A tiny model and a small film for the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factories.faithfulness_facts import WARNING, make_faithfulness
from factories.films import save_phantom
from factories.networks import make_tiny_spec, write_tiny_network
from hilum.decision import choose_operating_points, compute_probability, describe_logits
from hilum.inference import ModelOutput, OnnxBackend
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
def curved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network, with scores of drawn validation films in its spec."""
    folder = tmp_path_factory.mktemp("curved")
    rng = np.random.default_rng(0)
    logits = np.concatenate([rng.normal(3.0, 2.0, 120), rng.normal(-3.0, 1.5, 80)])
    labels = np.arange(200) < 120
    probabilities = compute_probability(logits, make_tiny_spec(b"").calibration)
    points = choose_operating_points(probabilities, labels, "200 drawn films")
    write_tiny_network(
        folder,
        name="curved",
        validation_logits=describe_logits(logits, labels).model_dump(),
        operating_points={name: point.model_dump() for name, point in points.items()},
        faithfulness=make_faithfulness(evidence="", occlusion=WARNING),
    )
    return folder


@pytest.fixture(scope="session")
def small_film() -> bytes:
    """A phantom of 160 x 128 px as a grey PNG."""
    return save_phantom(1)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each pass through a network."""
    passes: list[int] = []
    run = OnnxBackend.run

    def count(backend: OnnxBackend, batch: Any) -> ModelOutput:
        passes.append(batch.shape[0])
        return run(backend, batch)

    monkeypatch.setattr(OnnxBackend, "run", count)
    return passes


@pytest.fixture
def no_shared_model() -> Iterator[None]:
    """Empty the store that all sessions of a process share, before and after."""
    streamlit = pytest.importorskip("streamlit")
    streamlit.cache_resource.clear()
    yield
    streamlit.cache_resource.clear()
