"""A spec and the files that belong to it, read and written whole."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hilum.errors import SpecMismatchError
from hilum.files import write_whole
from hilum.language import Text
from hilum.spec.facts import describe_faults
from hilum.spec.model import ModelSpec


def parse_spec(text: str | bytes, *, origin: str = "spec") -> ModelSpec:
    """Read a spec from its JSON text.

    Raises
    ------
    SpecMismatchError
        The text is no JSON object, or a fact is missing, unknown or wrong.
    """
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpecMismatchError(
            Text(
                "{origin} is not valid JSON: {error}",
                origin=origin,
                error=str(error),
            )
        ) from error
    try:
        return ModelSpec.model_validate(data)
    except ValidationError as error:
        faults = describe_faults(error, whole="spec")
        raise SpecMismatchError(
            Text(
                "{origin} does not describe a model: {faults}",
                origin=origin,
                faults=faults,
            )
        ) from error


def read_spec(path: str | os.PathLike[str]) -> ModelSpec:
    """Read and validate the spec at ``path``.

    Raises
    ------
    SpecMismatchError
        The file cannot be read, or :func:`parse_spec` refuses it.
    """
    path = Path(path)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SpecMismatchError(
            Text(
                "The spec {name} cannot be read: {strerror}",
                name=path.name,
                strerror=str(error.strerror),
            )
        ) from error
    return parse_spec(text, origin=path.name)


def write_spec(spec: ModelSpec, path: str | os.PathLike[str]) -> None:
    """Write ``spec`` as JSON to ``path``, whole or not at all."""
    write_whole(path, format_spec(spec))


def format_spec(spec: ModelSpec) -> str:
    """Give the JSON text of ``spec``, as it lies beside the weights."""
    return json.dumps(spec.model_dump(mode="json", exclude_none=True), indent=2) + "\n"


def read_weights(spec: ModelSpec, folder: str | os.PathLike[str]) -> bytes:
    """Read the weights that ``spec`` names from ``folder`` and check their SHA-256.

    Raises
    ------
    SpecMismatchError
        The file is missing or is not the one that the spec describes.
    """
    path = Path(folder) / spec.weights.file
    return read_checked(path, spec.weights.sha256, Text("weights"), spec.name)


def read_checked(path: Path, sha256: str, what: str, model: str) -> bytes:
    """Read a file that belongs to a model and check its SHA-256.

    Raises
    ------
    SpecMismatchError
        The file is missing or is not the one that the spec describes.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SpecMismatchError(
            Text(
                "The {what} {name} of {model} cannot be read: {strerror}",
                what=what,
                name=path.name,
                model=model,
                strerror=str(error.strerror),
            )
        ) from error
    digest = hash_bytes(data)
    if digest != sha256:
        raise SpecMismatchError(
            Text(
                "The {what} {name} are not the ones that the spec of {model} describes "
                "(SHA-256 {digest}…, expected {sha256}…). Fetch or export the model "
                "again.",
                what=what,
                name=path.name,
                model=model,
                digest=digest[:12],
                sha256=sha256[:12],
            )
        )
    return data


def hash_bytes(data: bytes) -> str:
    """Give the SHA-256 of ``data`` in hex."""
    return hashlib.sha256(data).hexdigest()
