"""Compare: what several networks say of one film, and several methods of one network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from hilum.app.comparison import choose_methods, choose_models, show_maps, show_networks
from hilum.app.engines import load_engine
from hilum.app.frame import lay_desk
from hilum.app.parts import (
    follow_passes,
    show_empty,
    show_part,
    show_quiet,
    show_sentence,
    show_trouble,
)
from hilum.app.rail import View, choose_film, choose_gate, choose_view
from hilum.app.records import analyze_recorded
from hilum.app.session import Film, analyze_once, explain_once
from hilum.app.settings import get_options
from hilum.app.together import show_together
from hilum.app.tray import get_tray
from hilum.app.wording import describe_agreement, describe_trouble
from hilum.decision import measure_agreement
from hilum.errors import HilumError
from hilum.language import Text
from hilum.types import Prediction


def show_compare() -> None:
    """Show the whole page."""
    choose, result, tune = lay_desk()
    try:
        with tune:
            models = choose_models(get_options(st.session_state).model)
            methods = choose_methods()
            gate = choose_gate()
            view = choose_view()
        with choose:
            film = choose_film(get_tray(st.session_state))
        with result:
            if film is None:
                show_empty(
                    Text("Choose a film to compare networks on."),
                    Text(
                        "Each network answers at its own threshold; below, the first of them "
                        "explains itself by several methods."
                    ),
                )
            elif not models:
                show_quiet(Text("Choose at least one model among the settings."))
            else:
                _show_answers(film, models, methods, view, gate=gate)
    except HilumError as error:
        with result:
            title, advice = describe_trouble(error)
            show_trouble(title, error.text, advice)


def _show_answers(
    film: Film, models: Sequence[str], methods: Sequence[str], view: View, *, gate: bool
) -> None:
    state = st.session_state
    engines = {model: load_engine(model) for model in models}
    answers = [
        (
            engine.spec,
            analyze_recorded(
                state,
                engine.spec,
                model,
                film,
                partial(analyze_once, state, engine, model, film, None, gate=gate),
            ),
        )
        for model, engine in engines.items()
    ]
    show_part(Text("Networks"))
    show_sentence(describe_agreement(measure_agreement([answer for _, answer in answers])))
    show_networks(answers, view)
    show_together(answers)
    first, (_, prediction) = models[0], answers[0]

    def explain(method: str) -> Prediction:
        with follow_passes(method) as report:
            return explain_once(state, engines[first], first, film, prediction, method, report)

    show_part(Text("Methods of {model}", model=first))
    show_maps(prediction, methods, explain, view)


show_compare()
