"""The film viewer: film and evidence side by side or under a wipe, with windows and zoom.

All of it runs in the browser, from files of this package, and nothing is fetched from elsewhere.
No movement of it asks the server, but for the opacity when it is let go: what is saved follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import resources

import streamlit as st

from hilum.app.parts import wrap_data
from hilum.app.viewer.payload import ShownFilm, describe_map, outline_regions, pack_film
from hilum.app.viewer.words import VIEWER_WORDS, say_viewer_words
from hilum.report.lines import EDGE, INK
from hilum.types import Explanation, Region

__all__ = ["VIEWER_WORDS", "ShownFilm", "pack_film", "say_viewer_words", "show_viewer"]

# One module in the browser: later parts use what earlier ones define.
_SCRIPTS = ("film.js", "geometry.js", "hands.js", "viewer.js")


def _read(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


_SCRIPT = "\n".join(_read(name) for name in _SCRIPTS)
_mount_viewer = st.components.v2.component(
    "hilum.viewer", html=_read("viewer.html"), css=_read("viewer.css"), js=_SCRIPT
)
# The film comes in an element of its own, so that it is sent once and not with every change of
# the evidence. The same script makes both one module in the browser, where they meet.
_mount_film = st.components.v2.component("hilum.viewer_film", js=_SCRIPT)


def show_viewer(
    film: ShownFilm,
    evidence: Explanation | None,
    *,
    key: str,
    film_words: str,
    evidence_words: str = "",
    regions: Sequence[Region] = (),
    sentences: Sequence[str] | None = None,
    opacity: float = 0.6,
    colormap: str | None = None,
    scale: float | None = None,
    strings: Mapping[str, str] = VIEWER_WORDS,
    keep_opacity: Callable[[float], None] | None = None,
) -> None:
    """Show a film, beside it the film with the evidence over it, and the controls of both.

    Window and inversion change the display alone. Nothing comes back from the browser but the
    opacity, where it is asked for.

    Parameters
    ----------
    film
        From :func:`pack_film`; keep it while the film is open, since packing takes time.
    evidence
        The map; ``None`` shows the film alone.
    key
        The viewer's own name on the page: it keeps zoom and window when the page runs again.
    film_words, evidence_words
        What the two pictures show, for people who do not see them.
    regions
        Of the map, outlined and numbered in this order.
    sentences
        What is said of each region; ``None`` takes the regions' own sentences.
    opacity, colormap, scale
        As for :func:`hilum.report.draw_overlay`; the opacity is where the viewer's own slider
        begins.
    strings
        All that the viewer says, with the keys of :data:`VIEWER_WORDS`, in the reader's language;
        as are ``film_words``, ``evidence_words`` and ``sentences``.
    keep_opacity
        Is called with the opacity, in [0, 1], before the page runs again, each time that it was set
        in the viewer.

    Raises
    ------
    ConfigError
        ``colormap`` names none, or ``scale`` is no number above zero.
    """
    said = [region.sentence for region in regions] if sentences is None else sentences
    data = {
        "film": film.digest,
        "evidence": None
        if evidence is None
        else describe_map(evidence, colormap=colormap, scale=scale),
        "regions": [] if evidence is None else outline_regions(evidence, regions, said),
        "opacity": opacity,
        "tells_opacity": keep_opacity is not None,
        "words": {"film": film_words, "evidence": evidence_words},
        "ink": {"line": INK, "edge": EDGE},
        "strings": dict(strings),
    }
    with st.container(key=f"{key}_frame", gap=None):
        _mount_film(key=f"{key}_film", data=film.packed)
        if keep_opacity is None:
            _mount_viewer(key=key, data=wrap_data(data))
            return

        def take() -> None:
            share = st.session_state[key].get("opacity")
            # What comes from a browser is anyone's.
            if isinstance(share, (int, float)) and 0.0 <= share <= 1.0:
                keep_opacity(float(share))

        _mount_viewer(key=key, data=wrap_data(data), on_opacity_change=take)
