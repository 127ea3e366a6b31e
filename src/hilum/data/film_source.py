"""Where films are fetched from: a folder or a ZIP archive, neither of which is trusted.

Only files that lie in ``{train,val,test}/{NORMAL,PNEUMONIA}/`` and are named ``*.jpeg`` or
``*.jpg`` are taken, under names that are made here; nothing in an archive decides where a file
goes. An archive that tries (a path upwards, a link, a bomb) is refused as a whole.
"""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from hilum.data.published import list_val_names
from hilum.errors import DatasetError
from hilum.io import DEFAULT_LIMITS

MAX_ENTRIES = 100_000
MAX_TOTAL_BYTES = 8 * 2**30
# Films are compressed already: what still shrinks this much is no film.
MAX_RATIO = 50
_SMALL_BYTES = 2**16

_FILM = re.compile(
    r"(?P<prefix>(?:[^/]+/)*)(?P<part>train|val|test)/(?P<label>NORMAL|PNEUMONIA)"
    r"/(?P<name>[A-Za-z0-9][A-Za-z0-9_.\-]{0,120}\.jpe?g)"
)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One film that can be fetched.

    part, label, name
        Where it goes.
    size_bytes
        As the source claims; no more is taken.
    open
        Opens it for reading.
    path
        The file itself, where it lies in a folder.
    """

    part: str
    label: str
    name: str
    size_bytes: int
    open: Callable[[], IO[bytes]]
    path: Path | None = None

    @property
    def target(self) -> str:
        """Path within the dataset."""
        return f"{self.part}/{self.label}/{self.name}"


@contextmanager
def open_source(path: Path) -> Iterator[list[SourceFile]]:
    """List the films of a folder or a ZIP archive, which stays open meanwhile.

    Raises
    ------
    DatasetError
        There is no such folder or archive, it is damaged or unsafe, or it holds no film.
    """
    if path.is_dir():
        yield _check(_choose(_list_folder(path)), path)
        return
    if not path.is_file():
        raise DatasetError(f"There is no folder and no file {path} to take films from.")
    try:
        with zipfile.ZipFile(path) as archive:
            yield _check(_choose(_list_archive(archive)), path)
    except zipfile.BadZipFile as error:
        raise DatasetError(
            f"{path.name} is no sound ZIP archive ({error}). Did its download break off?"
        ) from error
    except OSError as error:
        if error.filename is None or Path(error.filename) != path:
            raise
        raise DatasetError(f"{path.name} cannot be read: {error.strerror}.") from error


def _list_folder(folder: Path) -> Iterator[tuple[str, SourceFile]]:
    count = 0
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith((".", "__MACOSX")))
        for name in sorted(names):
            count += 1
            if count > MAX_ENTRIES:
                raise DatasetError(f"{folder} holds more than {MAX_ENTRIES:,} files.")
            path = Path(parent, name)
            match = _FILM.fullmatch(path.relative_to(folder).as_posix())
            # A link may lead anywhere; a copy of the set has none.
            if match and path.is_file() and not path.is_symlink():
                size = path.stat().st_size
                film = SourceFile(
                    match["part"], match["label"], match["name"], size, _opener(path), path
                )
                yield match["prefix"], film


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def _list_archive(archive: zipfile.ZipFile) -> Iterator[tuple[str, SourceFile]]:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise DatasetError(f"The archive holds more than {MAX_ENTRIES:,} entries: refused.")
    for entry in entries:
        _check_entry(entry)
        match = _FILM.fullmatch(entry.filename)
        if match and not match["prefix"].startswith("__MACOSX/"):
            film = SourceFile(
                match["part"],
                match["label"],
                match["name"],
                entry.file_size,
                _entry_opener(archive, entry),
            )
            yield match["prefix"], film


def _entry_opener(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(entry)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    # orig_filename is what the archive says, before Python mends it.
    name = entry.orig_filename
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or "\0" in name or ".." in parts or ":" in parts[0]:
        raise DatasetError("The archive names a file outside of itself: refused as unsafe.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise DatasetError("The archive holds a link: refused as unsafe.")
    if entry.flag_bits & 0x1:
        raise DatasetError("The archive is encrypted. Unpack it and give --from the folder.")
    is_small = entry.file_size <= _SMALL_BYTES
    if not is_small and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        raise DatasetError(
            "The archive holds a file that unpacks to more than "
            f"{MAX_RATIO} times its size: refused as a bomb."
        )


def _choose(found: Iterable[tuple[str, SourceFile]]) -> list[SourceFile]:
    """Take one copy of the set: Kaggle's archive holds a second inside of the first."""
    copies: dict[str, list[SourceFile]] = {}
    for prefix, film in found:
        if "__MACOSX/" not in prefix:
            copies.setdefault(prefix, []).append(film)
    if not copies:
        raise DatasetError(
            "There is no folder {train,val,test}/{NORMAL,PNEUMONIA} with *.jpeg films in it."
        )
    prefix = min(copies, key=lambda one: (-len(copies[one]), len(one), one))
    return _move_to_val(copies[prefix])


def _move_to_val(films: list[SourceFile]) -> list[SourceFile]:
    """Make the part ``val`` where the archive is the publisher's own, which has none."""
    if any(film.part == "val" for film in films):
        return films
    val_names = list_val_names()
    return [
        replace(film, part="val")
        if film.part == "train" and film.name in val_names[film.label]
        else film
        for film in films
    ]


def _check(films: list[SourceFile], path: Path) -> list[SourceFile]:
    targets = {film.target.lower() for film in films}
    if len(targets) != len(films):
        raise DatasetError(f"{path.name} holds two films of one name: refused.")
    for film in films:
        if film.size_bytes > DEFAULT_LIMITS.file_bytes:
            raise DatasetError(f"{film.target} is larger than any film: refused.")
    if sum(film.size_bytes for film in films) > MAX_TOTAL_BYTES:
        raise DatasetError(
            f"The films of {path.name} take more than {MAX_TOTAL_BYTES / 2**30:.0f} GiB: refused."
        )
    return films
