"""The films of one visit: what was dropped, the contents of archives, and the samples.

They lie in memory, for this visitor alone, and go when the visit ends.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from hilum.app.samples import SAMPLES, Sample
from hilum.app.session import Film
from hilum.errors import InputError, UnreadableImageError
from hilum.io import ArchivedFilm, FilmArchive, is_archive
from hilum.language import Text

# What was dropped first goes when all of it together is larger.
_KEPT_BYTES = 384 * 2**20


@dataclass(frozen=True, slots=True)
class Entry:
    """A film that can be opened.

    key
        Names the film in this visit.
    name
        What the visitor calls it; in an archive with its folders.
    """

    key: str
    name: str
    _drop: _Drop | None = field(default=None, repr=False)
    _member: ArchivedFilm | None = field(default=None, repr=False)
    sample: Sample | None = None

    def open(self) -> Film:
        """Read the film.

        Raises
        ------
        InputError, MissingExtraError
            It cannot be read.
        """
        if self.sample is not None:
            return Film(name=self.name, data=self.sample.read(), shows=self.sample.shows)
        assert self._drop is not None  # no other kind
        return Film(name=self.name, data=self._drop.read(self._member))


class _Drop:
    """A file as it was dropped. One that cannot be opened says so when it is chosen."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.size = len(data)
        self._data = data
        self._archive: FilmArchive | None = None
        self._members: tuple[ArchivedFilm, ...] = ()
        self._error: InputError | None = None
        if is_archive(data):
            self._look_into(data)

    def _look_into(self, data: bytes) -> None:
        try:
            self._archive = FilmArchive(data)
            listed = self._archive.list_films()
            self._members = tuple(film for film in listed if not self._is_text(film))
            if not self._members:
                self._error = UnreadableImageError(Text("The archive holds no films."))
        except InputError as error:
            self._error = error

    def _is_text(self, film: ArchivedFilm) -> bool:
        assert self._archive is not None  # the caller's
        try:
            return self._archive.holds_text(film)
        except InputError:
            return False  # a damaged film is listed, and says so when it is opened

    def list_entries(self, key: str) -> list[Entry]:
        if self._members:
            return [
                Entry(f"{key}:{number}", member.name, self, member)
                for number, member in enumerate(self._members)
            ]
        return [Entry(key, self.name, self)]

    def read(self, member: ArchivedFilm | None) -> bytes:
        if self._error is not None:
            raise self._error
        if member is None or self._archive is None:
            return self._data
        return self._archive.read(member)


class Tray:
    """What was dropped in one visit, the newest first."""

    def __init__(self, kept_bytes: int = _KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._drops: dict[str, _Drop] = {}
        self._entries: dict[str, Entry] = {}
        self._count = 0
        self._forgotten: list[str] = []

    def add(self, name: str, data: bytes) -> str:
        """Take a file, an archive with all its films; give the key of the first film."""
        self._count += 1
        key = f"drop:{self._count}"
        drop = _Drop(name, data)
        self._drops[key] = drop
        entries = drop.list_entries(key)
        self._entries = {entry.key: entry for entry in entries} | self._entries
        while self.room_bytes < 0:
            oldest = next(iter(self._drops))
            if oldest == key:
                break
            self._forget(oldest)
        return entries[0].key

    def _forget(self, key: str) -> None:
        drop = self._drops.pop(key)
        self._forgotten.append(drop.name)
        self._entries = {
            name: entry for name, entry in self._entries.items() if entry._drop is not drop
        }

    @property
    def room_bytes(self) -> int:
        """How much more fits without anything being forgotten."""
        return self._kept_bytes - sum(drop.size for drop in self._drops.values())

    def take_forgotten(self) -> list[str]:
        """Give the names of what had to make room since this was last asked."""
        names, self._forgotten = self._forgotten, []
        return names

    def clear(self) -> None:
        """Forget every film that was dropped."""
        self._drops.clear()
        self._entries.clear()

    def list_entries(self) -> list[Entry]:
        """List what was dropped, the newest first."""
        return list(self._entries.values())


def get_tray(state: MutableMapping[Any, Any]) -> Tray:
    """Give the tray of the visit whose state this is."""
    tray: Tray = state.setdefault("tray", Tray())
    return tray


SAMPLE_ENTRIES: tuple[Entry, ...] = tuple(
    Entry(f"sample:{sample.name}", sample.name, sample=sample) for sample in SAMPLES
)
