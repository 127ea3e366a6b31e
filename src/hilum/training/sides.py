"""Which films are trained on and which validate, as a recipe says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hilum.data import Film, Split, read_split, split_at_random, split_by_patient
from hilum.errors import ConfigError, DatasetError
from hilum.training.recipe import DataSection

NAMED_SPLITS = ("patient", "random", "official")


def choose_sides(films: Sequence[Film], section: DataSection) -> Split:
    """Split the films of a dataset; those of its ``test`` part are on no side.

    Parameters
    ----------
    films
        As :func:`hilum.data.read_dataset` gives them.

    Raises
    ------
    ConfigError
        ``data.split`` is no known way to split and no file.
    DatasetError
        The dataset cannot be split that way, or the manifest does not fit it.
    """
    rest = [film for film in films if film.part != "test"]
    if section.split == "patient":
        return split_by_patient(
            rest, validation_fraction=section.validation_fraction, seed=section.split_seed
        )
    train = [film for film in rest if film.part == "train"]
    if section.split == "random":
        return split_at_random(
            train or rest,
            validation_fraction=section.validation_fraction,
            seed=section.split_seed,
        )
    if section.split == "official":
        validation = [film for film in rest if film.part == "val"]
        if not train or not validation:
            raise DatasetError(
                'The recipe takes the parts "train" and "val" as they are, and this dataset has '
                "no such parts. Let it split the films: data.split=patient."
            )
        return Split(tuple(sorted(train)), tuple(sorted(validation)))
    path = Path(section.split)
    if not path.is_file():
        raise ConfigError(
            f"data.split is none of {', '.join(NAMED_SPLITS)}, and there is no manifest "
            f"{section.split}. `hilum data split` writes one."
        )
    return _check_manifest(read_split(path), films, path)


def _check_manifest(split: Split, films: Sequence[Film], path: Path) -> Split:
    known = {film.path for film in films}
    named = [film.path for film in (*split.train, *split.validation)]
    missing = [name for name in named if name not in known]
    if missing:
        raise DatasetError(
            f"The manifest {path.name} names {len(missing)} films that the dataset does not hold "
            f"(first: {missing[0]}). Name the folder that it was written for."
        )
    return split
