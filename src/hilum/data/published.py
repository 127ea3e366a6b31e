"""What is known of the published set, so that a copy of it can be told from half a copy.

``published.json`` holds, for each part and class, the number of films and the SHA-256 of their
sorted names; the SHA-256 of 48 films as they were published; and one digest over all 5,856 films
of the copy that was scaled to 224 x 224 px. Of the other films at native size only the name is
known here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from hilum.data.layout import CLASS_NAMES, PARTS, Film, read_folder_dataset
from hilum.errors import DatasetError


@dataclass(frozen=True, slots=True)
class PublishedCheck:
    """What was checked of a copy of the published set.

    edition
        ``"as published"``, or ``"scaled to 224 px"``.
    films
        Films, whose number and names are right.
    digests
        Films whose content was compared.
    """

    edition: str
    films: int
    digests: int


@cache
def _read_facts() -> Mapping[str, Any]:
    text = files("hilum.data").joinpath("published.json").read_text(encoding="utf-8")
    facts: Mapping[str, Any] = json.loads(text)
    return facts


def list_val_names() -> dict[str, frozenset[str]]:
    """Give class -> names of the 16 films of the part ``val``.

    The publisher's own archive has no ``val``: these films lie in its ``train``.
    """
    return {name: frozenset(own) for name, own in _read_facts()["val_names"].items()}


def get_published_digest(name: str) -> str | None:
    """Give the SHA-256 of a film as published, by its file name; ``None`` where not known."""
    known: Mapping[str, str] = _read_facts()["published_sha256"]
    return known.get(name)


def check_names(names: Mapping[tuple[str, str], Sequence[str]]) -> None:
    """Compare the names of films with the published ones.

    Parameters
    ----------
    names
        (part, class) -> file names.

    Raises
    ------
    DatasetError
        Films are missing, or there are others.
    """
    wrong = []
    for part in PARTS:
        for class_name in CLASS_NAMES:
            fact = _read_facts()["cells"][f"{part}/{class_name}"]
            own = sorted(names.get((part, class_name), ()))
            if len(own) != fact["films"]:
                wrong.append(f"{part}/{class_name} has {len(own):,} of {fact['films']:,} films")
            elif hashlib.sha256("\n".join(own).encode()).hexdigest() != fact["names_sha256"]:
                wrong.append(f"{part}/{class_name} has films of other names")
    if wrong:
        raise DatasetError(
            f"This is not the whole published set: {'; '.join(wrong)}. If the download or the copy "
            "broke off, fetch it again; if it is another set, no fetching is needed: hilum reads "
            "it where it lies."
        )


def check_published(folder: str | Path) -> PublishedCheck:
    """Check a copy of the published set: counts, names, and the digests that are known.

    Raises
    ------
    DatasetError
        Films are missing, there are others, or their content is another.
    """
    root, films = read_folder_dataset(folder)
    names: dict[tuple[str, str], list[str]] = {}
    for film in films:
        cell = (film.part, CLASS_NAMES[film.label])
        names.setdefault(cell, []).append(film.path.rpartition("/")[2])
    check_names(names)
    known: Mapping[str, str] = _read_facts()["published_sha256"]
    sampled = [film for film in films if film.path.rpartition("/")[2] in known]
    differing = [
        film for film in sampled if _digest(root, film) != known[film.path.rpartition("/")[2]]
    ]
    if not differing:
        return PublishedCheck("as published", len(films), len(sampled))
    whole = hashlib.sha256()
    for film in films:
        whole.update(f"{film.path}\t{_digest(root, film)}\n".encode())
    if whole.hexdigest() == _read_facts()["copy_224_sha256"]:
        return PublishedCheck("scaled to 224 px", len(films), len(films))
    raise DatasetError(
        f"{len(differing)} of {len(sampled)} films whose digest is known differ from what was "
        "published. They were scaled, saved again or damaged; figures on them cannot be compared."
    )


def _digest(root: Path, film: Film) -> str:
    try:
        with (root / film.path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DatasetError(f"{film.path} cannot be read: {error.strerror}.") from error
