from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from factories.datasets import Picture, draw_texture, encode_jpeg
from hilum.data import read_dataset
from hilum.data.duplicates import (
    THUMBNAIL_PX,
    find_near_duplicates,
    group_equal,
    hash_thumbnail,
    join_groups,
    make_thumbnail,
)
from hilum.io import read_radiograph


def thumbnail(picture: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return make_thumbnail(picture.astype(np.float32) / np.float32(255))


def resize(picture: Picture, width_px: int, height_px: int, quality: int) -> Picture:
    small = Image.fromarray(picture).resize((width_px, height_px), Image.Resampling.BILINEAR)
    return np.asarray(Image.open(BytesIO(encode_jpeg(np.asarray(small), quality=quality))))


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    rng = np.random.default_rng(1)
    return [draw_texture(rng, height_px=300, width_px=400) for _ in range(40)]


def test_thumbnail_is_the_mean_of_each_cell() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.random((64, 96), dtype=np.float32)
    expected = pixels.reshape(32, 2, 32, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(make_thumbnail(pixels), expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (31, 33), (7, 2000), (100, 101)])
def test_thumbnail_of_any_shape_keeps_range_and_size(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).random(shape, dtype=np.float32)
    made = make_thumbnail(pixels)
    assert made.shape == (THUMBNAIL_PX, THUMBNAIL_PX)
    assert pixels.min() - 1e-6 <= made.min() <= made.max() <= pixels.max() + 1e-6


def test_hash_does_not_see_brightness_and_contrast(pictures: list[Picture]) -> None:
    made = thumbnail(pictures[0])
    np.testing.assert_array_equal(hash_thumbnail(made), hash_thumbnail(made * 0.5 + 0.2))
    assert set(np.unique(hash_thumbnail(made))) == {-1, 1}


@pytest.mark.parametrize(
    ("change", "relation"),
    [
        (lambda picture: resize(picture, 224, 224, 93), "same"),
        (lambda picture: resize(picture, 150, 110, 80), "same"),
        (lambda picture: resize(picture[:, ::-1], 224, 224, 80), "mirrored"),
        (lambda picture: resize(255 - picture, 224, 224, 80), "inverted"),
        (lambda picture: resize(255 - picture[:, ::-1], 300, 300, 80), "mirrored and inverted"),
    ],
)
def test_a_changed_copy_is_found_and_nothing_else(
    pictures: list[Picture], change: object, relation: str
) -> None:
    assert callable(change)
    thumbnails = np.stack([thumbnail(one) for one in (*pictures, change(pictures[7]))])
    (pair,) = find_near_duplicates(thumbnails)
    assert (pair.first, pair.second, pair.relation) == (7, 40, relation)
    assert pair.correlation > 0.98


def test_blank_films_are_like_nothing() -> None:
    assert find_near_duplicates(np.zeros((50, 32, 32), dtype=np.float32)) == []
    assert find_near_duplicates(np.ones((1, 32, 32), dtype=np.float32)) == []


def test_more_films_than_a_block_are_all_compared() -> None:
    thumbnails = np.random.default_rng(0).random((1100, 32, 32), dtype=np.float32)
    thumbnails[1090] = thumbnails[3]
    thumbnails[5] = thumbnails[4]
    pairs = find_near_duplicates(thumbnails)
    assert [(pair.first, pair.second) for pair in pairs] == [(3, 1090), (4, 5)]


def test_groups() -> None:
    assert group_equal(["a", "b", "a", "c", "b", "a"]) == [[0, 2, 5], [1, 4]]
    assert join_groups(6, [[0, 2], [2, 4], [1, 3]]) == [0, 1, 0, 1, 0, 5]
    assert join_groups(4, [[2, 3], [1, 2], [0, 3]]) == [0, 0, 0, 0]


@pytest.mark.data
def test_films_are_told_apart_and_copies_of_another_size_are_found(dataset: Path) -> None:
    root, films = read_dataset(dataset / "chest_xray_native_size")
    known = {film.path.rpartition("/")[2]: film for film in read_dataset(dataset)[1]}
    paths = [root / film.path for film in films]
    names = [path.name for path in paths]
    paths += [dataset / "chest_xray" / known[name].path for name in names]
    pairs = find_near_duplicates(
        np.stack([make_thumbnail(read_radiograph(path).pixels) for path in paths])
    )
    assert [(pair.first, pair.second) for pair in pairs] == [
        (index, index + len(films)) for index in range(len(films))
    ]
