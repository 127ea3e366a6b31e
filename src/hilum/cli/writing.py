"""Files that a command writes: their place is checked before the work, and they come whole."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from hilum.errors import ConfigError


def check_target(path: Path) -> None:
    """Refuse a path that no file can be written to, before anything is computed for it.

    Raises
    ------
    ConfigError
        Its folder does not exist, or it is a folder itself.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder. Name a file.")
    if not path.parent.is_dir():
        raise ConfigError(f"There is no folder {path.parent} to write {path.name} into. Make it.")


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Have ``write`` fill a file beside ``path``, and put it in its place when it is whole.

    Raises
    ------
    ConfigError
        The file cannot be written; what was there before is still there.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        write(partial)
        partial.replace(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"{path} cannot be written: {reason}.") from error
    finally:
        # Where it cannot be removed it could not be written either.
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
