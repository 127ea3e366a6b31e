"""The script that Streamlit runs for each visitor, on each change: the frame around all pages."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

from hilum.app.frame import show_frame
from hilum.app.options import parse_options
from hilum.app.settings import keep_settings
from hilum.app.theme import STYLE_SHEET, draw_icon

_SCREENS = Path(__file__).with_name("screens")
# File, title and address; the first is what opens.
_PAGES = (
    ("analyze.py", "Analyze", "analyze"),
    ("compare.py", "Compare", "compare"),
    ("batch.py", "Batch", "batch"),
    ("history.py", "History", "history"),
    ("models.py", "Models", "models"),
    ("about.py", "About", "about"),
)


def show_page() -> None:
    """Show the frame, and in it the page that the address names."""
    keep_settings(st.session_state, parse_options(sys.argv[1:]))
    screens = [
        st.Page(_SCREENS / file, title=title, url_path=address, default=number == 0)
        for number, (file, title, address) in enumerate(_PAGES)
    ]
    screen = st.navigation(screens, position="hidden")
    title = f"{screen.title} · hilum"
    st.set_page_config(page_title=title, page_icon=draw_icon(), layout="wide")
    st.html(STYLE_SHEET)
    show_frame(screens, screen)
    screen.run()


show_page()
