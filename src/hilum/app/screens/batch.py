"""Batch: many films at once, a table of the answers, and files to take along."""

from __future__ import annotations

import streamlit as st

from hilum.app.batch_parts import (
    choose_films,
    forget_filters,
    show_before,
    show_progress,
    show_results,
)
from hilum.app.batch_run import BatchRun
from hilum.app.engines import load_engine
from hilum.app.frame import lay_desk
from hilum.app.parts import show_quiet, show_trouble
from hilum.app.rail import choose_gate, choose_model, choose_operating_point
from hilum.app.records import make_recorder
from hilum.app.settings import get_options
from hilum.app.wording import describe_model, describe_trouble
from hilum.errors import HilumError


def show_batch() -> None:
    """Show the whole page."""
    state = st.session_state
    choose, result, tune = lay_desk()
    try:
        with tune:
            engine = load_engine(choose_model(get_options(state).model))
            point = choose_operating_point(engine.spec)
            gate = choose_gate()
            show_quiet(describe_model(engine.spec))
        with choose:
            entries = choose_films()
        with result:
            run: BatchRun | None = state.get("batch_run")
            if entries is not None:
                troubles: list[str] = []
                recorder = make_recorder(state, lambda error: troubles.append(error.text))
                run = BatchRun(engine, entries, point, gate=gate, recorder=recorder)
                state["batch_run"], state["batch_troubles"] = run, troubles
                forget_filters()
            if run is None:
                show_before()
            elif run.get_progress().state == "running":
                show_progress(run)
            else:
                show_results(run, state["batch_troubles"])
    except HilumError as error:
        with result:
            title, advice = describe_trouble(error)
            show_trouble(title, error.text, advice)


show_batch()
