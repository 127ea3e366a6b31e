"""Models: what each network is, for whom, and what it is worth."""

from __future__ import annotations

import streamlit as st

from hilum.app.parts import say, show_part, show_trouble
from hilum.app.scorecard import show_all_curves, show_scorecard
from hilum.app.settings import get_options
from hilum.app.shelf import choose_card, list_specs, show_card, show_list
from hilum.app.wording import describe_trouble
from hilum.errors import HilumError
from hilum.language import Text


def show_models() -> None:
    """Show the whole page."""
    try:
        specs = list_specs(get_options(st.session_state).model)
        show_part(Text("Models of this installation"))
        show_list(specs)
        show_all_curves(specs)
        spec = choose_card(specs)
        show_scorecard(spec)
        with st.expander(say(Text("The whole card of {model}", model=spec.name))):
            show_card(spec)
    except HilumError as error:
        title, advice = describe_trouble(error)
        show_trouble(title, error.text, advice)


show_models()
