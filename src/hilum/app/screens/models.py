"""Models: what each network is, for whom, and what it is worth."""

from __future__ import annotations

import streamlit as st

from hilum.app.parts import show_part, show_trouble
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
        show_card(choose_card(specs))
    except HilumError as error:
        title, advice = describe_trouble(error)
        show_trouble(title, error.text, advice)


show_models()
