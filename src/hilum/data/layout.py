"""Folder-per-class datasets, and what the file names of the Kermany set tell.

::

    root/{train,val,test}/{NORMAL,PNEUMONIA}/**     the official layout
    root/{NORMAL,PNEUMONIA}/**                      one part, named "all"

Upper and lower case of a folder's name do not matter. A folder that holds films and belongs to
neither layout is an error, since its films would be left out in silence.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hilum.errors import DatasetError

CLASS_FOLDERS = {"NORMAL": 0, "PNEUMONIA": 1}
CLASS_NAMES = tuple(CLASS_FOLDERS)
PARTS = ("train", "val", "test")
WHOLE = "all"
# Begins the key of a patient of whom nothing is known: the film is its own patient.
UNKNOWN_PATIENT = "film-"

# As the Kaggle archive unpacks: the set, a second copy of it inside, and what macOS adds.
_ARCHIVE_FOLDER = "chest_xray"
_BYSTANDER_FOLDERS = {_ARCHIVE_FOLDER, "__MACOSX"}
_BYSTANDER_FILES = {"thumbs.db", "desktop.ini", "dicomdir"}
# Notes and tables that people keep beside films.
_TEXT_SUFFIXES = {".csv", ".html", ".json", ".log", ".md", ".tsv", ".txt", ".yaml", ".yml"}

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
        Where nothing tells, the film is its own patient (``"film-"`` and its path).
    part
        ``"train"``, ``"val"``, ``"test"``, or ``"all"`` where the set has no parts.
    pathogen
        ``"bacteria"`` or ``"virus"`` where the name tells, else ``None``.
    """

    path: str
    label: int
    patient: str
    part: str
    pathogen: str | None = None

    @property
    def is_patient_known(self) -> bool:
        """Whether anything told which patient the film is of."""
        return not self.patient.startswith(UNKNOWN_PATIENT)


def parse_film_name(name: str, label: int) -> tuple[str, str | None]:
    """Give (patient, pathogen) as far as a file name of the Kermany set tells them."""
    if label == 1 and (match := _PNEUMONIA_NAME.match(name)):
        return f"{match[2]}-{match[1]}", match[2]
    if label == 0 and (match := _NORMAL_NAME.match(name)):
        return match[1], None
    return f"{UNKNOWN_PATIENT}{name}", None


def parse_film_path(path: str, label: int) -> tuple[str, str | None]:
    """Give (patient, pathogen) of a film that is named by nothing but its path."""
    patient, pathogen = parse_film_name(path.rpartition("/")[2], label)
    if patient.startswith(UNKNOWN_PATIENT):
        # Two files of one name in two folders are two films, and maybe of two patients.
        patient = UNKNOWN_PATIENT + path
    return patient, pathogen


def suggest(word: str, known: tuple[str, ...]) -> str:
    """Give the end of a message about a word that is none of the known: what was meant."""
    folded = {one.lower(): one for one in known}
    near = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return f" Did you mean {folded[near[0]]!r}?" if near else f" Known: {', '.join(known)}."


def list_entries(folder: Path) -> list[Path]:
    """Give what a folder holds and does not hide, in a steady order.

    Raises
    ------
    DatasetError
        The folder cannot be opened.
    """
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DatasetError(f"The folder {folder} cannot be opened: {reason}.") from error


def _list_folders(folder: Path) -> dict[str, Path]:
    """Give the folders in ``folder`` that are not hidden, by name in lower case."""
    found: dict[str, Path] = {}
    for path in list_entries(folder):
        if not path.is_dir():
            continue
        if path.name.lower() in found:
            raise DatasetError(
                f"The folders {found[path.name.lower()].name} and {path.name} differ by upper and "
                "lower case alone. Put their films into one."
            )
        found[path.name.lower()] = path
    return found


def _find_class_folders(folder: Path) -> dict[str, Path]:
    folders = _list_folders(folder)
    return {name: folders[name.lower()] for name in CLASS_NAMES if name.lower() in folders}


