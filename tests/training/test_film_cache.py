from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hilum.data import Film, Split, read_dataset
from hilum.errors import TrainingError
from hilum.spec import InputSpec
from hilum.training import film_cache
from hilum.training.film_cache import load_training_films, pack_film, unpack_film

SPEC = InputSpec(height_px=32, width_px=24, normalization="per_film")


@pytest.fixture
def dataset_root(tmp_path: Path) -> Path:
    root = tmp_path / "films"
    rng = np.random.default_rng(0)
    for folder in ("NORMAL", "PNEUMONIA"):
        (root / folder).mkdir(parents=True)
        for number in range(4):
            pixels = rng.integers(0, 256, (40, 36)).astype(np.uint8)
            Image.fromarray(pixels).save(root / folder / f"{number}.png")
    return root


def split_films(root: Path, *, turned: bool = False) -> Split:
    _, films = read_dataset(root)
    first, second = tuple(films[::2]), tuple(films[1::2])
    return Split(second, first) if turned else Split(first, second)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The films that are read and resized."""
    seen: list[str] = []
    real = film_cache.read_film

    def read(root: Path, film: Film, spec: InputSpec) -> Any:
        seen.append(film.path)
        return real(root, film, spec)

    monkeypatch.setattr(film_cache, "read_film", read)
    return seen


def list_cache(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_every_grey_survives() -> None:
    greys = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(pack_film(unpack_film(greys)), greys)


def test_films_are_read_once_for_all_splits(
    dataset_root: Path, tmp_path: Path, reads: list[str]
) -> None:
    split, turned = split_films(dataset_root), split_films(dataset_root, turned=True)
    without = load_training_films(dataset_root, split, SPEC)
    assert len(reads) == 4
    reads.clear()
    told: list[tuple[int, int]] = []
    first = load_training_films(
        dataset_root, split, SPEC, tmp_path / "cache", report=lambda *counts: told.append(counts)
    )
    assert len(reads) == 8
    assert told[-1] == (8, 8)
    again = load_training_films(dataset_root, split, SPEC, tmp_path / "cache")
    other = load_training_films(dataset_root, turned, SPEC, tmp_path / "cache")
    assert len(reads) == 8
    assert len(list_cache(tmp_path / "cache")) == 1
    np.testing.assert_array_equal(first, without)
    np.testing.assert_array_equal(again, without)
    np.testing.assert_array_equal(other, load_training_films(dataset_root, turned, SPEC))
    assert first.dtype == np.uint8


def test_what_changes_the_films_changes_the_file(
    dataset_root: Path, tmp_path: Path, reads: list[str]
) -> None:
    cache, split = tmp_path / "cache", split_films(dataset_root)
    before = load_training_films(dataset_root, split, SPEC, cache)
    wider = SPEC.model_copy(update={"width_px": 28})
    assert load_training_films(dataset_root, split, wider, cache).shape == (4, 32, 28)
    # The same name, size and time, other pixels.
    path = dataset_root / split.train[0].path
    time_ns = path.stat().st_mtime_ns
    Image.fromarray(np.zeros((40, 36), np.uint8)).save(path)
    os.utime(path, ns=(time_ns, time_ns))
    after = load_training_films(dataset_root, split, SPEC, cache)
    assert after[0].max() == 0
    np.testing.assert_array_equal(after[1:], before[1:])
    assert len(list_cache(cache)) == 3


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", None])
def test_a_file_that_is_not_whole_is_written_again(
    dataset_root: Path, tmp_path: Path, content: bytes | None
) -> None:
    cache, split = tmp_path / "cache", split_films(dataset_root)
    expected = load_training_films(dataset_root, split, SPEC, cache)
    (name,) = list_cache(cache)
    whole = (cache / name).read_bytes()
    (cache / name).write_bytes(whole[:-100] if content is None else content)
    np.testing.assert_array_equal(load_training_films(dataset_root, split, SPEC, cache), expected)
    assert (cache / name).read_bytes() == whole


def _load(root: Path, cache: Path) -> int:
    return int(load_training_films(root, split_films(root), SPEC, cache).sum())


def test_two_processes_at_once(dataset_root: Path, tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        sums = pool.starmap(_load, [(dataset_root, tmp_path / "cache")] * 8)
    assert len(set(sums)) == 1
    assert len(list_cache(tmp_path / "cache")) == 1


def test_a_full_disk_is_told_and_leaves_nothing(
    dataset_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", fill)
    with pytest.raises(TrainingError, match=r"No space left on device.*--no-cache"):
        load_training_films(dataset_root, split_films(dataset_root), SPEC, tmp_path / "cache")
    assert list_cache(tmp_path / "cache") == []
