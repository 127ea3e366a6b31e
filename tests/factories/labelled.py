"""A folder of drawn films in two classes, which the tiny network tells apart by brightness."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from factories.networks import TINY_INPUT


def write_labelled_films(
    root: Path, *, patients: int = 4, films_a_patient: int = 2, parts: tuple[str, ...] = ("test",)
) -> Path:
    """Write films of ``patients`` patients of each class into each part; give ``root``.

    Names are those of the Kermany set: they tell the patient and the pathogen.
    """
    rng = np.random.default_rng(0)
    number = 0
    for at, part in enumerate(parts):
        for label, folder in enumerate(("NORMAL", "PNEUMONIA")):
            (root / part / folder).mkdir(parents=True)
            for patient in range(patients * at, patients * (at + 1)):
                for _ in range(films_a_patient):
                    number += 1
                    shape = (TINY_INPUT.height_px, TINY_INPUT.width_px)
                    level = rng.normal(105 + 55 * label, 30)
                    pixels = np.clip(rng.normal(level, 25, shape), 0, 255).astype(np.uint8)
                    pathogen = ("bacteria", "virus")[patient % 2]
                    name = (
                        f"person{patient}_{pathogen}_{number}"
                        if label
                        else f"IM-{patient:04}-{number:04}"
                    )
                    Image.fromarray(pixels).save(root / part / folder / f"{name}.png")
    return root
