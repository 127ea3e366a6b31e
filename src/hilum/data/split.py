"""Splits that keep every patient on one side."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hilum.data.layout import Film
from hilum.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Split:
    """Films for training and films for validation; no patient is in both."""

    train: tuple[Film, ...]
    validation: tuple[Film, ...]

    def __post_init__(self) -> None:
        shared = {film.patient for film in self.train} & {film.patient for film in self.validation}
        if shared:
            raise DatasetError(
                f"{len(shared)} patients are both in training and in validation: the validation "
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


def split_by_patient(films: Sequence[Film], *, validation_fraction: float, seed: int = 0) -> Split:
    """Split at random by patient, each stratum (label and pathogen) apart.

    Whole patients go to validation until their films reach the fraction of the stratum.

    Raises
    ------
    DatasetError
        The fraction leaves one side without a class.
    """
    if not 0.0 < validation_fraction < 1.0:
        raise DatasetError(f"validation_fraction must be in (0, 1), not {validation_fraction:g}.")
    strata: dict[tuple[int, str], dict[str, list[Film]]] = {}
    stratum_of_patient: dict[str, tuple[int, str]] = {}
    for film in sorted(films):
        # A patient with films in two strata stays whole: in the first that is met.
        key = stratum_of_patient.setdefault(film.patient, (film.label, film.pathogen or ""))
        strata.setdefault(key, {}).setdefault(film.patient, []).append(film)
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
    for side, side_films in (("training", train), ("validation", validation)):
        if {film.label for film in side_films} != {0, 1}:
            raise DatasetError(
                f"The split leaves {side} without films of both classes. Give more films or "
                "another validation_fraction."
            )
    return Split(tuple(sorted(train)), tuple(sorted(validation)))
