"""Language and theme of one visit: where they come from at first, and the switch for both.

Streamlit tells a browser its theme at the beginning of each run, the same to all. Here it is told
the theme that its own visitor has chosen, so that widgets, tables and charts follow, and no
other visitor sees the change.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from hilum.app.parts import LANGUAGE_KEY, name_options, say
from hilum.app.theme import (
    FIRST_THEME,
    PALETTES,
    Palette,
    Theme,
    check_theme,
    describe_theme,
)
from hilum.language import LANGUAGES, Text

if TYPE_CHECKING:
    from streamlit.proto.NewSession_pb2 import NewSession

_LOG = logging.getLogger(__name__)

State = MutableMapping[Any, Any]

# The widget's value, and the theme that the browser was told last.
THEME_KEY = "theme"
_TOLD_KEY = "told_theme"
_THEMES: Mapping[Theme, Text] = {"dark": Text("Dark"), "light": Text("Light")}
# How the two stand in the address of the page.
_IN_ADDRESS = {"lang": LANGUAGE_KEY, "theme": THEME_KEY}
_FROM_ADDRESS = "preferences_in_address"


def take_preferences(state: State, address: MutableMapping[str, str], locale: str | None) -> None:
    """Begin a run with the visitor's language and theme; what was chosen stays in the address.

    Parameters
    ----------
    address
        Its parameters: ``lang`` and ``theme`` are looked at when the visit begins, and written
        once the visitor has chosen. Others, and words that name nothing, are ignored.
    locale
        The browser's language, as ``ko-KR``; it counts where the address names none.
    """
    first: dict[str, tuple[str, Mapping[Any, Any]]] = {
        LANGUAGE_KEY: (_match_locale(locale), LANGUAGES),
        THEME_KEY: (FIRST_THEME, PALETTES),
    }
    told: set[str] = state.setdefault(_FROM_ADDRESS, set())
    for name, key in _IN_ADDRESS.items():
        otherwise, known = first[key]
        if key not in state:
            wanted = address.get(name)
            if wanted in known:
                told.add(name)
            state[key] = wanted if wanted in known else otherwise
        if name in told and address.get(name) != state[key]:
            address[name] = state[key]


def list_address(state: State) -> dict[str, str]:
    """Give what the visitor has chosen, for the address of another page."""
    return {name: state[_IN_ADDRESS[name]] for name in sorted(state[_FROM_ADDRESS])}


def _match_locale(locale: str | None) -> str:
    language = (locale or "").partition("-")[0].lower()
    return language if language in LANGUAGES else "en"


def follow_theme(state: State) -> bool:
    """Tell whether the page has to run again, so that the browser is told another theme."""
    if state[THEME_KEY] == state.get(_TOLD_KEY, FIRST_THEME):
        return False
    state[_TOLD_KEY] = state[THEME_KEY]
    return True


def get_palette() -> Palette:
    """Give the colours that this visitor has chosen."""
    return PALETTES[check_theme(st.session_state.get(_TOLD_KEY, FIRST_THEME))]


def show_switches() -> None:
    """Show the switches of language and theme."""
    st.segmented_control(
        say(Text("Language")),
        list(LANGUAGES),
        format_func=name_options(LANGUAGES, LANGUAGES.__getitem__),
        key=LANGUAGE_KEY,
        required=True,
        label_visibility="collapsed",
        on_change=_remember,
        args=("lang",),
    )
    st.segmented_control(
        say(Text("Theme")),
        list(PALETTES),
        format_func=name_options(PALETTES, _THEMES.__getitem__),
        key=THEME_KEY,
        required=True,
        label_visibility="collapsed",
        on_change=_remember,
        args=("theme",),
    )


def _remember(name: str) -> None:
    st.session_state[_FROM_ADDRESS].add(name)


def theme_each_visit() -> None:
    """Let the server tell each browser the theme of its own visit.

    Streamlit's configuration, from which it takes the theme, is one for all visitors.
    """
    from streamlit.runtime import app_session

    session_class: Any = app_session.AppSession
    create = session_class._create_new_session_message

    def create_themed(session: app_session.AppSession, *args: Any, **kwargs: Any) -> Any:
        message = create(session, *args, **kwargs)
        state = session.session_state
        if _TOLD_KEY in state:
            _write_theme(message.new_session, PALETTES[check_theme(state[_TOLD_KEY])])
        return message

    session_class._create_new_session_message = create_themed


def _write_theme(message: NewSession, palette: Palette) -> None:
    theme = message.custom_theme
    told = describe_theme(palette)
    theme.base = theme.BaseTheme.Value(palette.base.upper())
    theme.primary_color = told["primaryColor"]
    theme.background_color = told["backgroundColor"]
    theme.secondary_background_color = told["secondaryBackgroundColor"]
    theme.text_color = told["textColor"]
    theme.link_color = told["linkColor"]
    theme.border_color = told["borderColor"]
