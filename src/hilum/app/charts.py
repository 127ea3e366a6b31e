"""Charts in the visitor's colours, with words for who cannot see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from hilum.app.appearance import get_palette
from hilum.app.parts import say

if TYPE_CHECKING:
    import altair as alt

HEIGHT_PX = 260


def show_chart(chart: alt.Chart, words: str) -> None:
    """Show a chart; ``words`` say what it shows."""
    palette = get_palette()
    # Streamlit's own greys for axes are too pale to be read on a light ground.
    colored = (
        chart.properties(height=HEIGHT_PX, description=say(words))
        .configure_axis(
            labelColor=palette.muted,
            titleColor=palette.muted,
            gridColor=palette.line,
            domainColor=palette.line,
            tickColor=palette.line,
        )
        .configure_legend(
            # In a row of its own the last of four would leave a narrow screen.
            columns=2,
            labelColor=palette.text,
            titleColor=palette.muted,
        )
    )
    st.altair_chart(colored, theme="streamlit")
