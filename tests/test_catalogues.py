"""The catalogues are complete: every text of the source in every language."""

from __future__ import annotations

import ast
import re

import pytest
from babel.messages.catalog import Catalog

from hilum.language import LANGUAGES, LOCALE
from messages import (
    Message,
    collect_messages,
    compile_catalogue,
    find_catalogue,
    find_fields,
    read_catalogue,
    render_catalogue,
    update_catalogue,
)

TRANSLATED = [language for language in LANGUAGES if language != "en"]
# Codes, names and units that stand in every language as they are.
_HANGUL = re.compile("[가-힣]")


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    return collect_messages()


@pytest.fixture(scope="module", params=TRANSLATED)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def catalogue(language: str) -> Catalog:
    return read_catalogue(language)


def list_translations(catalogue: Catalog, message: Message) -> list[str]:
    """Every form of a translation."""
    found = catalogue.get(message.one)
    assert found is not None, f"{message.one!r} is not in the catalogue: make messages"
    return [found.string] if isinstance(found.string, str) else list(found.string or ())


def test_there_is_a_folder_for_every_language() -> None:
    assert sorted(path.name for path in LOCALE.iterdir()) == TRANSLATED


def test_every_text_has_a_translation(catalogue: Catalog, messages: list[Message]) -> None:
    assert len(messages) > 5
    for message in messages:
        assert all(list_translations(catalogue, message)), f"{message.one!r} has no translation"
    assert not [message.id for message in catalogue if message.id and message.fuzzy]


def test_nothing_is_in_a_catalogue_that_nobody_says(
    catalogue: Catalog, messages: list[Message]
) -> None:
    said = {message.one if message.many is None else (message.one, message.many): message
            for message in messages}  # fmt: skip
    assert {message.id for message in catalogue if message.id} == set(said)
    assert not catalogue.obsolete


def test_a_translation_has_the_fields_of_its_template(
    catalogue: Catalog, messages: list[Message]
) -> None:
    for message in messages:
        for translation in list_translations(catalogue, message):
            assert find_fields(translation) == message.fields, message.one
            # Names alone: no attribute or item of a parameter is ever read.
            assert all(field.isidentifier() for field in message.fields), message.one


def test_korean_is_korean(messages: list[Message]) -> None:
    """Nothing was copied from English, save what has no words."""
    catalogue = read_catalogue("ko")
    for message in messages:
        words = re.sub(r"{[^}]*}", "", message.one)
        if re.search("[a-z]{3}", words):
            assert all(
                _HANGUL.search(translation) for translation in list_translations(catalogue, message)
            ), message.one


def test_no_particle_that_depends_on_a_field_follows_it(messages: list[Message]) -> None:
    """은/는, 이/가, 을/를 and 와/과 depend on the syllable before, and a field has any."""
    catalogue = read_catalogue("ko")
    particle = re.compile(r"}(은|는|이|가|을|를|와|과|으로|로|이라|라)(?![가-힣(])")
    for message in messages:
        for translation in list_translations(catalogue, message):
            assert not particle.search(translation), translation


def test_the_files_are_what_the_command_writes(
    language: str, catalogue: Catalog, messages: list[Message]
) -> None:
    path = find_catalogue(language)
    updated = update_catalogue(catalogue, language, messages)
    assert path.read_bytes() == render_catalogue(updated), "make messages"
    assert path.with_suffix(".mo").read_bytes() == compile_catalogue(updated), "make messages"


def test_a_text_that_is_not_literal_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from messages import _find_templates

    tree = ast.parse('Text(f"a {b}")\nText("c {d}", d=1)\nText.counted("one", "many", n)')
    assert [(one, many) for _, one, many in _find_templates(tree)] == [
        (None, None),
        ("c {d}", None),
        ("one", "many"),
    ]
