"""The script that Streamlit runs for each visitor, on each change.

It only puts the parts together: what is read, computed or drawn belongs to other rooms.
"""

from __future__ import annotations

import sys

import streamlit as st

from hilum.app import stage
from hilum.app.options import PageOptions, parse_options
from hilum.app.parts import show_quiet, show_trouble
from hilum.app.rail import (
    choose_film,
    choose_gate,
    choose_model,
    choose_operating_point,
    choose_view,
)
from hilum.app.session import Engine, analyze_once
from hilum.app.theme import STYLE_SHEET, draw_icon
from hilum.app.wording import describe_model, describe_subject, describe_trouble
from hilum.errors import HilumError
from hilum.io import DEFAULT_LIMITS
from hilum.predictor import load_model

_MASTHEAD = """<header class="mast"><h1>hilum</h1>
<p>How likely is pneumonia on this chest film, and where does the answer come from?</p>
<p class="use">Research software, not a medical device.</p></header>"""


# One network in a process, for every session: the server owns its lifetime.
@st.cache_resource(show_spinner=False, on_release=lambda engine: engine.close())
def load_engine(model: str | None) -> Engine:
    """Load the model that ``hilum app`` or the visitor named."""
    return Engine(load_model(model))


def show_page(options: PageOptions) -> None:
    """Show the whole page."""
    st.set_page_config(page_title="hilum", page_icon=draw_icon(), layout="wide")
    st.html(STYLE_SHEET)
    st.html(_MASTHEAD)
    with st.container(key="desk"):
        choose = st.container(key="choose")
        result = st.container(key="stage")
        tune = st.container(key="tune")
    try:
        with tune:
            model = choose_model(options.model)
            engine = load_engine(model)
            point = choose_operating_point(engine.spec)
            gate = choose_gate()
            view = choose_view()
            show_quiet(describe_model(engine.spec))
        with choose:
            film = choose_film(DEFAULT_LIMITS.file_bytes)
        with result:
            if film is None:
                stage.show_invitation()
                return
            prediction = analyze_once(st.session_state, engine, str(model), film, point, gate=gate)
            stage.show_result(
                prediction,
                engine.spec,
                view,
                describe_subject(film.shows, engine.spec, assessed=prediction.assessed),
                display=lambda: engine.read_display(film),
            )
    except HilumError as error:
        with result:
            title, advice = describe_trouble(error)
            show_trouble(title, str(error), advice)


show_page(parse_options(sys.argv[1:]))
