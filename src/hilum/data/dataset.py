"""``read_dataset``: whatever form a set of films has, one list."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from hilum.data.layout import Film, is_folder_dataset, list_entries, read_folder_dataset
from hilum.data.manifest import read_manifest
from hilum.errors import DatasetError


def read_dataset(path: str | os.PathLike[str]) -> tuple[Path, list[Film]]:
    """List the films of a dataset, sorted by path.

    Parameters
    ----------
    path
        A folder with one folder a class, in parts or not (see :mod:`hilum.data.layout`), or a
        CSV manifest (see :mod:`hilum.data.manifest`). Films may be of any format that hilum
        reads, DICOM too; none of them is opened here.

    Returns
    -------
    The folder that the paths are relative to, and the films.

    Raises
    ------
    DatasetError
        There is no such dataset, or it is malformed; the message says where.

    Examples
    --------
    >>> from hilum.data import read_dataset
    >>> root, films = read_dataset("chest_xray")  # doctest: +SKIP
    """
    path = Path(path)
    if path.is_file():
        if path.suffix.lower() != ".csv":
            raise DatasetError(
                f"{path.name} is neither a folder nor a CSV manifest. A dataset is a folder with "
                "one folder a class, or a .csv file with the columns path,label."
            )
        return read_manifest(path)
    return read_folder_dataset(path)


def find_datasets(path: str | os.PathLike[str]) -> dict[str, tuple[Path, list[Film]]]:
    """Read the dataset at ``path``, or else every dataset in a folder directly below it.

    Returns
    -------
    Name -> (root, films); the name is that of the folder or file.

    Raises
    ------
    DatasetError
        There is none, or one of them is malformed.
    """
    path = Path(path)
    if path.is_dir() and not is_folder_dataset(path):
        below = [one for one in list_entries(path) if one.is_dir() and is_folder_dataset(one)]
        if below:
            return {one.name: read_folder_dataset(one) for one in below}
    root, films = read_dataset(path)
    return {path.resolve().name: (root, films)}


def select_part(films: Sequence[Film], part: str) -> list[Film]:
    """Give the films of one part.

    Raises
    ------
    DatasetError
        The dataset has no such part.
    """
    own = [film for film in films if film.part == part]
    if not own:
        parts = ", ".join(sorted({film.part for film in films}))
        raise DatasetError(f"The dataset has no part {part!r}; it has: {parts}.")
    return own
