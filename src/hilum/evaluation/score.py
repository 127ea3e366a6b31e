"""Scoring every film of a dataset on the road that users take."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.data import Film
from hilum.errors import DatasetError, InputError
from hilum.predictor import Predictor


@dataclass(frozen=True, slots=True)
class ScoredFilm:
    """A film of a dataset, and what the model says of it."""

    film: Film
    logit: float
    probability: float


def score_films(predictor: Predictor, root: Path, films: Sequence[Film]) -> Iterator[ScoredFilm]:
    """Score ``films`` one by one, in their order.

    Raises
    ------
    DatasetError
        A film cannot be read; figures over the rest would be of another set.
    """
    for film in films:
        try:
            prediction = predictor.analyze(root / film.path)
        except InputError as error:
            raise DatasetError(f"{film.path} cannot be evaluated: {error}") from error
        yield ScoredFilm(film, prediction.logit, prediction.probability)


def write_scores(scores: Iterable[ScoredFilm], path: str | os.PathLike[str]) -> None:
    """Write one CSV row a film: path, label, patient, pathogen, logit, probability."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "patient", "pathogen", "logit", "probability"])
        for scored in scores:
            film = scored.film
            writer.writerow(
                [
                    film.path,
                    film.label,
                    film.patient,
                    film.pathogen or "",
                    repr(scored.logit),
                    repr(scored.probability),
                ]
            )
    partial.replace(path)
