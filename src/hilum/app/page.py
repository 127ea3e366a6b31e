"""The script that Streamlit runs for each visitor, on each change: the frame around all pages."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

from hilum.app.appearance import follow_theme, get_palette, take_preferences
from hilum.app.browser import lend_letters, tell_browser
from hilum.app.frame import show_frame
from hilum.app.options import parse_options
from hilum.app.parts import say
from hilum.app.settings import keep_settings
from hilum.app.theme import draw_icon, write_style_sheet
from hilum.language import Text

_SCREENS = Path(__file__).with_name("screens")
# File, title and address; the first is what opens.
_PAGES = (
    ("analyze.py", Text("Analyze"), "analyze"),
    ("compare.py", Text("Compare"), "compare"),
    ("batch.py", Text("Batch"), "batch"),
    ("history.py", Text("History"), "history"),
    ("models.py", Text("Models"), "models"),
    ("about.py", Text("About"), "about"),
)


def show_page() -> None:
    """Show the frame, and in it the page that the address names."""
    state = st.session_state
    take_preferences(state, st.query_params, st.context.locale)
    keep_settings(state, parse_options(sys.argv[1:]))
    screens = [
        st.Page(_SCREENS / file, title=say(title), url_path=address, default=number == 0)
        for number, (file, title, address) in enumerate(_PAGES)
    ]
    screen = st.navigation(screens, position="hidden")
    if follow_theme(state):
        st.rerun()
    title = f"{screen.title} · hilum"
    st.set_page_config(page_title=title, page_icon=draw_icon(), layout="wide")
    st.html(write_style_sheet(get_palette()))
    tell_browser()
    show_frame(screens, screen)
    screen.run()
    # Half a megabyte at the first visit: the page goes first.
    lend_letters()


show_page()
