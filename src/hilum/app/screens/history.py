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
from hilum.app.parts import show_empty, show_part, show_quiet, show_trouble
from hilum.app.records import get_journal
from hilum.app.settings import get_options
from hilum.app.wording import describe_trouble
from hilum.errors import HilumError
from hilum.language import Text


def show_history() -> None:
    """Show the whole page."""
    try:
        journal = get_journal(st.session_state)
        if journal is None:
            show_empty(
                Text("No journal is kept."),
                Text(
                    "This page was started with --no-journal. Without it, time, model, probability "
                    "and decision of each analysis are recorded on this machine; never a name, a "
                    "header or a picture."
                ),
            )
            return
        selection, model = choose_selection(journal)
        show_figures(journal, selection)
        show_part(Text("Day by day"))
        show_days(journal, selection)
        if model is not None:
            show_part(Text("Scores of {model}", model=model))
            show_scores(journal, selection, model)
        show_part(Text("Analyses"))
        show_list(journal, selection)
        show_part(Text("Retention"))
        show_retention(journal, shared=get_options(st.session_state).shared)
        show_quiet(Text("The journal lies in {place}.", place=journal.place))
    except HilumError as error:
        title, advice = describe_trouble(error)
        show_trouble(title, error.text, advice)


show_history()
