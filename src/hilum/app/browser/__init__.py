"""What Streamlit's own markup leaves out, said and mended in the browser.

Streamlit writes ``<html lang="en">`` and speaks English in its widgets, and has no setting for
either. A small script sets the language of the document and says those few words in it.
"""

from __future__ import annotations

from importlib import resources

import streamlit as st

from hilum.app.browser.words import WIDGET_WORDS
from hilum.app.parts import get_language, say
from hilum.language import LANGUAGES

__all__ = ["WIDGET_WORDS", "tell_browser"]

_SCRIPT = resources.files(__name__).joinpath("browser.js").read_text(encoding="utf-8")
_mount = st.components.v2.component("hilum.browser", js=_SCRIPT)


def tell_browser() -> None:
    """Tell the browser the visitor's language, and what Streamlit's words are in it."""
    language = get_language()
    words = {} if language == "en" else {word: say(said) for word, said in WIDGET_WORDS.items()}
    with st.container(key="browser"):
        _mount(
            key="browser_words",
            data={"language": language, "languages": dict(LANGUAGES), "words": words},
        )
