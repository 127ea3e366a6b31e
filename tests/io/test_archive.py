"""ZIPs of films: what is listed, what is refused, and that nothing inside can do harm."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hilum.errors import (
    ConfigError,
    HilumError,
    UnreadableImageError,
    UnsafeImageError,
    UnsupportedImageError,
)
from hilum.io import ArchiveLimits, FilmArchive, ReadLimits, is_archive

FILM = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


def pack(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_films_are_listed_by_name_without_bystanders() -> None:
    archive = FilmArchive(
        pack(
            {
                "study/b.dcm": FILM,
                "study/a": FILM,
                "study/DICOMDIR": b"x",
                "study/.DS_Store": b"x",
                ".hidden/c.dcm": FILM,
                "__MACOSX/study/._a": b"x",
                "study/": b"",
            }
        )
    )
    assert [film.name for film in archive.list_films()] == ["study/a", "study/b.dcm"]
    assert [film.size for film in archive.list_films()] == [len(FILM), len(FILM)]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_film_comes_out_as_it_went_in(method: int) -> None:
    archive = FilmArchive(pack({"a.png": FILM, "b.png": FILM[::-1]}, method))
    assert [archive.read(film) for film in archive.list_films()] == [FILM, FILM[::-1]]


def test_text_is_told_from_films() -> None:
    archive = FilmArchive(pack({"README.txt": b"Films of a study.", "a.png": FILM, "empty": b""}))
    told = {film.name: archive.holds_text(film) for film in archive.list_films()}
    assert told == {"README.txt": True, "a.png": False, "empty": False}


def test_two_films_of_one_name_are_two_films() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", FILM)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.png", FILM[::-1])
    packed = FilmArchive(buffer.getvalue())
    assert [packed.read(film) for film in packed.list_films()] == [FILM, FILM[::-1]]


def test_names_that_climb_are_names_and_nothing_more() -> None:
    archive = FilmArchive(pack({"../../etc/passwd.png": FILM, "/srv/a.png": FILM}))
    assert len(archive.list_films()) == 2
    assert all(archive.read(film) == FILM for film in archive.list_films())


def test_a_film_over_the_bound_on_films_is_refused_unread() -> None:
    archive = FilmArchive(pack({"a.png": FILM}), film_limits=ReadLimits(file_bytes=100))
    with pytest.raises(UnsafeImageError, match="100 bytes"):
        archive.read(archive.list_films()[0])


def test_bounds_on_the_whole() -> None:
    data = pack({f"{number}.png": FILM for number in range(8)})
    with pytest.raises(UnsafeImageError, match="8 files"):
        FilmArchive(data, limits=ArchiveLimits(members=7))
    with pytest.raises(UnsafeImageError, match="unpacked"):
        FilmArchive(data, limits=ArchiveLimits(unpacked_bytes=8 * len(FILM) - 1))
    with pytest.raises(UnsafeImageError, match="list of files"):
        FilmArchive(data, limits=ArchiveLimits(directory_bytes=100))
    with pytest.raises(ConfigError, match="members"):
        ArchiveLimits(members=0)


def test_a_film_that_is_larger_than_it_claims_is_damaged() -> None:
    data = bytearray(pack({"a.png": bytes(100_000)}))
    directory = data.find(b"PK\x01\x02")
    struct.pack_into("<L", data, directory + 24, 1000)  # uncompressed size
    archive = FilmArchive(bytes(data))
    with pytest.raises(UnreadableImageError, match="damaged"):
        archive.read(archive.list_films()[0])


def test_a_changed_byte_is_found() -> None:
    data = bytearray(pack({"a.png": FILM}, zipfile.ZIP_STORED))
    data[data.find(FILM) + 100] ^= 1
    archive = FilmArchive(bytes(data))
    with pytest.raises(UnreadableImageError, match="damaged"):
        archive.read(archive.list_films()[0])


def test_encryption_and_odd_methods_are_said() -> None:
    data = bytearray(pack({"a.png": FILM}))
    directory = data.find(b"PK\x01\x02")
    data[6] |= 1
    data[directory + 8] |= 1
    archive = FilmArchive(bytes(data))
    with pytest.raises(UnsupportedImageError, match="password"):
        archive.read(archive.list_films()[0])
    archive = FilmArchive(pack({"a.png": FILM}, zipfile.ZIP_LZMA))
    with pytest.raises(UnsupportedImageError, match="plain ZIP"):
        archive.read(archive.list_films()[0])


def test_what_is_no_zip_or_only_a_part_of_one() -> None:
    with pytest.raises(UnreadableImageError, match="no ZIP"):
        FilmArchive(FILM)
    with pytest.raises(UnreadableImageError, match="cut off"):
        FilmArchive(pack({"a.png": FILM})[:-30])
    assert is_archive(pack({}))
    assert not is_archive(b"")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damage_gives_a_typed_error_or_the_film(data: st.DataObject) -> None:
    whole = bytearray(pack({"a.png": FILM, "b/c.dcm": FILM[:300]}))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        archive = FilmArchive(bytes(whole))
        for film in archive.list_films():
            archive.holds_text(film)
            archive.read(film)
    except HilumError:
        pass
