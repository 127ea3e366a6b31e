"""Analyze: one film, the answer, and where it comes from."""

from __future__ import annotations

import streamlit as st

from hilum.app import stage
from hilum.app.engines import load_engine
from hilum.app.frame import lay_desk
from hilum.app.parts import follow_passes, show_quiet, show_trouble
from hilum.app.rail import (
    choose_film,
    choose_gate,
    choose_method,
    choose_model,
    choose_operating_point,
    choose_view,
    choose_views,
)
from hilum.app.records import analyze_recorded, ask_for_feedback
from hilum.app.session import analyze_once, explain_once
from hilum.app.settings import get_options
from hilum.app.thresholds import show_thresholds
from hilum.app.tray import get_tray
from hilum.app.wording import describe_model, describe_subject, describe_trouble
from hilum.errors import HilumError


def show_analyze() -> None:
    """Show the whole page."""
    choose, result, tune = lay_desk()
    try:
        with tune:
            model = choose_model(get_options(st.session_state).model)
            engine = load_engine(model)
            point = choose_operating_point(engine.spec)
            gate = choose_gate()
            views = choose_views(engine.spec)
            view = choose_view(choose_method(), opacity_knob=False)
            show_quiet(describe_model(engine.spec))
        with choose:
            film = choose_film(get_tray(st.session_state))
        with result:
            if film is None:
                stage.show_invitation()
                return
            state = st.session_state
            prediction = analyze_recorded(
                state,
                engine.spec,
                str(model),
                film,
                lambda: analyze_once(
                    state, engine, str(model), film, point, gate=gate, views=views
                ),
            )
            with follow_passes(view.method) as report:
                prediction = explain_once(
                    state, engine, str(model), film, prediction, view.method, report
                )
            stage.show_result(
                prediction,
                engine.spec,
                view,
                describe_subject(film.shows, engine.spec, assessed=prediction.assessed),
                display=lambda: engine.read_display(film),
            )
            show_thresholds(engine.spec, point, prediction.probability)
            ask_for_feedback(state, str(model), film)
    except HilumError as error:
        with result:
            title, advice = describe_trouble(error)
            show_trouble(title, error.text, advice)


show_analyze()
