"""Collect what hilum says from its source, and keep the catalogues: ``make messages``.

``python tests/messages.py`` brings every ``hilum.po`` up to date with the source and compiles it
to ``hilum.mo``. New templates wait there with an empty translation; what is said no more leaves.
A translation is never guessed.
"""

from __future__ import annotations

import ast
import json
import string
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from hilum.files import write_whole
from hilum.language import DOMAIN, LANGUAGES, LOCALE

SOURCE = Path(__file__).resolve().parents[1] / "src"
_MAKERS = {"Text", "template"}
_NO_LITERAL = "is not made from a literal, nor from a name that `template` marks"


class _Catalogue(Catalog):
    """A catalogue whose head tells what readers of it need, and neither dates nor people."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Project-Id-Version", DOMAIN),
            ("Language", str(self.locale)),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]


@dataclass(frozen=True)
class Message:
    """A template, that for many where there are two, and the files that hold it."""

    one: str
    many: str | None
    places: tuple[str, ...]

    @property
    def fields(self) -> set[str]:
        return find_fields(self.one) | find_fields(self.many or "")


def find_fields(template: str) -> set[str]:
    """The names of a template's fields."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def collect_messages() -> list[Message]:
    """All templates in the source, and the words of the shipped specs, in a fixed order."""
    found: dict[tuple[str, str | None], list[str]] = {}
    trees = {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((SOURCE / "hilum").rglob("*.py"))
        if path.name != "language.py"
    }
    marked = {name for tree in trees.values() for name in _find_marked(tree)}
    for path, tree in trees.items():
        place = path.relative_to(SOURCE).as_posix()
        for node, one, many in _find_templates(tree):
            if one is None:
                name = node.args[0].id if isinstance(node.args[0], ast.Name) else ""
                if name not in marked:
                    raise ValueError(f"{place}:{node.lineno}: the text {_NO_LITERAL}")
                continue
            found.setdefault((one, many), []).append(place)
    for place, words in _collect_words_of_specs():
        found.setdefault((words.replace("{", "{{").replace("}", "}}"), None), []).append(place)
    # Said by language.py itself.
    found.setdefault(("{first} and {last}", None), []).append("hilum/language.py")
    return [
        Message(one, many, tuple(dict.fromkeys(places))) for (one, many), places in found.items()
    ]


def _find_templates(tree: ast.AST) -> Iterator[tuple[ast.Call, str | None, str | None]]:
    """Each call that makes a text, with its template or templates."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in _MAKERS:
            yield node, _read_literal(node.args[0]), None
        elif (
            isinstance(called, ast.Attribute)
            and called.attr == "counted"
            and isinstance(called.value, ast.Name)
            and called.value.id == "Text"
        ):
            yield node, _read_literal(node.args[0]), _read_literal(node.args[1])


def _find_marked(tree: ast.AST) -> Iterator[str]:
    """The names of constants that hold a template."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id == "template"
        ):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _read_literal(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _collect_words_of_specs() -> Iterator[tuple[str, str]]:
    """What the shipped models say in words of their own."""
    for path in sorted((SOURCE / "hilum" / "zoo").glob("*.json")):
        spec: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        place = path.relative_to(SOURCE).as_posix()
        yield place, spec["description"]
        yield place, spec["training_data"]["population"]["description"]
        yield place, spec["labels"]["positive"]
        yield place, spec["labels"]["negative"]


def read_catalogue(language: str) -> Catalog:
    """The catalogue as it is committed; an empty one where there is none yet."""
    path = find_catalogue(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def find_catalogue(language: str) -> Path:
    """The path of the ``.po`` file."""
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def update_catalogue(old: Catalog, language: str, messages: list[Message]) -> Catalog:
    """Make a catalogue of just these messages, with the translations that there are."""
    new = _Catalogue(
        locale=language,
        fuzzy=False,
        header_comment="# What hilum says, in another language; see docs/languages.md.",
    )
    for message in messages:
        key = message.one if message.many is None else (message.one, message.many)
        known = old.get(message.one)
        kept = known.string if known is not None and isinstance(known.id, type(key)) else ""
        new.add(key, kept or "", locations=[(place, 0) for place in message.places])
    return new


def render_catalogue(catalogue: Catalog) -> bytes:
    """The bytes of the ``.po`` file."""
    buffer = BytesIO()
    write_po(buffer, catalogue, width=96, include_lineno=False)
    return buffer.getvalue()


def compile_catalogue(catalogue: Catalog) -> bytes:
    """The bytes of the ``.mo`` file."""
    buffer = BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def main() -> None:
    """Bring all catalogues up to date."""
    messages = collect_messages()
    for language in LANGUAGES:
        if language == "en":
            continue
        path = find_catalogue(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        catalogue = update_catalogue(read_catalogue(language), language, messages)
        write_whole(path, render_catalogue(catalogue))
        write_whole(path.with_suffix(".mo"), compile_catalogue(catalogue))
        missing = sum(1 for message in catalogue if message.id and not message.string)
        print(f"{language}: {len(messages)} messages, {missing} without a translation")


if __name__ == "__main__":
    main()
