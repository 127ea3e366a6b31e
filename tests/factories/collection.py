"""Every file of pydicom's own collection and of ``pydicom-data``, and what hilum makes of it.

The table ``tests/io/collection.tsv`` is written anew with::

    PYTHONPATH=src:tests python -m factories.collection

Read its changes before you keep them: they are changes of behaviour.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from hilum.errors import HilumError
from hilum.io import read_radiograph

TABLE = Path(__file__).parents[1] / "io" / "collection.tsv"
COLUMNS = ("file", "outcome", "size", "mean", "warnings or message")
# Package -> the folder of its films.
PACKAGES = {"pydicom": "data/test_files", "data_store": "data"}


def find_package(package: str) -> Path | None:
    """Give the folder of a package's films, without importing it; ``None`` if not installed."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / PACKAGES[package]


def list_files() -> dict[str, Path]:
    """Give every file as ``package/path within its films``."""
    files = {}
    for package in PACKAGES:
        folder = find_package(package)
        if folder is not None:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    files[f"{package}/{path.relative_to(folder).as_posix()}"] = path
    return files


def describe(path: Path) -> tuple[str, ...]:
    """Give the columns of the table after the first."""
    try:
        film = read_radiograph(path)
    except HilumError as error:
        return (type(error).__name__, "", "", str(error))
    rows, columns = film.pixels.shape
    codes = " ".join(warning.code for warning in film.warnings)
    return (film.format, f"{columns}x{rows}", f"{film.pixels.mean():.3f}", codes)


def read_table() -> dict[str, tuple[str, ...]]:
    """Give the expected columns by file."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    return {cells[0]: tuple(cells[1:]) for cells in (line.split("\t") for line in lines)}


def main() -> None:
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join((name, *describe(path))) for name, path in list_files().items()]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
