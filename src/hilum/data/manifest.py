"""CSV manifests: any films on any disk, with their labels.

::

    path,label,patient,part,pathogen
    2021/0001.dcm,PNEUMONIA,p-17,train,
    2021/0002.dcm,NORMAL,p-18,test,

``path`` and ``label`` are needed. Paths are relative to the folder of the manifest (or absolute);
a label is ``NORMAL`` or ``0``, ``PNEUMONIA`` or ``1``. Lines that begin with ``#`` at the top are
passed over. Further columns are refused, so that a misspelt one is not lost.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from hilum.data.layout import (
    CLASS_FOLDERS,
    CLASS_NAMES,
    PARTS,
    WHOLE,
    Film,
    parse_film_path,
    suggest,
)
from hilum.errors import DatasetError

COLUMNS = ("path", "label", "patient", "part", "pathogen")
# Written by `hilum data split`, which stamps each film with the digest of its file.
DIGEST_COLUMN = "sha256"
MAX_MANIFEST_BYTES = 256 * 2**20
_LABELS = {**{name.lower(): label for name, label in CLASS_FOLDERS.items()}, "0": 0, "1": 1}
_SHOWN = 3


def parse_label(text: str) -> int:
    """Give the label that a word stands for: 0 for normal, 1 for pneumonia.

    Raises
    ------
    DatasetError
        The word is none of ``NORMAL``, ``PNEUMONIA``, ``0`` and ``1``.
    """
    try:
        return _LABELS[text.strip().lower()]
    except KeyError:
        way_out = suggest(text.strip(), (*CLASS_NAMES, "0", "1"))
        raise DatasetError(f"The label {text.strip()[:40]!r} is not known.{way_out}") from None


def read_manifest(path: Path) -> tuple[Path, list[Film]]:
    """List the films of a CSV manifest, sorted by path; every file is there.

    Returns
    -------
    The folder of the manifest, which the paths are relative to, and the films.

    Raises
    ------
    DatasetError
        The file is no such manifest, a label or a part is not known, a path stands there
        twice, or a film is not on the disk.
    """
    films = [film for film, _ in parse_rows(read_manifest_text(path), path.name)]
    root = path.parent
    missing = [film.path for film in films if not (root / film.path).is_file()]
    if missing:
        named = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        raise DatasetError(
            f"{len(missing)} of {len(films)} films of {path.name} are not on the disk ({named}). "
            f"Paths are relative to the folder of the manifest."
        )
    return root, sorted(films)


def read_manifest_text(path: Path) -> str:
    """Read the text of a manifest.

    Raises
    ------
    DatasetError
        The file is absent, is no UTF-8 text, or is far larger than any manifest.
    """
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise DatasetError(f"{path.name} is too large for a manifest.")
        # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DatasetError(f"The manifest {path} cannot be read: {reason}.") from error
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path.name} is not a text in UTF-8. Save it as CSV (UTF-8, comma-separated)."
        ) from error


def parse_rows(text: str, name: str) -> Iterator[tuple[Film, str | None]]:
    """Yield each film of a manifest's text with its digest, where the manifest has that.

    Raises
    ------
    DatasetError
        As :func:`read_manifest`; the message gives the line.
    """
    lines = text.splitlines(keepends=True)
    comments = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    reader = csv.DictReader(io.StringIO("".join(lines[comments:]), newline=""), strict=True)
    seen: dict[str, int] = {}
    try:
        _check_columns(reader.fieldnames or (), name)
        for row in reader:
            line = comments + reader.line_num
            try:
                film = _parse_row(row)
            except DatasetError as error:
                raise DatasetError(f"{name}, line {line}: {error}") from None
            if film.path in seen:
                raise DatasetError(
                    f"{name}, line {line}: the film stands already in line {seen[film.path]}."
                )
            seen[film.path] = line
            yield film, (row.get(DIGEST_COLUMN) or None)
    except csv.Error as error:
        raise DatasetError(f"{name}, line {comments + reader.line_num}: {error}.") from error
    if not seen:
        raise DatasetError(f"{name} holds no film.")


def _check_columns(columns: object, name: str) -> None:
    names = list(columns) if isinstance(columns, list | tuple) else []
    known = (*COLUMNS, DIGEST_COLUMN)
    for needed in ("path", "label"):
        if needed not in names:
            raise DatasetError(
                f"{name} has no column {needed!r}. The first line names the columns: "
                f"path,label and, where known, {','.join(COLUMNS[2:])}."
            )
    for column in names:
        if column not in known:
            raise DatasetError(f"{name} has a column {column!r}.{suggest(column, known)}")
    if len(set(names)) != len(names):
        raise DatasetError(f"{name} names a column twice.")


def _parse_row(row: Mapping[str | None, str | None]) -> Film:
    if None in row or None in row.values():
        raise DatasetError("the line has more or fewer fields than the first line has names.")
    values = {key: (value or "").strip() for key, value in row.items() if key is not None}
    path = values["path"].replace("\\", "/")
    if not path or "\0" in path:
        raise DatasetError("there is no path.")
    label = parse_label(values["label"])
    part = values.get("part", WHOLE)
    if part not in (*PARTS, WHOLE):
        raise DatasetError(f"the part {part[:40]!r} is not known.{suggest(part, (*PARTS, WHOLE))}")
    patient, pathogen = parse_film_path(path, label)
    return Film(
        path, label, values.get("patient") or patient, part, values.get("pathogen") or pathogen
    )
