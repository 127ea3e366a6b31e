"""What the first visitor would wait for, done while the browser loads the page.

Streamlit imports a page when it is first asked for, and the page loads its network then. Between
the server's start and that moment a browser is busy for half a second with Streamlit's own script.
"""

from __future__ import annotations

import importlib
import logging
import threading
import time
from collections.abc import Callable

from hilum.errors import HilumError

_LOG = logging.getLogger(__name__)
# Python does one thing at a time: the files that the browser asks for first go before.
_HEAD_START_S = 0.15
# By then the page stands, and nobody has yet found a film to drop.
_FIRST_FILM_S = 2.0
# What the page that opens is made of.
_PAGE = tuple(
    f"hilum.app.{name}"
    for name in ("appearance", "browser", "frame", "rail", "records", "stage", "thresholds")
)


def _is_up() -> bool:
    from streamlit.runtime import Runtime
    from streamlit.runtime.runtime import RuntimeState

    return Runtime.exists() and Runtime.instance().state is not RuntimeState.INITIAL


def warm_up(model: str | None, is_up: Callable[[], bool] = _is_up) -> threading.Thread:
    """Begin to import the pages and to load ``model``, once the server answers.

    Parameters
    ----------
    is_up
        Tells whether the server answers.

    Returns
    -------
    threading.Thread
        A daemon. It ends when all is ready; a fault ends it too, and the page then does at its
        own time what is missing, and tells of what fails.
    """
    thread = threading.Thread(target=_warm_up, args=(model, is_up), name="warm-up", daemon=True)
    thread.start()
    return thread


def _warm_up(model: str | None, is_up: Callable[[], bool]) -> None:
    while not is_up():
        time.sleep(0.02)
    time.sleep(_HEAD_START_S)
    try:
        for name in _PAGE:
            importlib.import_module(name)
        from hilum.app.engines import load_engine
        from hilum.app.session import Film
        from hilum.models import DEFAULT_MODEL
        from hilum.samples import list_films

        engine = load_engine(model or DEFAULT_MODEL)
        time.sleep(_FIRST_FILM_S)
        sample = list_films()[0]
        film = Film(sample.name, sample.read(), "synthetic")
        engine.analyze(engine.read(film))
        engine.read_display(film)
    except HilumError as error:
        _LOG.warning("The page could not be made ready before its first visitor: %s", error)
