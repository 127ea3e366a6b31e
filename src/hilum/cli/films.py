"""Finding films: files, folders and globs, in a steady order, without holding them all."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN = "-"


@dataclass
class FilmSearch:
    """The films that the arguments of a command name.

    A file that is named is always a film, whatever it holds. In folders (searched in depth,
    sorted) hidden files, ``DICOMDIR`` and text files are passed over; everything else is a
    film, so that a damaged one is reported and not lost.

    arguments
        Paths of files and folders, globs, or ``-``.
    exclude
        A folder that is not searched: where the overlays go.
    text_files
        How many text files in folders were passed over in the last iteration.
    """

    arguments: Sequence[str]
    exclude: Path | None = None
    text_files: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[str]:
        self.text_files = 0
        for argument in self.arguments:
            if argument == STDIN:
                yield STDIN
                continue
            for path in _expand_glob(argument):
                if os.path.isdir(path):  # noqa: PTH112 (a name may be no valid Path)
                    yield from self._walk(path)
                else:
                    yield path

    def _walk(self, folder: str) -> Iterator[str]:
        """Give the films of a folder: its files by name, then its folders by name."""
        from hilum.io.bystanders import is_bystander

        folders = []
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
        for entry in listed:
            if is_bystander(entry.name):
                continue
            # Links to folders are not followed: they can lead in circles.
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.is_file():
                if _is_text(entry.path):
                    self.text_files += 1
                else:
                    yield entry.path
        for path in folders:
            if self.exclude is None or Path(path).resolve() != self.exclude:
                yield from self._walk(path)


def _expand_glob(argument: str) -> list[str]:
    """Expand a glob that the shell has left alone; a glob without a match stays as it is."""
    if os.path.exists(argument) or not glob.has_magic(argument):  # noqa: PTH110
        return [argument]
    return sorted(glob.glob(argument, recursive=True)) or [argument]  # noqa: PTH207


def _is_text(path: str) -> bool:
    from hilum.io.bystanders import HEAD_BYTES, is_text

    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return is_text(file.read(HEAD_BYTES))
    except OSError:
        return False
