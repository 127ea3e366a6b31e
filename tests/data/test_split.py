from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.data import Film, Split, fold_by_patient, split_at_random, split_by_patient
from hilum.errors import DatasetError


def make_films(patients: dict[tuple[int, str], list[int]]) -> list[Film]:
    return [
        Film(
            f"{label}/{pathogen}/{patient}-{number}",
            label,
            f"{pathogen}-{patient}",
            "train",
            pathogen,
        )
        for (label, pathogen), sizes in patients.items()
        for patient, size in enumerate(sizes)
        for number in range(size)
    ]


sizes = st.lists(st.integers(1, 8), min_size=12, max_size=40)


@given(sizes, sizes, sizes, st.integers(0, 5))
def test_no_patient_is_on_both_sides_and_every_film_on_one(
    normal: list[int], bacteria: list[int], virus: list[int], seed: int
) -> None:
    films = make_films({(0, "none"): normal, (1, "bacteria"): bacteria, (1, "virus"): virus})
    split = split_by_patient(films, validation_fraction=0.3, seed=seed)
    assert sorted([*split.train, *split.validation]) == sorted(films)
    train = {film.patient for film in split.train}
    assert not train & {film.patient for film in split.validation}
    for pathogen in ("none", "bacteria", "virus"):
        own = [film for film in films if film.pathogen == pathogen]
        share = sum(film.pathogen == pathogen for film in split.validation) / len(own)
        assert abs(share - 0.3) <= 8 / len(own)


def test_split_depends_on_the_seed_and_not_on_the_order_of_the_films() -> None:
    films = make_films({(0, "none"): [1] * 30, (1, "virus"): [2] * 30})
    first = split_by_patient(films, validation_fraction=0.2, seed=1)
    again = split_by_patient(films[::-1], validation_fraction=0.2, seed=1)
    other = split_by_patient(films, validation_fraction=0.2, seed=2)
    assert first == again
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint


def test_a_patient_of_two_strata_stays_whole() -> None:
    films = make_films({(0, "none"): [1] * 20, (1, "virus"): [1] * 20})
    shared = [Film("x/1", 0, "shared", "train"), Film("x/2", 1, "shared", "train", "virus")]
    for seed in range(10):
        split = split_by_patient([*films, *shared], validation_fraction=0.5, seed=seed)
        assert len({film in split.train for film in shared}) == 1


def test_a_leak_is_an_error() -> None:
    films = make_films({(0, "none"): [2], (1, "virus"): [2]})
    with pytest.raises(DatasetError, match="1 patients are both"):
        Split(train=tuple(films[:1]), validation=tuple(films[1:]))


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0])
def test_fraction_must_leave_two_sides(fraction: float) -> None:
    with pytest.raises(DatasetError, match="validation_fraction"):
        split_by_patient(make_films({(0, "none"): [1]}), validation_fraction=fraction)


def test_a_side_without_a_class_is_an_error() -> None:
    films = make_films({(0, "none"): [1] * 20, (1, "virus"): [5]})
    with pytest.raises(DatasetError, match="both classes"):
        split_by_patient(films, validation_fraction=0.2)


def test_a_random_split_leaks_and_says_so() -> None:
    films = make_films({(0, "none"): [3] * 30, (1, "virus"): [3] * 30})
    split = split_at_random(films, seed=1)
    assert split.leaks
    assert len(split.validation) == 36  # 0.2 of 180
    assert sorted([*split.train, *split.validation]) == sorted(films)
    assert split == split_at_random(films[::-1], seed=1)
    assert split != split_at_random(films, seed=2)


def test_a_random_split_of_single_films_does_not_leak() -> None:
    films = make_films({(0, "none"): [1] * 30, (1, "virus"): [1] * 30})
    assert not split_at_random(films).leaks


@given(sizes, sizes, st.integers(2, 5), st.integers(0, 5))
def test_folds_hold_each_film_once_and_no_patient_twice(
    normal: list[int], virus: list[int], folds: int, seed: int
) -> None:
    films = make_films({(0, "none"): normal, (1, "virus"): virus})
    splits = fold_by_patient(films, folds=folds, seed=seed)
    assert len(splits) == folds
    assert sorted(film for split in splits for film in split.validation) == sorted(films)
    for split in splits:  # Split itself refuses a patient on both sides
        assert sorted([*split.train, *split.validation]) == sorted(films)
        assert abs(len(split.validation) - len(films) / folds) <= 2 * 8


def test_groups_stay_together_in_a_fold() -> None:
    films = make_films({(0, "none"): [1] * 20, (1, "virus"): [1] * 20})
    groups = [str(index // 2) for index in range(len(films))]
    for split in fold_by_patient(films, folds=4, groups=groups):
        held = {group for film, group in zip(films, groups, strict=True) if film in split.train}
        other = {
            group for film, group in zip(films, groups, strict=True) if film in split.validation
        }
        assert not held & other


@pytest.mark.parametrize("folds", [1, 0, -3])
def test_one_fold_is_no_cross_validation(folds: int) -> None:
    with pytest.raises(DatasetError, match="2 folds or more"):
        fold_by_patient(make_films({(0, "none"): [1], (1, "virus"): [1]}), folds=folds)


def test_more_folds_than_patients_is_an_error() -> None:
    with pytest.raises(DatasetError, match="fewer folds"):
        fold_by_patient(make_films({(0, "none"): [1] * 9, (1, "virus"): [4, 4]}), folds=3)
