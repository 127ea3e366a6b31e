"""Finding a model: by the name of a shipped one, or by the path of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.errors import UnknownModelError
from hilum.language import Text
from hilum.spec import ModelSpec, read_spec

if TYPE_CHECKING:
    import os

DEFAULT_MODEL = "hilum-efficientnet-lite1"

_ZOO = Path(__file__).parent.parent / "zoo"


def list_models() -> list[ModelSpec]:
    """Give the specs of all shipped models, the default first, the others by name.

    Raises
    ------
    SpecMismatchError
        A shipped spec is damaged.
    """
    specs = [read_spec(path) for path in _ZOO.glob("*.json")]
    return sorted(specs, key=lambda spec: (spec.name != DEFAULT_MODEL, spec.name))


def list_names() -> list[str]:
    """Give the names of all shipped models, in order."""
    return sorted(path.stem for path in _ZOO.glob("*.json"))


def resolve_model(
    name_or_path: str | os.PathLike[str] | None = None,
) -> tuple[ModelSpec, Path]:
    """Find a model's spec and the folder where its weights lie.

    Parameters
    ----------
    name_or_path
        ``None`` is the shipped default. A name is a shipped model; it wins over a file of
        the same name in the working directory (write ``./name`` for that). A path is a spec
        (``model.json``), the weights beside one (``model.onnx``), or a folder that holds
        exactly one spec.

    Raises
    ------
    UnknownModelError
        There is no such model; the message lists the shipped ones.
    SpecMismatchError
        The spec was found and is wrong.
    """
    if name_or_path is None:
        name_or_path = DEFAULT_MODEL
    if isinstance(name_or_path, str) and _is_plain_name(name_or_path):
        shipped = _ZOO / f"{name_or_path}.json"
        if shipped.is_file():
            return read_spec(shipped), _ZOO
    path = Path(name_or_path)
    if path.is_dir():
        path = _find_spec(path)
    elif path.suffix == ".onnx" and path.is_file():
        path = path.with_suffix(".json")
        if not path.is_file():
            raise UnknownModelError(
                Text(
                    "There is no spec {name} beside the weights. A model is the two together.",
                    name=path.name,
                )
            )
    elif not path.is_file():
        raise UnknownModelError(
            Text(
                'There is no model "{name_or_path}": no shipped model has that name and '
                "no file is there. {shipped}",
                name_or_path=str(name_or_path),
                shipped=_describe_shipped(),
            )
        )
    return read_spec(path), path.parent


def _is_plain_name(text: str) -> bool:
    return Path(text).name == text and text not in {"", ".", ".."}


def _find_spec(folder: Path) -> Path:
    """Find the one spec in a folder that may hold other JSON files too."""
    specs = [path for path in sorted(folder.glob("*.json")) if _looks_like_spec(path)]
    if len(specs) == 1:
        return specs[0]
    if not specs:
        raise UnknownModelError(
            Text(
                'The folder "{folder}" holds no spec of a model. {shipped}',
                folder=str(folder),
                shipped=_describe_shipped(),
            )
        )
    names = ", ".join(path.name for path in specs)
    raise UnknownModelError(
        Text(
            'The folder "{folder}" holds several specs; name one of: {names}.',
            folder=str(folder),
            names=names,
        )
    )


def _looks_like_spec(path: Path) -> bool:
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(facts, dict) and "spec_format" in facts


def _describe_shipped() -> Text:
    names = ", ".join(list_names())
    if not names:
        return Text("Shipped models: none in this installation.")
    return Text("Shipped models: {names}.", names=names)
