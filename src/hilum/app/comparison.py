"""The parts of the page that compares: which networks and methods, and one card for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from hilum.app.parts import say, show_notes, show_quiet, to_html
from hilum.app.pictures import draw_evidence, show_picture
from hilum.app.rail import View
from hilum.app.wording import format_percent, name_operating_point
from hilum.explain import METHODS
from hilum.language import Text, join_texts, recall
from hilum.models.zoo import list_models
from hilum.spec import ModelSpec
from hilum.types import Prediction

# Sharp at the width of a card on a dense display.
_CARD_SIDE_PX = 560
_FIRST_METHODS = ("evidence", "evidence_fine", "occlusion")


def choose_models(first: str | None) -> list[str]:
    """Let the visitor choose among the shipped networks and the command line's own."""
    names = [spec.name for spec in list_models()]
    if first is not None and first not in names:
        names.insert(0, first)
    kept = st.session_state.get("compared_models")
    if kept is None or not set(kept) <= set(names):
        st.session_state["compared_models"] = names
    return st.multiselect(
        say(Text("Models")), names, key="compared_models", placeholder=say(Text("Choose models"))
    )


def choose_methods() -> list[str]:
    """Let the visitor choose among the methods that the shipped networks can be asked for."""
    names = [method.name for method in METHODS.values() if method.extra is None]
    if "compared_methods" not in st.session_state:
        st.session_state["compared_methods"] = list(_FIRST_METHODS[:2])
    return st.multiselect(
        say(Text("Methods of the first model")),
        names,
        key="compared_methods",
        placeholder=say(Text("Choose methods")),
        help=say(
            Text(
                "Occlusion, RISE and Score-CAM ask the network some hundred times and take seconds."
            )
        ),
    )


def show_networks(answers: Sequence[tuple[ModelSpec, Prediction]], view: View) -> None:
    """Show one card a network: its map, its probability and its decision."""
    with st.container(key="row"):
        for number, (spec, prediction) in enumerate(answers):
            with st.container(key=f"card_{number}", gap="xsmall"):
                st.html(_head(spec, prediction))
                words = Text("The film with the evidence of {model} over it", model=spec.name)
                if not prediction.assessed:
                    words = Text("The film; {model} did not assess it", model=spec.name)
                show_picture(draw_evidence(prediction, view, max_side_px=_CARD_SIDE_PX), words)


def _head(spec: ModelSpec, prediction: Prediction) -> str:
    if prediction.probability is None:
        figure: str = "–"
        reasons = [reason.message for reason in prediction.reasons]
        detail = join_texts([Text("Refused by the input gate."), *reasons])
    else:
        figure = format_percent(prediction.probability)
        detail = Text(
            "threshold {threshold}, {point}",
            threshold=format_percent(prediction.threshold),
            point=name_operating_point(prediction.operating_point),
        )
    return (
        f'<section class="card"><h3>{to_html(spec.name)}</h3>'
        f'<p class="figure">{to_html(figure)}</p>'
        f"<p><strong>{to_html(recall(prediction.decision).as_start())}</strong></p>"
        f'<p class="quiet">{to_html(detail)}</p></section>'
    )


def show_maps(
    prediction: Prediction,
    methods: Sequence[str],
    explain: Callable[[str], Prediction],
    view: View,
) -> None:
    """Show the maps of several methods of one network, each with what it is and fails at.

    Parameters
    ----------
    explain
        Gives the prediction with the map of a method.
    """
    if not prediction.assessed:
        show_quiet(Text("No maps are shown: this network did not assess the film."))
        return
    with st.container(key="maps"):
        for method in methods:
            with st.container(key=f"map_{method}", gap="xsmall"):
                explained = explain(method)
                st.html(
                    f'<section class="card"><h3>{to_html(method)}</h3>'
                    f'<p class="quiet">{to_html(METHODS[method].summary.as_start())}.</p>'
                    "</section>"
                )
                picture = draw_evidence(explained, view, max_side_px=_CARD_SIDE_PX)
                show_picture(
                    picture, Text("The film with the map of {method} over it", method=method)
                )
                show_notes(explained.evidence.warnings)
