"""Where a film comes from, and how its kind is told."""

from __future__ import annotations

import hashlib
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factories.films import draw_stored, make_dicom, save_array
from hilum.errors import ConfigError, UnreadableImageError, UnsafeImageError, UnsupportedImageError
from hilum.io import ReadLimits, read_radiograph

DATA = save_array(draw_stored(8).astype(np.uint8))


def test_path_bytes_and_file_object_give_the_same_film(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"  # the name lies: it is a PNG
    path.write_bytes(DATA)
    with path.open("rb") as file, path.open("rb", buffering=0) as raw:
        films = [
            read_radiograph(source)
            for source in (path, str(path), DATA, bytearray(DATA), memoryview(DATA), file, raw)
        ]
    for film in films:
        assert np.array_equal(film.pixels, films[0].pixels)
        assert film.format == "PNG"
        assert film.sha256 == hashlib.sha256(DATA).hexdigest()
    assert [film.source for film in films[:3]] == [str(path), str(path), None]
    assert films[5].source == str(path)


def test_a_given_name_stands_in_for_the_path() -> None:
    assert read_radiograph(BytesIO(DATA), name="study/1").source == "study/1"


def test_a_file_object_is_read_from_where_it_stands_and_left_open() -> None:
    file = BytesIO(b"header" + DATA)
    file.seek(6)
    read_radiograph(file)
    assert not file.closed


class _Failing(BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError("disk")


@pytest.mark.parametrize("source", [StringIO("text"), _Failing()], ids=["text", "failing"])
def test_a_file_object_that_gives_no_bytes_is_unreadable(source: Any) -> None:
    with pytest.raises(UnreadableImageError):
        read_radiograph(source)


def test_a_path_without_a_file_is_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.png", tmp_path, str(tmp_path / "nul\x00.png")):
        with pytest.raises(UnreadableImageError) as caught:
            read_radiograph(path)
        assert str(tmp_path) not in str(caught.value)


def test_something_that_is_no_source_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="binary file object"):
        read_radiograph(17)  # type: ignore[arg-type]


def test_more_bytes_than_allowed_are_unsafe(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(DATA)
    limits = ReadLimits(file_bytes=len(DATA) - 1)
    for source in (path, DATA, BytesIO(DATA)):
        with pytest.raises(UnsafeImageError, match="bytes"):
            read_radiograph(source, limits=limits)
    assert read_radiograph(DATA, limits=ReadLimits(file_bytes=len(DATA))).format == "PNG"


def test_an_endless_source_is_cut_off() -> None:
    class Endless(BytesIO):
        given = 0

        def read(self, size: int | None = -1, /) -> bytes:
            part = b"\x89" * (size or 1)
            self.given += len(part)
            return part

    source = Endless()
    with pytest.raises(UnsafeImageError):
        read_radiograph(source, limits=ReadLimits(file_bytes=3_000_000))
    assert source.given < 4_000_000


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"GIF89a", "GIF"),
        (b"RIFF1234WEBPVP8 ", "WebP"),
        (b"\x00\x00\x00 ftypheic", "HEIF"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\x93NUMPY\x01\x00", "NumPy"),
    ],
)
def test_a_known_kind_of_other_file_is_named(data: bytes, words: str) -> None:
    with pytest.raises(UnsupportedImageError, match=words):
        read_radiograph(data)


@pytest.mark.parametrize("data", [b"", b"\x00", b"hello, world", b"\x00" * 4096, bytes(range(256))])
def test_anything_else_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableImageError):
        read_radiograph(data)


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "film.jpeg"
    path.write_bytes(make_dicom(draw_stored(), WindowCenter=2048, WindowWidth=4096))
    assert read_radiograph(path).format == "DICOM"


@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_a_limit_is_a_whole_positive_number(value: Any) -> None:
    with pytest.raises(ConfigError, match="pixels"):
        ReadLimits(pixels=value)
