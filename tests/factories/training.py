"""Drawn films with the labels' own sign in them, and a recipe that learns them in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

SIDE_PX = 64


def draw_film(label: int, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw two dark lungs on a bright chest; with pneumonia, one has a bright patch."""
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX] / SIDE_PX
    film = 0.75 + 0.05 * rng.standard_normal((SIDE_PX, SIDE_PX))
    for centre in (0.3, 0.7):
        film -= 0.5 * (((columns - centre) / 0.15) ** 2 + ((rows - 0.5) / 0.32) ** 2 < 1)
    if label:
        centre = rng.choice([0.3, 0.7])
        film += 0.45 * np.exp(-(((columns - centre) / 0.1) ** 2 + ((rows - 0.6) / 0.12) ** 2))
    return np.clip(film * 255, 0, 255).astype(np.uint8)


def write_drawn_dataset(root: Path) -> None:
    """Write 60 + 60 films to train on, 4 + 4 as ``val`` and 20 + 20 to test, as PNG."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 60), ("val", 4), ("test", 20)):
        for label, folder in enumerate(("NORMAL", "PNEUMONIA")):
            (root / part / folder).mkdir(parents=True)
            for number in range(count):
                # Two films a patient; patients of other parts are other people.
                patient = number // 2 + {"train": 0, "val": 1000, "test": 2000}[part]
                name = f"person{patient}_bacteria_{number}" if label else f"IM-{patient}-{number}"
                film = Image.fromarray(draw_film(label, rng))
                film.save(root / part / folder / f"{name}.png")


def make_settings() -> dict[str, Any]:
    """Give a recipe, as plain data, that learns the drawn films in seconds."""
    return {
        "name": "drawn-films",
        "version": "0.1",
        "description": "A small network on drawn films.",
        "licence": "CC0-1.0",
        "seed": 3,
        "data": {
            "name": "drawn films",
            "source": "tests",
            "licence": "CC0-1.0",
            "population": {"description": "Nobody."},
            "validation_fraction": 0.25,
        },
        "input": {
            "height_px": SIDE_PX,
            "width_px": SIDE_PX,
            "resize": "squash",
            "normalization": "per_film",
        },
        "network": {"architecture": "test_resnet", "init": "none"},
        "augmentation": {
            "flip": 0.5,
            "rotation_deg": 5,
            "blur_sigma_px": 0.5,
            "style_spectrum": 0.3,
            "style_histogram": 0.3,
            "gamma": 1.2,
        },
        "optimization": {
            "epochs": 4,
            "batch_size": 16,
            "learning_rate": 5.0e-3,
            "weight_decay": 0.01,
            "average_decay": 0.8,
        },
        "selection": {"metric": "auc"},
    }
