"""The parts of the page of models: a list of all, and the card of one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from hilum.app.parts import say, show_quiet, to_html
from hilum.language import Text
from hilum.models.zoo import list_models, resolve_model
from hilum.report.figures import format_interval
from hilum.report.model_card import render_model_card
from hilum.spec import ModelSpec

_COLUMNS = (
    Text("Model"),
    Text("Network"),
    Text("Parameters"),
    Text("AUC"),
    Text("Accuracy"),
    Text("Sensitivity"),
    Text("Specificity"),
)


def list_specs(first: str | None) -> list[ModelSpec]:
    """Give the specs of the command line's model and of all shipped ones.

    Raises
    ------
    ModelError
        A spec cannot be read.
    """
    shipped = list_models()
    if first is None or first in {spec.name for spec in shipped}:
        return shipped
    return [resolve_model(first)[0], *shipped]


def show_list(specs: Sequence[ModelSpec]) -> None:
    """Show one line a model, with its figures on the official test part where they are known."""
    head = "".join(f'<th scope="col">{to_html(title)}</th>' for title in _COLUMNS)
    rows = "".join(
        "<tr>" + "".join(f"<td>{to_html(cell)}</td>" for cell in _list_cells(spec)) + "</tr>"
        for spec in specs
    )
    st.html(
        f'<div class="wide-list" tabindex="0" role="region" aria-label="{to_html(Text("Models"))}">'
        f'<table class="list"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )
    show_quiet(
        Text(
            "Figures on the official test part at the model’s own operating point, with 95 % "
            "intervals."
        )
    )


def _list_cells(spec: ModelSpec) -> list[str]:
    network = spec.architecture
    cells = [
        f"{spec.name} {spec.version}",
        network.timm_name,
        Text("{millions:.1f} million", millions=network.parameters / 1e6),
    ]
    metrics = spec.metrics.get("test")
    if metrics is None:
        return [*cells, Text("not measured"), "–", "–", "–"]
    point = metrics.operating_points[spec.default_operating_point]
    figures = (metrics.roc_auc, point.accuracy, point.sensitivity, point.specificity)
    return [*cells, *(format_interval(figure) for figure in figures)]


def choose_card(specs: Sequence[ModelSpec]) -> ModelSpec:
    """Let the visitor choose whose card to read."""
    chosen = st.selectbox(
        say(Text("Card of")),
        range(len(specs)),
        format_func=lambda number: specs[number].name,
        key="card",
    )
    return specs[chosen]


def show_card(spec: ModelSpec) -> None:
    """Show a model's card, which is made from its spec alone."""
    card = say(render_model_card(spec))
    with st.container(key="card_text"):
        st.markdown(card)
    st.download_button(
        say(Text("Card (Markdown)")),
        data=card,
        file_name=f"{spec.name}.md",
        mime="text/markdown",
        on_click="ignore",
        key="save_card",
    )
