"""The one-page report of the film that is open, to take along."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from hilum.app.parts import get_language, say
from hilum.app.pictures import get_colormap, get_scale
from hilum.app.rail import View
from hilum.app.session import get_time
from hilum.language import Text
from hilum.report import draw_pdf
from hilum.spec import ModelSpec
from hilum.types import Prediction, Region


def offer_report(
    prediction: Prediction, spec: ModelSpec, view: View, regions: Sequence[Region], stem: str
) -> None:
    """Show the button that saves the report; it is made when it is asked for.

    A film that was not assessed has one too, which says why.

    Parameters
    ----------
    regions
        Those that the page lists.
    stem
        Name of the file, without its ending.
    """
    language = get_language()
    made = get_time(st.session_state, prediction)

    def draw() -> bytes:
        return draw_pdf(
            prediction,
            spec,
            made=made.astimezone(),
            language=language,
            regions=regions,
            opacity=view.opacity,
            colormap=get_colormap(prediction, view),
            scale=get_scale(prediction, view),
        )

    st.download_button(
        say(Text("One-page report (PDF)")),
        data=draw,
        file_name=f"{stem}.pdf",
        mime="application/pdf",
        on_click="ignore",
        key="save_report",
    )
