from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hilum.data import read_folder_dataset
from hilum.errors import DatasetError
from hilum.io import read_radiograph
from hilum.preprocess import preprocess
from hilum.spec import InputSpec
from hilum.training.films import EpochSampler, TrainingFilms, load_films
from hilum.training.recipe import AugmentationSection

INPUTS = [
    {"height_px": 48, "width_px": 40, "resize": "squash", "normalization": "per_film"},
    {
        "height_px": 48,
        "width_px": 48,
        "resize": "shortest_side_crop",
        "shortest_side_px": 56,
        "normalization": "fixed",
        "mean": [0.45],
        "std": [0.22],
    },
    {
        "height_px": 48,
        "width_px": 64,
        "resize": "letterbox",
        "normalization": "fixed",
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "channels": 3,
    },
]


@pytest.mark.parametrize("given", INPUTS, ids=lambda given: str(given["resize"]))
def test_training_sees_what_use_sees_to_the_last_bit(tmp_path: Path, given: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    spec = InputSpec.model_validate(given)
    for label, folder in enumerate(("NORMAL", "PNEUMONIA")):
        (tmp_path / folder).mkdir()
        for number, largest in enumerate((255, 65_535)):
            pixels = rng.integers(0, largest, (83, 97))
            pixels = pixels.astype(np.uint8 if largest == 255 else np.uint16)
            Image.fromarray(pixels).save(tmp_path / folder / f"{number}{label}.png")
    root, films = read_folder_dataset(tmp_path)
    loaded = load_films(root, films, spec)
    labels = np.array([film.label for film in films])
    dataset = TrainingFilms(loaded, labels, spec, AugmentationSection(), seed=0)
    for index, film in enumerate(films):
        planes, target = dataset[1, index]
        used = preprocess(read_radiograph(root / film.path, recipe=spec.recipe), spec)
        np.testing.assert_array_equal(planes.numpy(), used[0])
        assert target == film.label


def test_a_film_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for folder in ("NORMAL", "PNEUMONIA"):
        (tmp_path / folder).mkdir()
    (tmp_path / "NORMAL" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    root, films = read_folder_dataset(tmp_path)
    with pytest.raises(DatasetError, match=r"NORMAL/broken\.png"):
        load_films(root, films, InputSpec.model_validate(INPUTS[0]))


def make_dataset(section: AugmentationSection, seed: int = 0) -> TrainingFilms:
    films = np.random.default_rng(0).random((6, 48, 40), dtype=np.float32)
    labels = np.array([0, 0, 1, 1, 1, 1])
    return TrainingFilms(films, labels, InputSpec.model_validate(INPUTS[0]), section, seed)


def test_augmentation_depends_on_seed_epoch_and_film_alone() -> None:
    section = AugmentationSection(flip=0.5, rotation_deg=10, noise_std=0.1)
    first, again = make_dataset(section)[1, 3][0], make_dataset(section)[1, 3][0]
    assert first.equal(again)
    assert not first.equal(make_dataset(section)[2, 3][0])
    assert not first.equal(make_dataset(section, seed=1)[1, 3][0])


def test_style_comes_from_both_classes_alike() -> None:
    dataset = make_dataset(AugmentationSection(style_histogram=1.0))
    rng = np.random.default_rng(0)
    lenders = [dataset._style_pair(0, rng)[1] for _ in range(400)]
    of_negative = sum(any(one is style for style in dataset._styles[:2]) for one in lenders)
    assert 160 < of_negative < 240


def test_aspect_of_either_class_is_lent_as_often() -> None:
    dataset = make_dataset(AugmentationSection(style_aspect=(1.2, 1.5)))
    rng = np.random.default_rng(0)
    for index, other in ((0, 1.5 / 1.2), (2, 1.2 / 1.5)):
        squashes = [dataset._squash(index, rng) for _ in range(200)]
        assert set(np.round(squashes, 6)) == {1.0, round(other, 6)}
        assert 70 < sum(squash != 1.0 for squash in squashes) < 130
    assert make_dataset(AugmentationSection())._squash(0, rng) == 1.0


def test_balanced_epochs_hold_each_rare_film_once_and_others_anew() -> None:
    labels = np.array([0] * 5 + [1] * 30)
    sampler = EpochSampler(labels, 0, balanced=True)
    epochs = []
    for epoch in (1, 2):
        sampler.epoch = epoch
        drawn = list(sampler)
        assert len(drawn) == len(sampler) == 10
        assert {key[0] for key in drawn} == {epoch}
        films = [index for _, index in drawn]
        assert sorted(index for index in films if index < 5) == list(range(5))
        assert len(set(films)) == 10
        epochs.append(films)
    assert set(epochs[0]) != set(epochs[1])


def test_plain_epochs_hold_every_film_once() -> None:
    sampler = EpochSampler(np.array([0, 1, 1, 1]), 0, balanced=False)
    assert sorted(index for _, index in sampler) == [0, 1, 2, 3]
    assert len(sampler) == 4
