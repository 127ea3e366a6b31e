"""What stands above every page: the name, what this is, and the way to the other pages."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import Page

from hilum.app.appearance import list_address, show_switches
from hilum.app.loading import QUESTION
from hilum.app.parts import to_html
from hilum.report.wording import RESEARCH_ONLY


def show_frame(screens: Sequence[Page], here: Page) -> None:
    """Show the head of the page, the links to all pages, and the switches."""
    st.html(
        f'<header class="mast"><h1>hilum</h1><p>{to_html(QUESTION)}</p>'
        f'<p class="use">{to_html(RESEARCH_ONLY)}</p></header>'
    )
    # In the links too: without it each page would write it anew, and stand in the history twice.
    address = list_address(st.session_state)
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        with st.container(key="ways", horizontal=True, gap="small"):
            for screen in screens:
                # The style sheet underlines what stands in this container.
                place = (
                    st.container(key="here", width="content") if screen is here else nullcontext()
                )
                with place:
                    st.page_link(screen, label=screen.title, query_params=address)
        with st.container(key="switches", horizontal=True, width="content", gap="small"):
            show_switches()


def lay_desk() -> tuple[DeltaGenerator, DeltaGenerator, DeltaGenerator]:
    """Lay out a page on films: where films are chosen, where results stand, and the knobs.

    On a narrow screen they follow one another in this order.
    """
    with st.container(key="desk"):
        return st.container(key="choose"), st.container(key="stage"), st.container(key="tune")
