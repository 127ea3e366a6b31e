"""The films of one visit."""

from __future__ import annotations

import io
import zipfile

import pytest

from hilum.app.tray import SAMPLE_ENTRIES, Tray
from hilum.errors import UnreadableImageError, UnsupportedImageError
from hilum.io import read_radiograph


def pack(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_the_newest_film_comes_first(small_film: bytes) -> None:
    tray = Tray()
    first, second = tray.add("a.png", small_film), tray.add("b.png", b"no film")
    assert [entry.key for entry in tray.list_entries()] == [second, first]
    assert tray.list_entries()[1].open().data == small_film


def test_an_archive_is_its_films(small_film: bytes) -> None:
    tray = Tray()
    key = tray.add(
        "study.zip", pack({"s/b.png": small_film, "s/a.dcm": b"\0damaged", "README": b"text"})
    )
    entries = tray.list_entries()
    assert [entry.name for entry in entries] == ["s/a.dcm", "s/b.png"]
    assert entries[0].key == key
    assert entries[1].open().data == small_film


def test_what_cannot_be_opened_says_so_when_it_is_chosen(small_film: bytes) -> None:
    tray = Tray()
    whole = pack({"a.png": small_film})
    tray.add("cut.zip", whole[:-10])
    tray.add("empty.zip", pack({"README": b"text"}))
    locked = bytearray(whole)
    locked[6] |= 1
    locked[locked.find(b"PK\x01\x02") + 8] |= 1
    tray.add("locked.zip", bytes(locked))
    locked_film, empty, cut = tray.list_entries()
    with pytest.raises(UnreadableImageError, match="cut off"):
        cut.open()
    with pytest.raises(UnreadableImageError, match="holds no films"):
        empty.open()
    with pytest.raises(UnsupportedImageError, match="password"):
        locked_film.open()


def test_what_was_dropped_first_makes_room() -> None:
    tray = Tray(kept_bytes=100)
    for number in range(5):
        tray.add(f"{number}", bytes(40))
    assert [entry.name for entry in tray.list_entries()] == ["4", "3"]
    assert tray.room_bytes == 20
    tray.add("large", bytes(500))
    assert [entry.name for entry in tray.list_entries()] == ["large"]
    assert tray.take_forgotten() == ["0", "1", "2", "3", "4"]
    assert tray.take_forgotten() == []
    tray.clear()
    assert not tray.list_entries()
    assert tray.room_bytes == 100


def test_samples_are_films_like_others() -> None:
    first = SAMPLE_ENTRIES[0]
    film = first.open()
    assert film.shows == "synthetic"
    assert read_radiograph(film.data).format == "DICOM"
