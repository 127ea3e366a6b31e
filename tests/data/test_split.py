from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.data import Film, Split, split_by_patient
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
