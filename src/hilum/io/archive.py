"""A ZIP of films, as people make one of a DICOM folder: listed and read within bounds.

The archive stays as it came, in memory; one film of it is unpacked at a time, and nothing is
written to disk. Names inside are shown and never used as paths.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import PurePosixPath

from hilum.errors import (
    ConfigError,
    UnreadableImageError,
    UnsafeImageError,
    UnsupportedImageError,
)
from hilum.io.bystanders import HEAD_BYTES, is_bystander, is_text
from hilum.io.limits import DEFAULT_LIMITS, ReadLimits
from hilum.language import Text

_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
# Source: PKWARE's APPNOTE 6.3.10, 4.3.16.
_END = struct.Struct("<4s4H2LH")
_LONGEST_COMMENT = 0xFFFF
# Others (LZMA, bzip2) let a small file ask for gigabytes of memory, and no archiver's default.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FOLDERS_OF_MACOS = "__MACOSX"


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What one archive may cost; each film in it is bounded by :class:`ReadLimits` too.

    Attributes
    ----------
    members
        Files and folders in the archive.
    directory_bytes
        Size of the list of them.
    unpacked_bytes
        Size of all of them unpacked.
    """

    members: int = 20_000
    directory_bytes: int = 8 * 2**20
    unpacked_bytes: int = 64 * 2**30

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"The limit {field.name} is a whole number of 1 or more.")


@dataclass(frozen=True, slots=True)
class ArchivedFilm:
    """A file in an archive: its name with folders, its unpacked size in bytes, and which it is."""

    name: str
    size: int
    place: int


def is_archive(data: bytes | memoryview) -> bool:
    """Tell a ZIP by its first bytes."""
    return bytes(data[:4]) in _SIGNATURES


class FilmArchive:
    """The films of one ZIP.

    As in folders, hidden files, ``DICOMDIR``, text and archives within the archive are no films.

    Parameters
    ----------
    data
        The bytes of the ZIP.

    Raises
    ------
    UnreadableImageError
        It is damaged, or no ZIP.
    UnsafeImageError
        It exceeds a bound.
    """

    def __init__(
        self,
        data: bytes,
        *,
        limits: ArchiveLimits = ArchiveLimits(),
        film_limits: ReadLimits = DEFAULT_LIMITS,
    ) -> None:
        self._film_limits = film_limits
        _check_directory(data, limits)
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
            raise UnreadableImageError(
                Text("The ZIP archive is damaged. Pack it again.")
            ) from error
        members = self._zip.infolist()
        if len(members) > limits.members:
            raise UnsafeImageError(
                Text(
                    "The archive has {files} files; the bound is {most} (ArchiveLimits.members). "
                    "Pack fewer films into one.",
                    files=len(members),
                    most=limits.members,
                )
            )
        unpacked = sum(member.file_size for member in members)
        if unpacked > limits.unpacked_bytes:
            raise UnsafeImageError(
                Text(
                    "The archive claims {unpacked} bytes unpacked; the bound is {most} "
                    "(ArchiveLimits.unpacked_bytes).",
                    unpacked=unpacked,
                    most=limits.unpacked_bytes,
                )
            )
        # By place, not by name: an archive may hold two files of one name.
        self._members = sorted(
            (member for member in members if _may_be_film(member.filename)),
            key=lambda member: member.filename,
        )

    def list_films(self) -> tuple[ArchivedFilm, ...]:
        """List what may be films, by name; text is found out when it is read."""
        return tuple(
            ArchivedFilm(member.filename, member.file_size, place)
            for place, member in enumerate(self._members)
        )

    def holds_text(self, film: ArchivedFilm) -> bool:
        """Tell whether a file is text, as a README beside films is."""
        return is_text(self._read(film, HEAD_BYTES))

    def read(self, film: ArchivedFilm) -> bytes:
        """Unpack one film.

        Raises
        ------
        UnreadableImageError
            It is damaged.
        UnsupportedImageError
            It is encrypted, or packed by another method than ZIP's own.
        UnsafeImageError
            It is larger than a film may be.
        """
        self._film_limits.check_file_bytes(film.size)
        return self._read(film, film.size)

    def _read(self, film: ArchivedFilm, size: int) -> bytes:
        member = self._members[film.place]
        if member.flag_bits & 0x1:
            raise UnsupportedImageError(
                Text("The archive is protected by a password. Unpack it and hand over the films.")
            )
        if member.compress_type not in _METHODS:
            raise UnsupportedImageError(
                Text("The archive is packed by an unusual method. Pack it as a plain ZIP.")
            )
        try:
            with self._zip.open(member) as file:
                return file.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise UnreadableImageError(Text("The film in the archive is damaged.")) from error
        except (NotImplementedError, ValueError, struct.error) as error:
            raise UnreadableImageError(
                Text("The ZIP archive is damaged. Pack it again.")
            ) from error


def _may_be_film(name: str) -> bool:
    path = PurePosixPath(name)
    if name.endswith("/") or not path.name or _FOLDERS_OF_MACOS in path.parts:
        return False
    return not any(is_bystander(part) for part in path.parts if part not in ("..", "."))


def _check_directory(data: bytes, limits: ArchiveLimits) -> None:
    """Refuse a list of members that would fill the memory before it can be counted."""
    if not is_archive(data):
        raise UnreadableImageError(Text("This is no ZIP archive."))
    at = data.rfind(b"PK\x05\x06", max(0, len(data) - _LONGEST_COMMENT - _END.size))
    if at < 0 or at + _END.size > len(data):
        raise UnreadableImageError(Text("The ZIP archive is cut off. Pack or transfer it again."))
    directory_bytes = _END.unpack_from(data, at)[5]
    # With ZIP64 the field is 0xFFFFFFFF: such an archive is over any bound here, or needs none.
    if directory_bytes > limits.directory_bytes:
        raise UnsafeImageError(
            Text(
                "The archive's list of files takes {directory_bytes} bytes, more than the bound "
                "(ArchiveLimits.directory_bytes). Pack fewer films into one.",
                directory_bytes=directory_bytes,
            )
        )
