"""The page says every text in the visitor's language, and escapes it."""

from __future__ import annotations

import pytest

pytest.importorskip("streamlit")

from streamlit.testing.v1 import AppTest


def show() -> None:
    from hilum.app.parts import show_facts, show_notes, show_quiet
    from hilum.errors import UnreadableImageError
    from hilum.language import Text

    show_notes([Text("The film was compressed with loss.")])
    show_facts([(Text("Manufacturer"), "<normal>")])
    show_quiet(UnreadableImageError(Text("The file is empty.")).text)


def run(language: str | None) -> str:
    test = AppTest.from_function(show)
    if language is not None:
        test.session_state["language"] = language
    test.run()
    assert not test.exception
    return " ".join(block.proto.body for block in test.get("html"))


def test_english_where_none_was_chosen() -> None:
    said = run(None)
    assert "<b>Note</b>The film was compressed with loss." in said
    assert "The file is empty." in said
    assert said == run("en")


def test_korean() -> None:
    said = run("ko")
    assert "<b>참고</b>손실 압축된 영상입니다." in said
    assert "<dt>제조사</dt><dd>&lt;normal&gt;</dd>" in said
    assert "빈 파일입니다." in said
    assert "The " not in said
