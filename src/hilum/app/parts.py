"""Small pieces of HTML that both sides of the page use. Every value is escaped here."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any, TypeVar

import streamlit as st

from hilum.language import Language, Text, check_language, translate

Option = TypeVar("Option", bound=Hashable)

_NOTE = Text("Note")


# Where a session keeps the language that its visitor has chosen.
LANGUAGE_KEY = "language"


def get_language() -> Language:
    """Give the language of this visitor; English where none was chosen."""
    return check_language(st.session_state.get(LANGUAGE_KEY) or "en")


def say(text: str) -> str:
    """Say a text in the visitor's language; every label of a widget goes through here.

    A ``str`` that is no :class:`~hilum.language.Text` is a name or a value and stays as it is.
    """
    return translate(text, get_language())


def name_options(
    options: Iterable[Option], name: Callable[[Option], str]
) -> Callable[[Option], str]:
    """Say the names of a widget's options, for its ``format_func``.

    They are said at once: Streamlit asks for them again where no visit is at hand, and so no
    language.
    """
    said = {option: say(name(option)) for option in options}
    return lambda option: said[option]


def wrap_data(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Wrap what a component is told in a list, from which its script takes the one entry.

    Streamlit searches a bare dict for tables, and imports pandas to know one: half a second before
    the first page is there.
    """
    return [dict(data)]


def to_html(text: str) -> str:
    """Say and escape ``text``, and keep a figure on the line of its sign or unit."""
    return escape(say(text)).replace(" %", "&nbsp;%").replace("≥ ", "≥&nbsp;")


def show_part(title: str) -> None:
    """Show the heading of a part of the page."""
    st.html(f'<h2 class="part">{to_html(title)}</h2>')


def show_quiet(text: str) -> None:
    """Show a remark in the quiet style."""
    st.html(f'<p class="quiet">{to_html(text)}</p>')


def show_sentence(text: str) -> None:
    """Show one sentence of the result."""
    st.html(f'<p class="sentence">{to_html(text)}</p>')


def show_notes(texts: Iterable[str]) -> None:
    """Show warnings, each with the word that says what it is."""
    notes = "".join(f'<p class="note"><b>{to_html(_NOTE)}</b>{to_html(text)}</p>' for text in texts)
    if notes:
        st.html(f'<div role="note">{notes}</div>')


def show_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Show a list of terms and values."""
    rows = "".join(
        f"<div><dt>{to_html(term)}</dt><dd>{to_html(value)}</dd></div>" for term, value in facts
    )
    st.html(f'<dl class="facts">{rows}</dl>')


def show_empty(title: str, *texts: str) -> None:
    """Show what a page does while there is nothing on it."""
    said = "".join(f"<p>{to_html(text)}</p>" for text in texts)
    st.html(f'<div class="empty"><h2>{to_html(title)}</h2>{said}</div>')


def show_tally(figures: Iterable[tuple[str, str]]) -> None:
    """Show a few large figures, each under its name."""
    rows = "".join(
        f"<div><dt>{to_html(name)}</dt><dd>{to_html(figure)}</dd></div>" for name, figure in figures
    )
    st.html(f'<dl class="tally">{rows}</dl>')


def show_trouble(title: str, message: str, advice: str) -> None:
    """Show calmly why there is no result, and what to do."""
    st.html(
        f'<div class="trouble" role="alert"><h2>{to_html(title)}</h2>'
        f'<p>{to_html(message)}</p><p class="quiet">{to_html(advice)}</p></div>'
    )


@contextmanager
def follow_passes(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far a method is that asks the network many times; nothing where it asks once.

    Yields
    ------
    What is to be called with the passes done, and those in all.
    """
    place = st.empty()

    def tell(done: int, whole: int) -> None:
        if whole > 1:
            said = Text("{what}: pass {done} of {whole}", what=what, done=done, whole=whole)
            place.progress(min(1.0, done / whole), text=say(said))

    try:
        yield tell
    finally:
        place.empty()
