"""Does what a map calls important matter to the network? Deletion, insertion and ROAD.

The pixels of a film are taken away, or given back, in the order in which a map ranks them. A map
that knows what the network used lets the probability fall soon, or rise soon. Where pixels are
taken away, something has to stand: one grey for deletion and the film's light and shade for
insertion (Petsiuk 2018), and for ROAD what the pixels around suggest, so that the hole's outline
tells the network as little as possible (Rong 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.errors import DatasetError
from hilum.explain import explain
from hilum.faithfulness.controls import draw_controls
from hilum.faithfulness.films import ask_probabilities, enlarge, wrap_film
from hilum.faithfulness.imputation import impute
from hilum.faithfulness.means import Interval, average_by_patient
from hilum.preprocess import resize_film

if TYPE_CHECKING:
    from hilum.faithfulness.films import LabelledFilm
    from hilum.inference import Backend

Plane = NDArray[np.float32]
Curve = tuple[float, ...]

STEPS = 16
# Shares of the film that ROAD takes away.
ROAD_SHARES = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True, slots=True)
class FilmFidelity:
    """How the probability of one film follows one map.

    deletion, insertion
        Probability of the positive class after each of the steps, from the whole film to none
        of it and from none to the whole.
    road
        Mean over the shares of (least important pixels away less most important away) / 2:
        above zero where the order says what the network used, at most 0.5.
    """

    patient: str
    method: str
    deletion: Curve
    insertion: Curve
    road: float


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Means over films, with 95 % intervals by patient, and beside them those of no order.

    deletion, insertion
        Mean height of the curves: lower is better for the first, higher for the second.
    deletion_gain, insertion_gain, road_gain
        By how much the map does better than a random order on the same films.
    deletion_curve, insertion_curve
        Means over the films.
    """

    method: str
    films: int
    deletion: Interval
    insertion: Interval
    road: Interval
    deletion_gain: Interval
    insertion_gain: Interval
    road_gain: Interval
    deletion_curve: Curve
    insertion_curve: Curve

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return asdict(self)


def measure_fidelity(
    backend: Backend,
    films: Sequence[LabelledFilm],
    methods: Sequence[str],
    *,
    seed: int = 0,
    report: Callable[[int, int], None] = lambda *_: None,
) -> list[FilmFidelity]:
    """Take films of disease apart in the order of their maps.

    Parameters
    ----------
    films
        Of the positive class; others are passed over.
    report
        Called with the films done and those in all.

    Returns
    -------
    One of each film and method, and of each film and control (``random``, ``edges``).

    Raises
    ------
    DatasetError
        No film is of the positive class.
    ConfigError, ModelError
        See :func:`hilum.explain.explain`.
    """
    chosen = [film for film in films if film.label == 1]
    if not chosen:
        raise DatasetError("There are no films of the positive class to take apart.")
    rows = []
    for number, one in enumerate(chosen):
        film = resize_film(one.radiograph, backend.spec.input)
        radiograph = wrap_film(film, backend)
        maps = {
            method: enlarge(explain(backend, radiograph, method=method).values, film.shape)
            for method in methods
        }
        rng = np.random.default_rng((seed, number))
        maps |= draw_controls(film, backend.spec.architecture.evidence_shape, rng)
        for method, values in maps.items():
            ranks = _rank(values, rng)
            rows.append(
                FilmFidelity(
                    one.patient,
                    method,
                    _delete(backend, film, ranks),
                    _insert(backend, film, ranks),
                    _compute_road(backend, film, ranks, rng),
                )
            )
        report(number + 1, len(chosen))
    return rows


def summarise_fidelity(rows: Sequence[FilmFidelity]) -> list[Fidelity]:
    """Give means and intervals of each method and control."""
    chance = np.array([_describe(row) for row in rows if row.method == "random"])
    summaries = []
    for method in dict.fromkeys(row.method for row in rows):
        own = [row for row in rows if row.method == method]
        values = np.array([_describe(row) for row in own])
        # Better is less for deletion and more for the others.
        gains = (values - chance) * (-1.0, 1.0, 1.0)
        patients = [row.patient for row in own]
        deletion, insertion, road = average_by_patient(values, patients)
        deletion_gain, insertion_gain, road_gain = average_by_patient(gains, patients)
        summaries.append(
            Fidelity(
                method=method,
                films=len(own),
                deletion=deletion,
                insertion=insertion,
                road=road,
                deletion_gain=deletion_gain,
                insertion_gain=insertion_gain,
                road_gain=road_gain,
                deletion_curve=_average([row.deletion for row in own]),
                insertion_curve=_average([row.insertion for row in own]),
            )
        )
    return summaries


def _describe(row: FilmFidelity) -> tuple[float, float, float]:
    return float(np.mean(row.deletion)), float(np.mean(row.insertion)), row.road


def _average(curves: Sequence[Curve]) -> Curve:
    return tuple(np.mean(curves, axis=0).tolist())


def _rank(values: Plane, rng: np.random.Generator) -> NDArray[np.float64]:
    """Give each pixel's place in the order, in [0, 1): 0 is the most important."""
    order = np.lexsort((rng.random(values.size), -values.ravel()))  # equal ones at random
    ranks = np.empty(values.size)
    ranks[order] = np.arange(values.size) / values.size
    return ranks.reshape(values.shape)


def _delete(backend: Backend, film: Plane, ranks: NDArray[np.float64]) -> Curve:
    under = np.full_like(film, film.mean())
    shares = np.linspace(0.0, 1.0, STEPS + 1)
    return ask_probabilities(backend, [np.where(ranks < one, under, film) for one in shares])


def _insert(backend: Backend, film: Plane, ranks: NDArray[np.float64]) -> Curve:
    height, width = film.shape
    small = Image.fromarray(film).resize((width // 16, height // 16), Image.Resampling.BOX)
    under = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))
    under = np.clip(under, 0.0, 1.0)
    shares = np.linspace(0.0, 1.0, STEPS + 1)
    return ask_probabilities(backend, [np.where(ranks < one, film, under) for one in shares])


def _compute_road(
    backend: Backend, film: Plane, ranks: NDArray[np.float64], rng: np.random.Generator
) -> float:
    most = [impute(film, ranks < share, rng) for share in ROAD_SHARES]
    least = [impute(film, ranks >= 1.0 - share, rng) for share in ROAD_SHARES]
    told = np.array(ask_probabilities(backend, most + least))
    return float((told[len(most) :] - told[: len(most)]).mean() / 2.0)
