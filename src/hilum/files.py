"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str], *, name: str = "") -> Iterator[Path]:
    """Give the path of a file beside ``path`` to write; it then takes the place of ``path``.

    Where the block raises, an interruption included, that file is removed and what was at
    ``path`` before is still there.

    Parameters
    ----------
    name
        Tells writers of the same file apart, where there may be several at once.

    Raises
    ------
    OSError
        It cannot be written, or cannot take the place of the other.
    """
    path = Path(path)
    partial = path.with_name(f"{path.name}{name and '.'}{name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        # Where it cannot be removed it could not be written either.
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike[str], data: bytes | str) -> None:
    """Write a file of bytes, or of text in UTF-8, whole or not at all; a power cut included.

    Raises
    ------
    OSError
        It cannot be written; what was there before is still there.
    """
    with replacing(path) as partial, partial.open("wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)
        file.flush()
        os.fsync(file.fileno())