def _check_strangers(folder: Path, known: set[str], words: tuple[str, ...], what: str) -> None:
    """Refuse folders beside the known ones: their films would be left out in silence."""
    for name, path in _list_folders(folder).items():
        if name not in known and path.name not in _BYSTANDER_FOLDERS and any(_walk(path)):
            raise DatasetError(
                f"The folder {path.name!r} in {folder.name!r} holds files and is no {what}."
                f"{suggest(path.name, words)} Rename it, or take it out of the dataset."
            )


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files below ``folder`` in a steady order; hidden ones and bystanders are not."""
    for path in list_entries(folder):
        # Links to folders are not followed: they can lead in circles.
        if path.is_dir():
            if not path.is_symlink():
                yield from _walk(path)
        elif path.is_file() and not _is_bystander(path):
            yield path


def _is_bystander(path: Path) -> bool:
    return path.name.lower() in _BYSTANDER_FILES or path.suffix.lower() in _TEXT_SUFFIXES


def _read_class_folders(folder: Path, root: Path, part: str) -> list[Film]:
    class_folders = _find_class_folders(folder)
    for class_name in CLASS_NAMES:
        if class_name not in class_folders:
            raise DatasetError(
                f"The folder {class_name} is missing in {part!r}. A dataset has one folder a "
                f"class: {' and '.join(CLASS_NAMES)}.{_explain_absence(folder, class_name)}"
            )
    known = {name.lower() for name in CLASS_NAMES}
    _check_strangers(folder, known, CLASS_NAMES, "class that hilum knows")
    films = []
    for class_name, class_folder in class_folders.items():
        label = CLASS_FOLDERS[class_name]
        for path in _walk(class_folder):
            relative = path.relative_to(root).as_posix()
            patient, pathogen = parse_film_path(relative, label)
            inside = path.relative_to(class_folder).parts
            if len(inside) > 1 and patient.startswith(UNKNOWN_PATIENT):
                # PATIENT/STUDY/SERIES/film, as a DICOM export lies on disk.
                patient = inside[0]
            films.append(Film(relative, label, patient, part, pathogen))
    return films


def _explain_absence(folder: Path, class_name: str) -> str:
    names = tuple(path.name for path in _list_folders(folder).values())
    near = difflib.get_close_matches(class_name, [name.upper() for name in names], n=1, cutoff=0.6)
    if not near:
        return ""
    given = next(name for name in names if name.upper() == near[0])
    return f" There is a folder {given!r}: is that it, misspelt?"


def is_folder_dataset(folder: Path) -> bool:
    """Whether ``folder`` itself has one of the two layouts, as far as its folders tell."""
    return any(name in _list_folders(folder) for name in PARTS) or bool(_find_class_folders(folder))


def read_folder_dataset(root: str | os.PathLike[str]) -> tuple[Path, list[Film]]:
    """List the films below ``root``, sorted by path.

    Parameters
    ----------
    root
        A folder in one of the layouts above, or one that holds such a folder under the name
        ``chest_xray`` (as the Kaggle archive unpacks). Folders below a class are searched in
        depth; where names tell no patient, the first folder below the class is the patient.

    Returns
    -------
    The folder that the paths are relative to, and the films.

    Raises
    ------
    DatasetError
        The folder does not exist, has neither layout, misses a class, holds a folder that
        belongs to no class or part, or holds no film.
    """
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(f"There is no folder {root}. Name the folder that holds the dataset.")
    try:
        folder = next(
            one for one in (root, root / _ARCHIVE_FOLDER) if one.is_dir() and is_folder_dataset(one)
        )
    except StopIteration:
        raise DatasetError(
            f"{root} holds neither the folders {', '.join(PARTS)} nor one folder a class "
            f"({', '.join(CLASS_NAMES)})."
        ) from None
    films = _read_layout(folder)
    if not films:
        raise DatasetError(f"{root} holds no film.")
    return folder, sorted(films)


def _read_layout(folder: Path) -> list[Film]:
    folders = _list_folders(folder)
    if not any(part in folders for part in PARTS):
        return _read_class_folders(folder, folder, WHOLE)
    _check_strangers(folder, set(PARTS), PARTS, "part of a dataset")
    return [
        film
        for part in PARTS
        if part in folders
        for film in _read_class_folders(folders[part], folder, part)
    ]
