from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from hilum.data import Film, Split, read_dataset
from hilum.errors import ConfigError, DatasetError
from hilum.io import read_radiograph
from hilum.preprocess import normalize_film, preprocess
from hilum.spec import InputSpec
from hilum.training.film_cache import compute_key, load_training_films, unpack_film
from hilum.training.films import EpochSampler, TrainingFilms, load_films
from hilum.training.optimization import ProgressiveResizing
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


def write_films(root: Path, side_px: tuple[int, int], bits: tuple[int, ...] = (8, 16)) -> None:
    """Write a normal film and one with pneumonia of noise for each number of bits."""
    rng = np.random.default_rng(0)
    for label, folder in enumerate(("NORMAL", "PNEUMONIA")):
        (root / folder).mkdir()
        for number, own in enumerate(bits):
            pixels = rng.integers(0, 2**own, side_px).astype(np.uint8 if own == 8 else np.uint16)
            Image.fromarray(pixels).save(root / folder / f"{number}{label}.png")


@pytest.mark.parametrize("given", INPUTS, ids=lambda given: str(given["resize"]))
def test_validation_sees_what_use_sees_to_the_last_bit(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    spec = InputSpec.model_validate(given)
    write_films(tmp_path, (83, 97))
    root, films = read_dataset(tmp_path)
    loaded = load_films(root, films, spec)
    for index, film in enumerate(films):
        used = preprocess(read_radiograph(root / film.path, recipe=spec.recipe), spec)
        np.testing.assert_array_equal(normalize_film(loaded[index], spec), used)


@pytest.mark.parametrize("given", INPUTS, ids=lambda given: str(given["resize"]))
def test_training_sees_what_use_sees_to_half_a_grey_level(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    spec = InputSpec.model_validate(given)
    write_films(tmp_path, (83, 97))
    root, films = read_dataset(tmp_path)
    packed = load_training_films(root, make_split(films), spec)
    unpacked = np.stack([unpack_film(film) for film in packed])
    np.testing.assert_allclose(unpacked, load_films(root, films, spec), atol=0.501 / 255)


def test_films_of_8_bits_at_the_networks_size_lose_nothing(tmp_path: Path) -> None:
    spec = InputSpec.model_validate(INPUTS[0])
    write_films(tmp_path, (48, 40), bits=(8, 8))
    root, films = read_dataset(tmp_path)
    packed = load_training_films(root, make_split(films), spec)
    labels = np.array([film.label for film in films])
    dataset = TrainingFilms(packed, labels, spec, AugmentationSection(), seed=0)
    for index, film in enumerate(films):
        planes, target = dataset[1, index]
        used = preprocess(read_radiograph(root / film.path, recipe=spec.recipe), spec)
        np.testing.assert_array_equal(planes.numpy(), used[0])
        assert target == film.label


@pytest.mark.parametrize("load", [load_films, lambda *args: compute_key(*args)])
def test_a_film_that_cannot_be_read_is_named(tmp_path: Path, load: Any) -> None:
    write_films(tmp_path, (20, 20), bits=(8,))
    root, films = read_dataset(tmp_path)
    (tmp_path / films[0].path).unlink()
    with pytest.raises(DatasetError, match=r"NORMAL/00\.png"):
        load(root, films, InputSpec.model_validate(INPUTS[0]))


def make_split(films: list[Film]) -> Split:
    # Noise has no patients: all films train.
    return Split(tuple(films), ())


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


def test_films_grow_to_their_own_size() -> None:
    resizing = ProgressiveResizing(first_height_px=32, full_from_epoch=4)
    films = np.random.default_rng(0).random((2, 192, 160), dtype=np.float32)
    spec = InputSpec.model_validate(INPUTS[0] | {"height_px": 192, "width_px": 160})
    off = AugmentationSection()
    labels = np.array([0, 1])
    growing = TrainingFilms(films, labels, spec, off, 0, resizing=resizing)
    full = TrainingFilms(films, labels, spec, off, 0)
    sizes = [tuple(growing[epoch, 0][0].shape[1:]) for epoch in (1, 2, 3, 4, 9)]
    # From 32 to 192 in three steps of 53, rounded to 32.
    assert sizes == [(32, 27), (96, 80), (128, 107), (192, 160), (192, 160)]
    assert growing[4, 1][0].equal(full[4, 1][0])
    # A film that comes again in an epoch has the size of that epoch.
    assert tuple(growing[1_000_000 + 2, 0][0].shape[1:]) == (96, 80)
    # It is the same film: what is left after averaging agrees.
    small, large = growing[1, 0][0], full[1, 0][0]
    for plane in (small, large):
        assert abs(float(plane.mean())) < 1e-4
        assert abs(float(plane.std()) - 1) < 0.01
    blocks = large[0].reshape(32, 6, 32, 5).mean((1, 3))
    narrow = torch.nn.functional.interpolate(small[None], size=(32, 32), mode="bilinear")[0, 0]
    assert float(torch.corrcoef(torch.stack([blocks.ravel(), narrow.ravel()]))[0, 1]) > 0.6


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
    sampler = EpochSampler(labels, 0, "balanced")
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
    sampler = EpochSampler(np.array([0, 1, 1, 1]), 0)
    assert sorted(index for _, index in sampler) == [0, 1, 2, 3]
    assert len(sampler) == 4


def test_oversampled_epochs_repeat_the_rarer_class_and_augment_it_anew() -> None:
    labels = np.array([0] * 4 + [1] * 10)
    sampler = EpochSampler(labels, 0, "oversampled")
    sampler.epoch = 3
    drawn = list(sampler)
    assert len(drawn) == len(sampler) == 20
    assert len(set(drawn)) == 20  # no film is augmented twice alike
    counts = Counter(index for _, index in drawn)
    assert [counts[index] for index in range(4, 14)] == [1] * 10
    assert sorted(counts[index] for index in range(4)) == [2, 2, 3, 3]


@pytest.mark.parametrize("mode", ["balanced", "oversampled"])
def test_one_class_cannot_be_balanced(mode: Any) -> None:
    with pytest.raises(ConfigError, match="one has no training film"):
        EpochSampler(np.array([1, 1]), 0, mode)
