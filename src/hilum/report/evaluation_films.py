"""The films of a report: a sample of all, and the worst errors, each with its evidence.

They show patients' films. They are written only into the report that the user asks for.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from hilum.errors import DatasetError, InputError
from hilum.evaluation import Candidate
from hilum.io import read_radiograph
from hilum.metrics.displays.films import FilmTitle, make_titles
from hilum.predictor import load_model
from hilum.report.overlay import draw_film

GALLERY_FILMS = 16
WORST_FILMS = 6
FILM_SIDE_PX = 288

Draw = Callable[[Path], list[Image.Image]]


@dataclass(frozen=True, slots=True)
class ShownFilm:
    """A film as a report shows it.

    pictures
        The film, and beside it the film with its evidence where there is a model.
    """

    path: str
    title: FilmTitle
    pictures: tuple[Image.Image, ...]


def choose_gallery(candidate: Candidate, *, count: int = GALLERY_FILMS, seed: int = 0) -> list[int]:
    """Draw films at random, as many of each class as there can be; normal ones first."""
    labels = candidate.predictions.labels
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for label in (0, 1):
        own = np.flatnonzero(labels == label)
        chosen += sorted(rng.choice(own, min(count // 2, own.size), replace=False).tolist())
    return chosen


def choose_worst(candidate: Candidate, label: int, *, count: int = WORST_FILMS) -> list[int]:
    """Find the films of a class that were decided wrongly with most confidence, worst first."""
    own = candidate.predictions
    called = own.probabilities >= candidate.threshold
    wrong = (own.labels == label) & (called != bool(label))
    # By the logit where there is one: far out, probabilities round to equal numbers.
    order = np.argsort(own.scores if label else -own.scores, kind="stable")
    return [int(at) for at in order if wrong[at]][:count]


def read_shown_films(
    candidate: Candidate, root: Path, chosen: Sequence[Sequence[int]], *, threads: int | None = None
) -> list[list[ShownFilm]]:
    """Read and draw films.

    Parameters
    ----------
    root
        The folder that the paths of the films are relative to.
    chosen
        Lists of places in the candidate's predictions.

    Raises
    ------
    DatasetError
        A film is not there or cannot be read.
    """
    own = candidate.predictions
    titles = make_titles(own.labels, own.probabilities, candidate.threshold)
    with ExitStack() as stack:
        draw = _make_drawer(candidate, stack, threads)
        return [
            [
                ShownFilm(
                    path=own.films[at].path,
                    title=titles[at],
                    pictures=tuple(_draw_one(draw, root, own.films[at].path)),
                )
                for at in places
            ]
            for places in chosen
        ]


def _make_drawer(candidate: Candidate, stack: ExitStack, threads: int | None) -> Draw:
    if candidate.model is None:
        return lambda path: [draw_film(read_radiograph(path), max_side_px=FILM_SIDE_PX)]
    predictor = stack.enter_context(load_model(candidate.model, threads=threads))

    def draw_with_evidence(path: Path) -> list[Image.Image]:
        prediction = predictor.analyze(path, gate=False, views=candidate.views)
        return [
            draw_film(prediction.radiograph, max_side_px=FILM_SIDE_PX),
            prediction.overlay(max_side_px=FILM_SIDE_PX),
        ]

    return draw_with_evidence


def _draw_one(draw: Draw, root: Path, path: str) -> list[Image.Image]:
    try:
        return draw(root / path)
    except InputError as error:
        raise DatasetError(
            f"{path} cannot be shown: {error} Give the folder that the paths are relative to as "
            "--data, or leave the films out with --no-films."
        ) from error


def render_films(films: Sequence[ShownFilm], *, evidence: bool = False) -> str:
    """Render films as HTML, each under its title; with ``evidence`` the overlay beside it."""
    figures = []
    for film in films:
        pictures = film.pictures if evidence else film.pictures[:1]
        images = "".join(
            f'<img src="{_encode(picture)}" alt="{escape(_describe(film, index))}">'
            for index, picture in enumerate(pictures)
        )
        kind = "right" if film.title.right else "wrong"
        figures.append(
            f'<figure><div class="views">{images}</div><figcaption>'
            f'<b class="{kind}">{escape(str(film.title))}</b>{escape(Path(film.path).name)}'
            "</figcaption></figure>"
        )
    size = " large" if evidence and any(len(film.pictures) > 1 for film in films) else ""
    return f'<div class="films{size}">{"".join(figures)}</div>'


def _describe(film: ShownFilm, index: int) -> str:
    return f"{'Evidence on a' if index else 'A'} film that shows {film.title.shows}"


def _encode(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, format="JPEG", quality=82)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
