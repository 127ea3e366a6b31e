"""``key=value`` on the command line in place of a recipe's own values."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel

from hilum.errors import ConfigError


def list_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Give the dotted names of all keys of a model, those of its sections included."""
    for name, field in model.model_fields.items():
        yield prefix + name
        section = _find_section(field.annotation)
        if section is not None:
            yield from list_keys(section, f"{prefix}{name}.")


def apply_overrides(
    settings: Mapping[str, Any], overrides: Sequence[str], model: type[BaseModel]
) -> dict[str, Any]:
    """Replace values of a recipe that is not validated yet.

    Parameters
    ----------
    settings
        The recipe as plain data; it is left as it is.
    overrides
        ``key=value`` each, the key dotted (``optimization.epochs=2``), the value as YAML. A
        later one wins. An empty value, or ``null``, gives the key its default again.
    model
        The recipe's schema.

    Raises
    ------
    ConfigError
        It is no ``key=value``, the key does not exist (the message names close ones), or the
        value is no YAML. Whether the value fits is seen when the recipe is validated.
    """
    changed = copy.deepcopy(dict(settings))
    known = list(list_keys(model))
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator:
            raise ConfigError(
                f"{override!r} is no key=value. Write for instance optimization.epochs=2."
            )
        if key not in known:
            raise ConfigError(f"A recipe has no key {key!r}.{_name_close(key, known)}")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"The value of {key}={text} is not valid YAML.") from error
        set_key(changed, key, value)
    return changed


def set_key(settings: dict[str, Any], key: str, value: Any) -> None:
    """Set one dotted key in place; ``None`` takes it away, so that its default holds."""
    *path, last = key.split(".")
    section = settings
    for part in path:
        inner = section.get(part)
        section[part] = dict(inner) if isinstance(inner, Mapping) else {}
        section = section[part]
    if value is None:
        section.pop(last, None)
    else:
        section[last] = value


def _name_close(key: str, known: Sequence[str]) -> str:
    last = key.rpartition(".")[2]
    close = get_close_matches(key, known, n=3)
    # "epochs" alone is meant for optimization.epochs: its own name says more than the whole.
    by_last = {name.rpartition(".")[2]: name for name in reversed(known)}
    matches = get_close_matches(last, by_last, n=3, cutoff=0.75)
    matches += [name for name in by_last if last in name.split("_")]
    close += [name for match in matches if (name := by_last[match]) not in close]
    return f" Close to it: {', '.join(close[:4])}." if close else " See docs/recipes.md."


def _find_section(annotation: Any) -> type[BaseModel] | None:
    # `Section | None` holds a section; `tuple[Section, ...]` is a list of them, set as a whole.
    is_list = get_origin(annotation) in (tuple, list, dict)
    for candidate in () if is_list else (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
