"""Small sets of drawn films on disk, sound and unsound."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from hilum.data.layout import CLASS_NAMES, PARTS

if TYPE_CHECKING:
    from pathlib import Path

Picture = np.ndarray[Any, np.dtype[np.uint8]]


def draw_texture(rng: np.random.Generator, *, height_px: int = 96, width_px: int = 96) -> Picture:
    """Draw smooth blobs with a little noise, another picture with every call."""
    rows, columns = np.mgrid[:height_px, :width_px]
    picture = np.full((height_px, width_px), 0.4)
    for _ in range(12):
        across, down, size = rng.uniform(0, 1, 3)
        distance = (columns / width_px - across) ** 2 + (rows / height_px - down) ** 2
        picture += rng.uniform(-0.4, 0.4) * np.exp(-distance / (0.01 + 0.05 * size))
    picture += 0.01 * rng.standard_normal(picture.shape)
    return np.asarray(np.clip(picture, 0, 1) * 255, dtype=np.uint8)


def encode_jpeg(picture: Picture, *, quality: int = 90) -> bytes:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def make_published_set() -> dict[str, bytes]:
    """Give path -> JPEG of a set in the official layout, two films a class and part."""
    rng = np.random.default_rng(0)
    films = {}
    for number, part in enumerate(PARTS):
        for label, class_name in enumerate(CLASS_NAMES):
            for index in range(2):
                name = f"person{number}_virus_{index}" if label else f"IM-{number}-{index}"
                path = f"{part}/{class_name}/{name}.jpeg"
                films[path] = encode_jpeg(draw_texture(rng, height_px=40, width_px=48))
    return films


def make_facts(films: dict[str, bytes], *, sampled: int = 3) -> dict[str, Any]:
    """Give what ``published.json`` would hold of that set."""
    names: dict[str, list[str]] = {}
    for path in films:
        cell, _, name = path.rpartition("/")
        names.setdefault(cell, []).append(name)
    return {
        "cells": {
            cell: {
                "films": len(own),
                "names_sha256": hashlib.sha256("\n".join(sorted(own)).encode()).hexdigest(),
            }
            for cell, own in names.items()
        },
        "val_names": {name: names[f"val/{name}"] for name in CLASS_NAMES},
        "copy_224_sha256": "",
        "published_sha256": {
            path.rpartition("/")[2]: hashlib.sha256(films[path]).hexdigest()
            for path in sorted(films)[:sampled]
        },
    }


def write_files(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def make_shortcut_set(
    *, patients: int = 12, telling: bool = True, seed: int = 0
) -> dict[str, bytes]:
    """Give path -> JPEG of films whose classes differ in the making only, or not at all.

    With ``telling``, normal films are larger, squarer and less compressed.
    """
    rng = np.random.default_rng(seed)
    films = {}
    for label, class_name in enumerate(CLASS_NAMES):
        for patient in range(patients):
            for index in range(2):
                size = int(rng.integers(60, 80))
                height_px, width_px, quality = size, int(1.5 * size), 60
                if telling and not label:
                    height_px, width_px, quality = size + 40, size + 44, 95
                picture = draw_texture(rng, height_px=height_px, width_px=width_px)
                name = f"person{patient}_virus_{index}" if label else f"IM-{patient}-{index}"
                films[f"{class_name}/{name}.jpeg"] = encode_jpeg(picture, quality=quality)
    return films
