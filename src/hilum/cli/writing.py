"""Files that a command writes: their place is checked before the work, and they come whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hilum.errors import ConfigError
from hilum.files import replacing


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


def write_output(path: Path, write: Callable[[Path], object]) -> None:
    """Have ``write`` fill a file beside ``path``, and put it in its place when it is whole.

    Raises
    ------
    ConfigError
        The file cannot be written; what was there before is still there.
    """
    try:
        with replacing(path) as partial:
            write(partial)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"{path} cannot be written: {reason}.") from error


def rewrite_spec(model: str, facts: Mapping[str, object]) -> None:
    """Change facts of a model in its spec, where it lies.

    Parameters
    ----------
    model
        A shipped model's name, or a folder.
    facts
        Names of the spec's fields to what they are to be.

    Raises
    ------
    ConfigError
        The spec is not in a file of the model's name.
    UnknownModelError, SpecMismatchError
        See :func:`hilum.models.zoo.resolve_model`.
    """
    from hilum.models.zoo import resolve_model
    from hilum.spec import write_spec

    spec, folder = resolve_model(model)
    path = folder / f"{spec.name}.json"
    if not path.is_file():
        raise ConfigError(f"The spec of {spec.name} is not in a file of that name.")
    write_spec(spec.model_copy(update=facts), path)
