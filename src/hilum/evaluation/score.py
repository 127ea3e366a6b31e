"""Scoring every film of a dataset on the road that users take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hilum.data import Film
from hilum.errors import DatasetError, InputError
from hilum.evaluation.predictions import Predictions
from hilum.predictor import Predictor
from hilum.types import UNCERTAIN


@dataclass(frozen=True, slots=True)
class ScoredFilm:
    """A film of a dataset, and what the model says of it.

    gated
        Why the model's input gate would refuse the film, codes with blanks between them.
    uncertain
        Whether the model would answer "uncertain".
    """

    film: Film
    logit: float
    probability: float
    gated: str = ""
    uncertain: bool = False


def score_films(
    predictor: Predictor, root: Path, films: Sequence[Film], *, views: str = "none"
) -> Iterator[ScoredFilm]:
    """Score ``films`` one by one, in their order.

    Every film gets a score, also one that the input gate refuses: figures are of the whole
    set, and what the gate would cost is told beside them.

    Parameters
    ----------
    views
        One of :data:`hilum.inference.VIEWS`: a score is the mean over them.

    Raises
    ------
    ConfigError
        There are no such views.
    DatasetError
        A film cannot be read; figures over the rest would be of another set.
    """
    for film in films:
        try:
            prediction = predictor.analyze(root / film.path, gate=False, views=views)
        except InputError as error:
            raise DatasetError(f"{film.path} cannot be evaluated: {error}") from error
        assert prediction.probability is not None  # the gate is off
        yield ScoredFilm(
            film,
            prediction.logit,
            prediction.probability,
            gated=" ".join(reason.code for reason in prediction.reasons),
            uncertain=prediction.decision == UNCERTAIN,
        )


def make_predictions(name: str, scored: Iterable[ScoredFilm]) -> Predictions:
    """Put scored films together.

    Raises
    ------
    DatasetError
        A class is missing, or a film occurs twice.
    """
    films = list(scored)
    return Predictions(
        name,
        tuple(one.film for one in films),
        np.array([one.probability for one in films], dtype=np.float64),
        np.array([one.logit for one in films], dtype=np.float64),
        tuple(one.gated for one in films),
        np.array([one.uncertain for one in films], dtype=bool),
    )
