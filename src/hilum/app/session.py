"""What one visitor's session keeps, and the networks that all sessions share.

A network is loaded once in a process and lives as long as the server. Analyses belong to a
session: nothing that was computed from a film is seen by another visitor, and nothing is
written to disk.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from hilum.app.samples import Subject
from hilum.io import read_display, read_radiograph
from hilum.predictor import Predictor, decide_again
from hilum.spec import ModelSpec, WindowRecipe
from hilum.types import DisplayFilm, Explanation, Prediction, Radiograph

State = MutableMapping[Any, Any]
Report = Callable[[int, int], None]

# A film of 1900 px takes about 14 MB.
_KEPT_FILMS = 6
# However many networks there are: decoding takes the memory, not they.
_SLOTS = threading.BoundedSemaphore(max(1, min(4, os.cpu_count() or 1)))


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

    def read(self, recipe: WindowRecipe) -> Radiograph:
        """Read the film, while few others are being read.

        Each visitor's session runs in a thread of its own, and each film that is decoded takes
        memory up to the reader's limits.

        Raises
        ------
        InputError, MissingExtraError
            The film cannot be used; see :func:`hilum.io.read_radiograph`.
        """
        with _SLOTS:
            return read_radiograph(self.data, recipe=recipe, name=self.name)


class Engine:
    """A predictor that all sessions share; its backend may be called from several threads."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    @property
    def spec(self) -> ModelSpec:
        """All facts about the model."""
        return self._predictor.spec

    def read(self, film: Film) -> Radiograph:
        """Read ``film`` with the model's recipe; see :meth:`Film.read`."""
        return film.read(self.spec.input.recipe)

    def analyze(self, radiograph: Radiograph, views: str = "none") -> Prediction:
        """Run the network on a film that was read with the model's recipe.

        Parameters
        ----------
        views
            One of :data:`hilum.inference.VIEWS`.

        Raises
        ------
        InputError, ModelError
            The film cannot be used, or the network failed.
        """
        return self._predictor.analyze(radiograph, views=views)

    def explain(self, radiograph: Radiograph, method: str, report: Report) -> Explanation:
        """Explain a film by another method; see :meth:`hilum.predictor.Predictor.explain`."""
        return self._predictor.explain(radiograph, method=method, report=report)

    def read_display(self, film: Film) -> DisplayFilm:
        """Read ``film`` as it is stored, for the viewer; the answer is not made of it.

        Raises
        ------
        InputError, MissingExtraError
            As :meth:`read`.
        """
        with _SLOTS:
            return read_display(film.data, recipe=self.spec.input.recipe)

    def close(self) -> None:
        """Release the network."""
        self._predictor.close()


@dataclass(frozen=True, slots=True)
class _Analyses:
    """What was computed from one film in one visit."""

    films: dict[WindowRecipe, Radiograph] = field(default_factory=dict)
    # By model and views, and by model and method.
    predictions: dict[tuple[str, str], Prediction] = field(default_factory=dict)
    maps: dict[tuple[str, str], Explanation] = field(default_factory=dict)
    # By name and version of the model, as a prediction tells them.
    times: dict[tuple[str, str], datetime] = field(default_factory=dict)


def analyze_once(
    state: State,
    engine: Engine,
    model: str,
    film: Film,
    operating_point: str | None,
    *,
    gate: bool = True,
    views: str = "none",
) -> Prediction:
    """Analyze ``film`` unless the session has done so, and decide at ``operating_point``.

    The network's answer does not depend on the operating point, on the gate or on how the map
    is drawn, so moving those knobs costs no second pass; and a film is read once for all models
    that read it alike.

    Parameters
    ----------
    state
        The session's own store.
    model
        The name under which ``engine`` was chosen.
    operating_point
        ``None`` is the model's own.
    views
        One of :data:`hilum.inference.VIEWS`: what the answer is the mean of.
    """
    kept = _get_analyses(state, film)
    prediction = kept.predictions.get((model, views))
    if prediction is None:
        recipe = engine.spec.input.recipe
        radiograph = kept.films.get(recipe) or engine.read(film)
        prediction = engine.analyze(radiograph, views)
        kept.films[recipe] = radiograph
        kept.predictions[model, views] = prediction
        kept.times[prediction.model, prediction.model_version] = datetime.now(UTC)
    _keep(state, film, kept)
    return decide_again(prediction, engine.spec, operating_point, gate=gate)


def get_time(state: State, prediction: Prediction) -> datetime:
    """Give the time at which the session analyzed a film; now, where it has not kept that."""
    store: OrderedDict[tuple[str, str], _Analyses] = state.get("analyses", OrderedDict())
    film = prediction.radiograph
    kept = store.get((film.sha256 or "", film.source or "")) or _Analyses()
    return kept.times.get((prediction.model, prediction.model_version)) or datetime.now(UTC)


def explain_once(
    state: State,
    engine: Engine,
    model: str,
    film: Film,
    prediction: Prediction,
    method: str,
    report: Report = lambda *_: None,
) -> Prediction:
    """Give ``prediction`` with the map of another method, made once in a session.

    Raises
    ------
    ConfigError, ModelError, MissingExtraError
        The method cannot be used with this network.
    """
    if method == prediction.evidence.method or not prediction.assessed:
        return prediction
    kept = _get_analyses(state, film)
    evidence = kept.maps.get((model, method))
    if evidence is None:
        evidence = engine.explain(prediction.radiograph, method, report)
        kept.maps[model, method] = evidence
    _keep(state, film, kept)
    return replace(prediction, evidence=evidence)


def _get_analyses(state: State, film: Film) -> _Analyses:
    store: OrderedDict[tuple[str, str], _Analyses] = state.setdefault("analyses", OrderedDict())
    # The name too: the same file under a second name must not answer under the first.
    return store.get((film.sha256, film.name)) or _Analyses()


def _keep(state: State, film: Film, kept: _Analyses) -> None:
    store: OrderedDict[tuple[str, str], _Analyses] = state["analyses"]
    store[film.sha256, film.name] = kept
    store.move_to_end((film.sha256, film.name))
    while len(store) > _KEPT_FILMS:
        store.popitem(last=False)
