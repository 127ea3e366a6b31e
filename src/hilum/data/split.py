"""Splits that keep every patient on one side, and the one of the write-ups that does not."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hilum.data.layout import Film
from hilum.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Split:
    """Films for training and films for validation; no patient is in both.

    leaks
        The split is known and declared to share patients: the random one of the write-ups.
        Its validation figures are too good, and whoever shows them has to say so.
    """

    train: tuple[Film, ...]
    validation: tuple[Film, ...]
    leaks: bool = False

    def __post_init__(self) -> None:
        if not self.leaks and (shared := count_shared_patients(self.train, self.validation)):
            raise DatasetError(
                f"{shared} patients are both in training and in validation: the validation "
                "figures would be too good. Split by patient."
            )

    @property
    def fingerprint(self) -> str:
        """SHA-256 over path, label and side of every film: the same split, the same digest."""
        digest = hashlib.sha256()
        for side, films in (("train", self.train), ("validation", self.validation)):
            for film in films:
                digest.update(f"{side}\t{film.path}\t{film.label}\n".encode())
        return digest.hexdigest()


def count_shared_patients(first: Sequence[Film], second: Sequence[Film]) -> int:
    """Count the patients who have films on both sides."""
    return len({film.patient for film in first} & {film.patient for film in second})


def count_leaking_films(train: Sequence[Film], validation: Sequence[Film]) -> int:
    """Count the validation films of patients whom training knows."""
    known = {film.patient for film in train}
    return sum(film.patient in known for film in validation)


def split_by_patient(films: Sequence[Film], *, validation_fraction: float, seed: int = 0) -> Split:
    """Split at random by patient, each stratum (label and pathogen) apart.

    Whole patients go to validation until their films reach the fraction of the stratum.

    Raises
    ------
    DatasetError
        The fraction leaves one side without a class.
    """
    _check_fraction(validation_fraction)
    strata = _group_by_stratum(films, [film.patient for film in films])
    rng = np.random.default_rng(seed)
    train: list[Film] = []
    validation: list[Film] = []
    for key in sorted(strata):
        patients = strata[key]
        wanted = validation_fraction * sum(len(own) for own in patients.values())
        names = sorted(patients)
        taken = 0
        for index in rng.permutation(len(names)):
            own = patients[names[index]]
            # Taking this patient must bring the count nearer to what is wanted, not past it.
            if taken + len(own) / 2 <= wanted:
                validation += own
                taken += len(own)
            else:
                train += own
    _check_sides(train, validation, "another validation_fraction")
    return Split(tuple(sorted(train)), tuple(sorted(validation)))


def split_at_random(
    films: Sequence[Film], *, validation_fraction: float = 0.2, seed: int = 0
) -> Split:
    """Split film by film, whoever is on them, as the write-ups do: 8 : 2, and it leaks.

    For comparison with what was published that way, and for nothing else: films of one child
    stand on both sides. Where every film is of another patient, nothing leaks and the split
    says so.

    Raises
    ------
    DatasetError
        The fraction leaves one side without a class.
    """
    _check_fraction(validation_fraction)
    ordered = sorted(films)
    chosen = np.random.default_rng(seed).permutation(len(ordered))
    count = round(validation_fraction * len(ordered))
    validation = sorted(ordered[index] for index in chosen[:count])
    train = sorted(ordered[index] for index in chosen[count:])
    _check_sides(train, validation, "another validation_fraction")
    leaks = count_shared_patients(train, validation) > 0
    return Split(tuple(train), tuple(validation), leaks=leaks)


def fold_by_patient(
    films: Sequence[Film], *, folds: int, seed: int = 0, groups: Sequence[str] | None = None
) -> list[Split]:
    """Split into ``folds`` folds by patient, each stratum (label and pathogen) apart.

    Each film is in validation once. Patients with many films are placed first, each into the
    fold that has the fewest films of the stratum, so the folds come out even.

    Parameters
    ----------
    films
        The films to fold.
    folds
        2 or more.
    seed
        Of the order in which patients are placed.
    groups
        What must stay together, one key a film, instead of the patients alone: for instance
        patients joined by identical files.

    Raises
    ------
    DatasetError
        A fold is left without a class.
    """
    if folds < 2:
        raise DatasetError(f"Cross-validation needs 2 folds or more, not {folds}.")
    strata = _group_by_stratum(films, groups or [film.patient for film in films])
    rng = np.random.default_rng(seed)
    fold_films: list[list[Film]] = [[] for _ in range(folds)]
    for key in sorted(strata):
        patients = strata[key]
        names = sorted(patients)
        order = [names[index] for index in rng.permutation(len(names))]
        sizes = [0] * folds
        for name in sorted(order, key=lambda one: -len(patients[one])):
            fold = sizes.index(min(sizes))
            sizes[fold] += len(patients[name])
            fold_films[fold] += patients[name]
    splits = []
    for fold, validation in enumerate(fold_films):
        train = [film for other in range(folds) if other != fold for film in fold_films[other]]
        _check_sides(train, validation, "fewer folds")
        splits.append(Split(tuple(sorted(train)), tuple(sorted(validation))))
    return splits


def _group_by_stratum(
    films: Sequence[Film], groups: Sequence[str]
) -> dict[tuple[int, str], dict[str, list[Film]]]:
    """Give stratum -> group -> films; a group with films of two strata stays whole."""
    strata: dict[tuple[int, str], dict[str, list[Film]]] = {}
    stratum_of_group: dict[str, tuple[int, str]] = {}
    for film, group in sorted(zip(films, groups, strict=True)):
        # In the stratum that is met first.
        key = stratum_of_group.setdefault(group, (film.label, film.pathogen or ""))
        strata.setdefault(key, {}).setdefault(group, []).append(film)
    return strata


def _check_fraction(validation_fraction: float) -> None:
    if not 0.0 < validation_fraction < 1.0:
        raise DatasetError(f"validation_fraction must be in (0, 1), not {validation_fraction:g}.")


def _check_sides(train: Sequence[Film], validation: Sequence[Film], way_out: str) -> None:
    for side, side_films in (("training", train), ("validation", validation)):
        if {film.label for film in side_films} != {0, 1}:
            raise DatasetError(
                f"The split leaves {side} without films of both classes. Give more films or "
                f"{way_out}."
            )
