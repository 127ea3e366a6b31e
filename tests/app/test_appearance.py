"""Language and theme of a visit, and all pages in Korean, by Streamlit's own test runner."""

from __future__ import annotations

import ast
import html
import json
import re
import string
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from factories.pages import read_page
from hilum.app.launcher import PAGE
from hilum.app.theme import DARK, LIGHT
from messages import collect_messages, read_catalogue

testing = pytest.importorskip("streamlit.testing.v1", reason='needs the extra "app"')
# It has no types.
json_format = pytest.importorskip("google.protobuf.json_format")

pytestmark = pytest.mark.usefixtures("no_shared_model")

APP = PAGE.parent
SYNTHETIC = "sample:synthetic-normal-1"
SCREENS = ("analyze", "compare", "batch", "history", "models", "about")
# Streamlit's own calls whose first word is shown; ours (show_part and others) are looked at too.
_SHOWING = {
    "altair_chart", "button", "checkbox", "download_button", "expander", "file_uploader", "info",
    "markdown", "multiselect", "number_input", "page_link", "pills", "progress", "radio",
    "segmented_control", "select_slider", "selectbox", "slider", "spinner", "text_input", "warning",
    "write",
    "show_empty", "show_notes", "show_part", "show_picture", "show_quiet", "show_sentence",
    "show_trouble", "show_chart",
    "ImageColumn", "TextColumn", "ProgressColumn", "NumberColumn",
}  # fmt: skip
_SHOWN_OPTIONS = {"help", "label", "placeholder", "text", "title"}

OpenPage = Callable[..., Any]


