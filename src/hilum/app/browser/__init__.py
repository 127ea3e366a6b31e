"""What Streamlit's own markup leaves out, said and mended in the browser.

Streamlit writes ``<html lang="en">`` and speaks English in its widgets, and has no setting for
either. A small script sets the language of the document and says those few words in it. Nor does it
bring letters of Hangul, and a plain Linux has none: those of the report are lent to the browser.
"""

from __future__ import annotations

from importlib import resources

import streamlit as st

from hilum.app.browser.words import SERVER_WORDS, WIDGET_WORDS
from hilum.app.parts import get_language, say, wrap_data
from hilum.app.theme import HANGUL
from hilum.language import LANGUAGES
from hilum.report.lettering import FONTS

__all__ = ["SERVER_WORDS", "WIDGET_WORDS", "lend_letters", "tell_browser"]

_SCRIPT = resources.files(__name__).joinpath("browser.js").read_text(encoding="utf-8")
_mount = st.components.v2.component("hilum.browser", js=_SCRIPT)
_LETTERS = """
export default function lend({ data }) {
  if ([...document.fonts].some((face) => face.family.includes("NAME"))) return;
  document.fonts.add(new FontFace("NAME", new Uint8Array(data), { unicodeRange: "RANGE" }));
}
""".replace("NAME", HANGUL).replace("RANGE", "U+1100-11FF, U+3130-318F, U+AC00-D7A3")
_mount_letters = st.components.v2.component("hilum.letters", js=_LETTERS)


def tell_browser() -> None:
    """Tell the browser the visitor's language, and what Streamlit's words are in it."""
    language = get_language()
    known = SERVER_WORDS if language == "en" else {**SERVER_WORDS, **WIDGET_WORDS}
    words = {word: say(said) for word, said in known.items()}
    with st.container(key="browser"):
        _mount(
            key="browser_words",
            data=wrap_data({"language": language, "languages": dict(LANGUAGES), "words": words}),
        )


def lend_letters() -> None:
    """Lend the browser letters of Hangul, in English too: the switch names itself in them.

    Streamlit's server keeps what it has sent: the same bytes go to a browser once.
    """
    with st.container(key="letters"):
        letters = (FONTS / "NotoSansKR-Regular.ttf").read_bytes()
        _mount_letters(key="browser_letters", data=letters)
