"""About: what hilum is and is not, where its knowledge comes from, and what it keeps."""

from __future__ import annotations

from importlib.metadata import version

from hilum.app.about import show_about
from hilum.models.zoo import list_models


def show_page() -> None:
    """Show the whole page."""
    show_about(list_models(), version("hilum"))


show_page()
