"""Folder-per-class datasets, and what the file names of the Kermany set tell.

::

    root/{train,val,test}/{NORMAL,PNEUMONIA}/*     the official layout
    root/{NORMAL,PNEUMONIA}/*                      one part, named "all"
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from hilum.errors import DatasetError

CLASS_FOLDERS = {"NORMAL": 0, "PNEUMONIA": 1}
PARTS = ("train", "val", "test")

# person12_bacteria_46.jpeg; one film carries a second number.
_PNEUMONIA_NAME = re.compile(r"person(\d+)_(bacteria|virus)_\d+")
# IM-0115-0001.jpeg, NORMAL2-IM-0272-0001-0002.jpeg
_NORMAL_NAME = re.compile(r"((?:NORMAL2-)?IM-\d+)-\d+")


@dataclass(frozen=True, slots=True, order=True)
class Film:
    """One film of a dataset.

    path
        Relative to the dataset's root, with forward slashes.
    label
        1 for pneumonia, 0 for normal.
    patient
        Key of the patient. Person numbers of the Kermany set run per pathogen, so the key
        holds both (``"bacteria-12"``); normal films go by their ``IM-`` number with prefix.
        Where a name says nothing, the film is its own patient.
    pathogen
        ``"bacteria"`` or ``"virus"`` where the name tells, else ``None``.
    """

    path: str
    label: int
    patient: str
    part: str
    pathogen: str | None = None


def parse_film_name(name: str, label: int) -> tuple[str, str | None]:
    """Give (patient, pathogen) as far as a file name of the Kermany set tells them."""
    if label == 1 and (match := _PNEUMONIA_NAME.match(name)):
        return f"{match[2]}-{match[1]}", match[2]
    if label == 0 and (match := _NORMAL_NAME.match(name)):
        return match[1], None
    return f"film-{name}", None


def _read_class_folders(folder: Path, root: Path, part: str) -> list[Film]:
    films = []
    for class_name, label in CLASS_FOLDERS.items():
        class_folder = folder / class_name
        if not class_folder.is_dir():
            raise DatasetError(
                f"The folder {class_name} is missing in {part!r}. A dataset has one folder a "
                f"class: {' and '.join(CLASS_FOLDERS)}."
            )
        for path in sorted(class_folder.iterdir()):
            if path.name.startswith(".") or not path.is_file():
                continue
            patient, pathogen = parse_film_name(path.name, label)
            films.append(Film(path.relative_to(root).as_posix(), label, patient, part, pathogen))
    return films


def read_folder_dataset(root: str | os.PathLike[str]) -> tuple[Path, list[Film]]:
    """List the films below ``root``, sorted by path.

    Parameters
    ----------
    root
        A folder in one of the layouts above, or one that holds such a folder under the name
        ``chest_xray`` (as the Kaggle archive unpacks).

    Returns
    -------
    The folder that the paths are relative to, and the films.

    Raises
    ------
    DatasetError
        The folder does not exist, has neither layout, or holds no film.
    """
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(f"There is no folder {root}. Name the folder that holds the dataset.")
    for folder in (root, root / "chest_xray"):
        parts = [part for part in PARTS if (folder / part).is_dir()]
        if parts:
            films = [
                film for part in parts for film in _read_class_folders(folder / part, folder, part)
            ]
            break
        if any((folder / class_name).is_dir() for class_name in CLASS_FOLDERS):
            films = _read_class_folders(folder, folder, "all")
            break
    else:
        raise DatasetError(
            f"{root} holds neither the folders {', '.join(PARTS)} nor one folder a class "
            f"({', '.join(CLASS_FOLDERS)})."
        )
    if not films:
        raise DatasetError(f"{root} holds no film.")
    return folder, sorted(films)
