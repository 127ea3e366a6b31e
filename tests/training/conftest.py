"""A small dataset of drawn films with the official layout, and a recipe that trains on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factories.training import make_settings, write_drawn_dataset

pytest.importorskip("torch")

from hilum.training.recipe import Recipe


@pytest.fixture(scope="session")
def drawn_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drawn")
    write_drawn_dataset(root)
    return root


@pytest.fixture
def small_recipe() -> dict[str, Any]:
    return make_settings()


@pytest.fixture
def recipe(small_recipe: dict[str, Any]) -> Recipe:
    return Recipe.model_validate(small_recipe)
