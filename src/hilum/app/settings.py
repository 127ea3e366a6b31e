"""What a visitor has chosen, kept while the visitor goes from page to page.

Streamlit forgets a widget that a page does not show. Choices that belong to the visit and not
to one page are therefore written anew at the top of each run.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from hilum.app.options import PageOptions
from hilum.report import COLORMAPS, DEFAULT_SCALE

State = MutableMapping[Any, Any]

OPTIONS = "options"
# Keys of widgets, with what they show at first; ``None``: the widget decides.
_KEPT: dict[str, Any] = {
    "film": None,
    "model": None,
    "compared_models": None,
    "compared_methods": None,
    "method": None,
    "views": None,
    "history_period": None,
    "history_model": None,
    "no_gate": False,
    "opacity": 60,
    "scale": DEFAULT_SCALE,
    "colormap": next(iter(COLORMAPS)),
    "language": None,
    "theme": None,
    "card": None,
    "history_page": None,
    "kept_days": None,
    "sure_to_purge": None,
}
_KEPT_PREFIXES = ("point:", "wanted_", "feedback:")


def keep_settings(state: State, options: PageOptions) -> None:
    """Begin a run: remember the command line's options, and what the visitor has chosen."""
    state[OPTIONS] = options
    for key, first in _KEPT.items():
        if key in state:
            state[key] = state[key]
        elif first is not None:
            state[key] = first
    for key in [key for key in state if str(key).startswith(_KEPT_PREFIXES)]:
        state[key] = state[key]


def get_options(state: State) -> PageOptions:
    """Give the options of the command line."""
    options: PageOptions = state[OPTIONS]
    return options
