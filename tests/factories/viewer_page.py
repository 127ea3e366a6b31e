"""A page with the viewer alone: ``?film=`` says which film, ``?scale=`` how its map is drawn.

It is run by Streamlit for ``test_viewer_browser.py``, which draws the same films.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from factories.films import make_dicom, make_lut_item
from hilum.io import read_display
from hilum.types import Explanation, Region

ROWS, COLUMNS = 480, 400
HOSTILE = "<img src=x onerror=alert(1)>{film}"


def draw_stored() -> NDArray[np.uint16]:
    """Draw a smooth film of 12 bits with a bright disc, and padding in a corner."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    film: NDArray[np.float64] = 500.0 + 2500.0 * y / ROWS + 400.0 * np.sin(x / 40.0)
    film[(x - 200) ** 2 + (y - 160) ** 2 < 60**2] += 600.0
    return film.astype(np.uint16)


def make_film(name: str) -> bytes:
    """Make one of the films as a DICOM file."""
    stored = draw_stored()
    window: dict[str, Any] = {
        "WindowCenter": [2000, 1000],
        "WindowWidth": [4000, 600],
        "WindowCenterWidthExplanation": ["NORMAL", HOSTILE],
    }
    if name == "negative":
        return make_dicom(
            4095 - stored, photometric="MONOCHROME1", WindowCenter=2095, WindowWidth=4000
        )
    if name == "lut":
        curve = [int(4095 * (i / 4095) ** 2) for i in range(4096)]
        return make_dicom(
            stored,
            RescaleSlope=0.5,
            RescaleIntercept=-1024,
            RescaleType="HU",
            VOILUTSequence=[make_lut_item(curve, first=-1024, signed=True)],
        )
    stored[:40, :40] = 4095
    return make_dicom(stored, PixelPaddingValue=4095, **window)


def make_explanation() -> Explanation:
    """Make a signed map with two strong places, on a box that leaves the film."""
    values = np.zeros((6, 5), dtype=np.float32)
    values[1, 1], values[4, 3], values[4, 1] = 30.0, 20.0, -25.0
    return Explanation(values, (-20.0, 0.0, 420.0, 480.0), "evidence", "pneumonia", 0.0)


def find_regions() -> tuple[Region, ...]:
    """Find the two places."""
    return make_explanation().regions()


def main() -> None:
    """Show the viewer and count the runs of the page."""
    import streamlit as st

    from hilum.app.theme import DARK, write_style_sheet
    from hilum.app.viewer import pack_film, show_viewer

    st.html(write_style_sheet(DARK))
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    st.button("Run again")
    st.text(f"run {st.session_state['runs']}")
    name = st.query_params.get("film", "positive")
    show_viewer(
        pack_film(read_display(make_film(name))),
        None if name == "alone" else make_explanation(),
        key="viewer",
        film_words="The film",
        evidence_words="The film with the evidence over it",
        regions=find_regions(),
        sentences=[HOSTILE, "The second place."],
        scale=float(st.query_params.get("scale", "32")),
        colormap=st.query_params.get("colormap"),
    )


if __name__ == "__main__":
    main()
