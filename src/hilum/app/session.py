"""What one visitor's session keeps, and the one model that all sessions share.

The predictor is loaded once in a process and lives as long as the server. Analyses belong
to a session: nothing that was computed from a film is seen by another visitor, and nothing
is written to disk.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hilum.app.samples import Subject
from hilum.io import read_display, read_radiograph
from hilum.predictor import Predictor, decide_again
from hilum.spec import ModelSpec
from hilum.types import DisplayFilm, Prediction

# A prediction holds its film: about 14 MB for a film of 1900 px.
_KEPT_ANALYSES = 6


@dataclass(frozen=True)
class Film:
    """A file that was chosen on the page.

    name
        What the visitor calls it: the file name of an upload, or a sample's name.
    shows
        What a sample shows; ``None`` for an upload.
    """

    name: str
    data: bytes
    shows: Subject | None = None

    @cached_property
    def sha256(self) -> str:
        """Digest of the file, in hex."""
        return hashlib.sha256(self.data).hexdigest()


class Engine:
    """The predictor that all sessions share.

    The backend may be called from several threads at once. What is bounded here is how
    many films are decoded at the same time: decoding takes the memory, one film up to the
    reader's limits, and each visitor's session runs in a thread of its own.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._slots = threading.BoundedSemaphore(max(1, min(4, os.cpu_count() or 1)))

    @property
    def spec(self) -> ModelSpec:
        """All facts about the model."""
        return self._predictor.spec

    def analyze(self, film: Film) -> Prediction:
        """Read ``film`` with the model's recipe and run the network on it.

        Raises
        ------
        InputError, ModelError, MissingExtraError
            The film cannot be used; see :func:`hilum.io.read_radiograph`.
        """
        with self._slots:
            radiograph = read_radiograph(film.data, recipe=self.spec.input.recipe, name=film.name)
            return self._predictor.analyze(radiograph)

    def read_display(self, film: Film) -> DisplayFilm:
        """Read ``film`` as it is stored, for the viewer; the answer is not made of it.

        Raises
        ------
        InputError, MissingExtraError
            As :meth:`analyze`.
        """
        with self._slots:
            return read_display(film.data, recipe=self.spec.input.recipe)

    def close(self) -> None:
        """Release the network."""
        self._predictor.close()


def analyze_once(
    state: MutableMapping[Any, Any],
    engine: Engine,
    model: str,
    film: Film,
    operating_point: str,
    *,
    gate: bool = True,
) -> Prediction:
    """Analyze ``film`` unless the session has done so, and decide at ``operating_point``.

    The network's answer does not depend on the operating point, on the gate or on how the map
    is drawn, so moving those knobs costs no second pass.

    Parameters
    ----------
    state
        The session's own store.
    model
        The name under which ``engine`` was chosen.
    """
    kept: OrderedDict[tuple[str, str, str], Prediction]
    kept = state.setdefault("analyses", OrderedDict())
    # The name too: the same file under a second name must not answer under the first.
    key = (film.sha256, film.name, model)
    prediction = kept.get(key)
    if prediction is None:
        prediction = engine.analyze(film)
        kept[key] = prediction
    kept.move_to_end(key)
    while len(kept) > _KEPT_ANALYSES:
        kept.popitem(last=False)
    return decide_again(prediction, engine.spec, operating_point, gate=gate)
