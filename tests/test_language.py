"""Texts: English as strings, and sayable in other languages later."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from hilum.errors import HilumError, MissingExtraError
from hilum.language import (
    LANGUAGES,
    Text,
    check_language,
    join_texts,
    list_texts,
    recall,
    translate,
)

# In the catalogues for good: the two words that every answer is made of.
PNEUMONIA, NORMAL = Text("pneumonia"), Text("normal")


def make_nested() -> Text:
    """Write no particle behind a field: they depend on its last syllable."""
    return Text("{first} and {last}", first=PNEUMONIA, last="RG1")


def test_a_text_is_its_english_sentence() -> None:
    text = Text("{share:.1f} of {name}", share=0.25, name="{brackets}")
    assert text == "0.2 of {brackets}"
    assert hash(text) == hash("0.2 of {brackets}")
    assert json.dumps({"message": text}) == '{"message": "0.2 of {brackets}"}'
    assert f"<{text}>" == "<0.2 of {brackets}>"
    assert type(str(text)) is str
    assert text.template == "{share:.1f} of {name}"
    assert text.parameters == {"share": 0.25, "name": "{brackets}"}


def test_parameters_are_said_in_the_same_language() -> None:
    nested = make_nested()
    assert nested == "pneumonia and RG1"
    assert translate(nested, "en") == "pneumonia and RG1"
    said = translate(nested, "ko")
    assert said == "폐렴 및 RG1"
    assert type(said) is str


def test_a_file_name_is_no_word() -> None:
    """A name is not translated, also where it is a word of the catalogue."""
    assert translate("normal", "ko") == "normal"
    assert translate(Text("{first} and {last}", first="normal", last="a"), "ko") == "normal 및 a"
    assert translate(NORMAL, "ko") == "정상"


def test_words_that_no_catalogue_knows_stay_as_they_are() -> None:
    assert translate(recall("ein eigenes {Modell}"), "ko") == "ein eigenes {Modell}"
    assert translate(recall(""), "ko") == ""


@pytest.mark.parametrize("make", [pickle.dumps, None], ids=["pickle", "deepcopy"])
def test_copies_can_still_be_translated(make: object) -> None:
    nested = make_nested().as_start()
    copied = copy.deepcopy(nested) if make is None else pickle.loads(pickle.dumps(nested))
    assert copied == "Pneumonia and RG1"
    assert translate(copied, "ko") == "폐렴 및 RG1"


def test_a_sentence_begins_with_a_capital_where_letters_have_one() -> None:
    assert NORMAL.as_start() == "Normal"
    assert Text("").as_start() == ""


@pytest.mark.parametrize(("count", "english"), [(1, "1 view"), (2, "2 views"), (0, "0 views")])
def test_one_and_many(count: int, english: str) -> None:
    text = Text.counted("{count} view", "{count} views", count)
    assert text == english
    assert pickle.loads(pickle.dumps(text)).parameters == {"count": count}


def test_rows_and_sequences() -> None:
    row = list_texts(["a", PNEUMONIA, NORMAL])
    assert row == "a, pneumonia and normal"
    assert translate(row, "ko") == "a, 폐렴 및 정상"
    assert list_texts(["a"]) == "a"
    assert translate(list_texts([NORMAL]), "ko") == "정상"
    assert translate(join_texts([NORMAL, "x"], "; "), "ko") == "정상; x"
    assert join_texts([]) == ""


def test_words_of_a_file_become_texts_again() -> None:
    templates = ("at least {least:g}", "of {films} films")
    least = recall("at least 0.95", *templates)
    assert (least, least.parameters) == ("at least 0.95", {"least": 0.95})
    assert recall("of 785 films", *templates).parameters == {"films": "785"}
    # What would not be said in the same words, or has no number, is another's sentence.
    for other in ("at least 0.950", "at least much", "of 785 films.", "{braces}"):
        assert recall(other, *templates) == other
        assert recall(other, *templates).parameters == {}
    assert recall(least) is least


def test_an_error_keeps_its_text() -> None:
    error = HilumError(NORMAL)
    assert str(error) == "normal"
    assert type(str(error)) is str
    assert translate(error.text, "ko") == "정상"
    assert HilumError("plain").text == "plain"
    assert HilumError().text == ""
    missing = MissingExtraError("lab", "draw figures").text
    assert missing.parameters["extra"] == "lab"


def test_a_language_that_there_is_not_is_refused() -> None:
    assert {check_language(language) for language in LANGUAGES} == {"en", "ko"}
    with pytest.raises(ValueError, match=r'no language "de".*en, ko'):
        translate(NORMAL, "de")
