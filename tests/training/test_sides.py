from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hilum.data import Film, make_manifests, read_dataset, write_split
from hilum.errors import ConfigError, DatasetError
from hilum.training.recipe import DataSection
from hilum.training.sides import choose_sides


@pytest.fixture
def films(drawn_dataset: Path) -> list[Film]:
    return read_dataset(drawn_dataset)[1]


def make_section(**changes: Any) -> DataSection:
    facts = {"name": "a", "source": "b", "licence": "c", "population": {"description": "d"}}
    return DataSection.model_validate(facts | changes)


def test_by_patient_pools_train_and_val(films: list[Film]) -> None:
    split = choose_sides(films, make_section(validation_fraction=0.25))
    assert not split.leaks
    assert {film.part for film in split.train} == {"train", "val"}
    assert len(split.train) + len(split.validation) == 128
    other = choose_sides(films, make_section(validation_fraction=0.25, split_seed=1))
    assert other.validation != split.validation


def test_at_random_takes_train_alone_and_leaks(films: list[Film]) -> None:
    split = choose_sides(films, make_section(split="random", validation_fraction=0.2))
    assert split.leaks
    assert {film.part for film in (*split.train, *split.validation)} == {"train"}
    assert len(split.validation) == 24


def test_official_takes_the_parts_as_they_are(films: list[Film]) -> None:
    split = choose_sides(films, make_section(split="official"))
    assert {film.part for film in split.train} == {"train"}
    assert {film.part for film in split.validation} == {"val"}
    with pytest.raises(DatasetError, match=r"data\.split=patient"):
        choose_sides([film for film in films if film.part != "val"], make_section(split="official"))


def test_a_manifest_decides(drawn_dataset: Path, films: list[Film], tmp_path: Path) -> None:
    (manifest,) = make_manifests(*read_dataset(drawn_dataset), kind="official")
    write_split(manifest, tmp_path / "own.csv")
    section = make_section(split=str(tmp_path / "own.csv"))
    split = choose_sides(films, section)
    official = choose_sides(films, make_section(split="official"))
    assert [film.path for film in split.train] == [film.path for film in official.train]
    with pytest.raises(DatasetError, match=r"own\.csv names \d+ films that the dataset does not"):
        choose_sides(films[:20], section)


def test_an_unknown_way_tells_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"patient, random, official.*hilum data split"):
        choose_sides([], make_section(split="patients"))