@pytest.fixture
def open_page(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Open the page with the tiny model, and with words in its address."""

    def open_with(*, journal: bool = False, **address: str) -> Any:
        arguments = [str(PAGE), f"--model={tiny_model}"]
        arguments += [f"--journal={tmp_path / 'journal.sqlite'}"] if journal else []
        monkeypatch.setattr(sys, "argv", arguments)
        page = testing.AppTest.from_file(str(PAGE), default_timeout=180)
        for name, value in address.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception
        return page

    return open_with


def choose(page: Any, key: str, value: str) -> None:
    page.segmented_control(key=key).set_value(value).run()
    assert not page.exception


def test_the_address_chooses_language_and_theme(open_page: OpenPage) -> None:
    page = open_page(lang="ko", theme="light")
    text = read_page(page)
    assert "연구용 소프트웨어이며 의료기기가 아닙니다." in text
    assert f"--ground: {LIGHT.ground}" in text


def test_an_address_that_names_nothing_changes_nothing(open_page: OpenPage) -> None:
    page = open_page(lang="<script>", theme="purple")
    text = read_page(page)
    assert "Drop a chest film" in text
    assert f"--ground: {DARK.ground}" in text
    assert "<script>" not in text


@pytest.mark.parametrize(
    ("locale", "language"),
    [("ko-KR", "ko"), ("ko", "ko"), ("KO-kr", "ko"), ("en-GB", "en"), ("fr", "en"), (None, "en")],
)
def test_the_browser_chooses_the_first_language(locale: str | None, language: str) -> None:
    from hilum.app.appearance import take_preferences

    state: dict[str, Any] = {}
    address: dict[str, str] = {}
    take_preferences(state, address, locale)
    assert state["language"] == language
    assert state["theme"] == "dark"
    assert address == {}  # nobody has chosen anything


def test_a_choice_stands_in_the_address(open_page: OpenPage) -> None:
    page = open_page()
    choose(page, "language", "ko")
    page.run()
    assert page.query_params["lang"] in ("ko", ["ko"])
    assert "theme" not in page.query_params


def test_switching_runs_no_network_and_keeps_the_film(open_page: OpenPage, runs: list[int]) -> None:
    page = open_page()
    page.radio(key="film").set_value(SYNTHETIC).run()
    assert len(runs) == 1
    english = read_page(page)
    choose(page, "language", "ko")
    korean = read_page(page)
    assert "Decision: " in english
    assert "결과: " in korean
    choose(page, "theme", "light")
    assert f"--ground: {LIGHT.ground}" in read_page(page)
    assert page.radio(key="film").value == SYNTHETIC
    choose(page, "language", "en")
    assert "Decision: " in read_page(page)
    # The switch of the theme has other words now, and the same choice.
    assert page.segmented_control(key="theme").value == "light"
    assert len(runs) == 1


def test_choices_go_along_from_page_to_page(open_page: OpenPage) -> None:
    page = open_page(lang="ko")
    choose(page, "theme", "light")
    page.switch_page("screens/about.py").run()
    assert "라이선스" in read_page(page)
    assert f"--ground: {LIGHT.ground}" in read_page(page)


def test_what_was_chosen_by_words_stays_chosen_in_other_words(open_page: OpenPage) -> None:
    page = open_page(journal=True)
    page.radio(key="film").set_value(SYNTHETIC).run()
    [pills] = [one for one in page.pills if str(one.key).startswith("feedback:")]
    pills.set_value("disagree").run()
    choose(page, "language", "ko")
    [pills] = [one for one in page.pills if str(one.key).startswith("feedback:")]
    assert pills.value == "disagree"
    assert pills.options == ["동의함", "동의하지 않음", "잘 모르겠음"]
    page.switch_page("screens/history.py").run()
    page.selectbox(key="history_period").set_value("week").run()
    choose(page, "language", "en")
    assert page.selectbox(key="history_period").value == "week"
    assert not page.exception


def test_each_visit_is_told_its_own_theme(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from streamlit.proto.NewSession_pb2 import CustomThemeConfig
    from streamlit.runtime.app_session import AppSession

    from hilum.app.appearance import follow_theme, theme_each_visit

    class Session:
        def __init__(self, theme: str) -> None:
            self.session_state: dict[str, Any] = {"theme": theme}
            follow_theme(self.session_state)

    monkeypatch.setattr(AppSession, "_create_new_session_message", lambda *_, **__: ForwardMsg())
    theme_each_visit()
    create: Any = AppSession._create_new_session_message
    light = create(Session("light")).new_session.custom_theme
    assert light.background_color == LIGHT.ground
    assert light.base == CustomThemeConfig.BaseTheme.LIGHT
    # What Streamlit's own configuration says, which is the dark theme.
    assert not create(Session("dark")).new_session.HasField("custom_theme")


# --- every page in Korean -----------------------------------------------------------------------


def list_shown(page: Any) -> Iterator[str]:
    """Every string that the browser is sent to show: HTML, labels, options, helps, columns."""
    for body in [element.proto.body for element in page.get("html")]:
        yield html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", "\n", body, flags=re.DOTALL))
        yield from re.findall(r'aria-label="([^"]*)"', body)
    for element in page.main:
        proto = getattr(element, "proto", None)
        # The words of Streamlit's own widgets come with their English, to be found by it.
        if proto is None or element.type == "html" or element.key == "browser_words":
            continue
        said = json_format.MessageToDict(proto) if hasattr(proto, "DESCRIPTOR") else {}
        # What JavaScript and the film are made of is shown to nobody.
        for name in ("jsContent", "cssContent", "htmlContent", "arrowData", "data", "spec", "id"):
            said.pop(name, None)
        yield json.dumps(said, ensure_ascii=False)


def find_english(shown: str) -> list[str]:
    """The sentences of the catalogue that are shown in English."""
    korean = read_catalogue("ko")
    found = []
    for message in collect_messages():
        known = korean.get(message.one)
        if known is None or known.string == message.one:
            continue
        for form in (message.one, message.many or message.one):
            pieces = [piece for piece, *_ in string.Formatter().parse(form)]
            # Words too short to be told from codes and names prove nothing.
            long = [piece.strip() for piece in pieces if len(re.findall("[a-z]{2,}", piece)) >= 3]
            if long and all(piece in shown for piece in long):
                found.append(form)
    return found


@pytest.mark.parametrize("screen", SCREENS)
def test_a_page_in_korean_says_nothing_in_english(
    open_page: OpenPage, small_film: bytes, screen: str
) -> None:
    page = open_page(journal=True, lang="ko")
    page.radio(key="film").set_value(SYNTHETIC).run()
    if screen != "analyze":
        page.switch_page(f"screens/{screen}.py").run()
    if screen == "batch":
        page.file_uploader[0].set_value(
            [("a.png", small_film, "image/png"), ("b.png", b"no film", "image/png")]
        ).run()
        page.button(key="start").click().run()
        page.session_state["batch_run"].wait(120.0)
        page.run()
    assert not page.exception
    shown = "\n".join(list_shown(page))
    assert re.search("[가-힣]", shown)
    assert len(shown) > 500
    assert not find_english(shown)


def test_the_search_for_english_finds_it(open_page: OpenPage) -> None:
    found = find_english("\n".join(list_shown(open_page())))
    assert "Drop a chest film, or open a sample." in found
    assert "Answer also where the gate refuses" in found


def list_literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Literal words that are handed to something that shows them, in the source of the pages."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        log = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "_LOG"
        if name not in _SHOWING or log:
            continue
        shown = [*node.args[:1], *(one.value for one in node.keywords if one.arg in _SHOWN_OPTIONS)]
        for argument in shown:
            inside = argument.elts if isinstance(argument, ast.List) else [argument]
            for part in inside:
                pieces = part.values if isinstance(part, ast.JoinedStr) else [part]
                for piece in pieces:
                    if isinstance(piece, ast.Constant) and re.search("[A-Za-z]", str(piece.value)):
                        yield node.lineno, str(piece.value)


def test_no_page_shows_a_literal() -> None:
    found = [
        f"{path.relative_to(APP)}:{line}: {words}"
        for path in sorted(APP.rglob("*.py"))
        for line, words in list_literals(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found
    assert list(list_literals(ast.parse('st.button("Go", help=f"{x} of")'))) == [
        (1, "Go"),
        (1, " of"),
    ]
