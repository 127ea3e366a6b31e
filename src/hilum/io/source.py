"""From a path, bytes or a file object to bytes, within bounds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from hilum.errors import UnreadableImageError
from hilum.io.limits import ReadLimits
from hilum.language import Text

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO


def read_source(source: Source, limits: ReadLimits) -> tuple[bytes, str | None]:
    """Give the bytes of a film, and the name it came under.

    A file object is read from where it stands and is left open.

    Raises
    ------
    UnreadableImageError
        The path cannot be read or the file object gives no bytes.
    UnsafeImageError
        There are more bytes than ``limits.file_bytes``.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        limits.check_file_bytes(memoryview(source).nbytes)
        return bytes(source), None
    if isinstance(source, str | os.PathLike):
        return _read_path(Path(source), limits), os.fspath(source)
    if not callable(getattr(source, "read", None)):
        raise TypeError(
            f"A film is a path, bytes or a binary file object, not {type(source).__name__}."
        )
    name = getattr(source, "name", None)
    return _read_file(source, limits), name if isinstance(name, str) else None


def _read_path(path: Path, limits: ReadLimits) -> bytes:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            limits.check_file_bytes(size)
            # One byte more than the size, so that one read also meets the end.
            return _read_file(file, limits, step_bytes=size + 1)
    except IsADirectoryError as error:
        raise UnreadableImageError(Text("The path is a folder, not a film.")) from error
    except FileNotFoundError as error:
        raise UnreadableImageError(Text("There is no file at this path.")) from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or "the path is not valid"
        raise UnreadableImageError(
            Text(
                "The file cannot be opened: {reason}.",
                reason=reason,
            )
        ) from error


def _read_file(file: BinaryIO, limits: ReadLimits, step_bytes: int = 2**20) -> bytes:
    parts: list[bytes] = []
    total = 0
    try:
        # A raw file may give less than it was asked for; only b"" is the end.
        while part := file.read(min(step_bytes, limits.file_bytes + 1 - total)):
            if not isinstance(part, bytes | bytearray | memoryview):
                raise UnreadableImageError(
                    Text("The file object was opened as text; open it as 'rb'.")
                )
            parts.append(bytes(part))
            total += len(part)
            limits.check_file_bytes(total)
    except (OSError, ValueError) as error:
        raise UnreadableImageError(
            Text(
                "The film cannot be read from its source ({kind}).",
                kind=type(error).__name__,
            )
        ) from error
    return parts[0] if len(parts) == 1 else b"".join(parts)
