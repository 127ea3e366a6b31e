"""History: what was analyzed, how the answers lie, and what readers said of them."""

from __future__ import annotations

import streamlit as st

from hilum.app.history import (
    choose_selection,
    show_days,
    show_figures,
    show_list,
    show_retention,
    show_scores,
)
from hilum.app.parts import show_part, show_quiet, show_trouble
from hilum.app.records import get_journal
from hilum.app.settings import get_options
from hilum.app.wording import describe_trouble
from hilum.errors import HilumError


def show_history() -> None:
    """Show the whole page."""
    try:
        journal = get_journal(st.session_state)
        if journal is None:
            st.html(
                '<div class="empty"><h2>No journal is kept.</h2>'
                "<p>This page was started with <code>--no-journal</code>. Without it, time, model, "
                "probability and decision of each analysis are recorded on this machine; never a "
                "name, a header or a picture.</p></div>"
            )
            return
        selection, model = choose_selection(journal)
        show_figures(journal, selection)
        show_part("Day by day")
        show_days(journal, selection)
        if model is not None:
            show_part(f"Scores of {model}")
            show_scores(journal, selection, model)
        show_part("Analyses")
        show_list(journal, selection)
        show_part("Retention")
        show_retention(journal, shared=get_options(st.session_state).shared)
        show_quiet(f"The journal lies in {journal.place}.")
    except HilumError as error:
        title, advice = describe_trouble(error)
        show_trouble(title, error.text, advice)


show_history()
