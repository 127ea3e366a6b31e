"""The networks that all visits share: each is loaded once in a process."""

from __future__ import annotations

import streamlit as st

from hilum.app.session import Engine
from hilum.predictor import load_model

# A shipped zoo and a model of one's own; the one that was not used for longest is closed.
_MOST_MODELS = 12


# The server owns their lifetime.
@st.cache_resource(
    show_spinner=False, max_entries=_MOST_MODELS, on_release=lambda engine: engine.close()
)
def load_engine(model: str | None) -> Engine:
    """Load a model that ``hilum app`` or the visitor named; see :func:`load_model`."""
    return Engine(load_model(model))
