"""Does a map show what is there? Planted opacities, whose place is known."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.anatomy import PlantedFilm, find_lungs, plant_opacity
from hilum.anatomy.opacities import Shape
from hilum.errors import DatasetError
from hilum.explain import explain
from hilum.faithfulness.controls import draw_controls
from hilum.faithfulness.films import LabelledFilm, ask, calibrate, enlarge, wrap_film
from hilum.faithfulness.means import Interval, average_by_patient
from hilum.preprocess import resize_film

if TYPE_CHECKING:
    from hilum.inference import Backend

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Clouds are left to training, which may plant opacities too: what is asked here was not taught.
SHAPES: tuple[Shape, ...] = ("round", "patchy", "wedge")
# Fractions of the film's width: a small lobule's, a segment's, a lobe's.
DIAMETERS = (0.1, 0.18, 0.28)
DEPTHS = (0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Located:
    """What one map said of one planted opacity.

    method
        One of :data:`hilum.explain.METHODS`, or a control.
    hit
        The map's greatest value lies in the opacity.
    iou
        Of the opacity and as many of the map's greatest pixels as it has: intersection over
        union.
    inside
        Share of the map's positive sum that lies in the opacity.
    share_of_film
        Share of the film that the opacity covers: what ``inside`` is for a map that is the
        same everywhere.
    logit_change, probability_change
        Of the network's answer, by the opacity.
    """

    film: int
    patient: str
    shape: Shape
    diameter: float
    depth: float
    method: str
    hit: bool
    iou: float
    inside: float
    share_of_film: float
    logit_change: float
    probability_change: float


@dataclass(frozen=True, slots=True)
class Found:
    """Means of :class:`Located` with 95 % intervals, over films by patient.

    ``shape``, ``diameter`` and ``depth`` are ``None`` where all of them are taken together. Each
    figure is (mean, low, high).
    """

    method: str
    shape: Shape | None
    diameter: float | None
    depth: float | None
    opacities: int
    hit: Interval
    iou: Interval
    inside: Interval
    share_of_film: float
    logit_change: float
    probability_change: float

    @property
    def is_whole(self) -> bool:
        """Whether these are all opacities of the method."""
        return self.shape is None and self.diameter is None

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return asdict(self)


def locate_planted(
    backend: Backend,
    films: Sequence[LabelledFilm],
    methods: Sequence[str],
    *,
    shapes: Sequence[Shape] = SHAPES,
    diameters: Sequence[float] = DIAMETERS,
    depths: Sequence[float] = DEPTHS,
    seed: int = 0,
    report: Callable[[int, int], None] = lambda *_: None,
) -> list[Located]:
    """Plant one opacity of each shape, size and density into each film, and explain it.

    An opacity keeps its place and form while it grows denser. Films are taken as the network
    sees them, resized.

    Parameters
    ----------
    films
        Of healthy lungs.
    report
        Called with the films done and those in all.

    Raises
    ------
    DatasetError
        There are no films, or no lungs were found in one.
    ConfigError, ModelError
        See :func:`hilum.explain.explain`.
    """
    if not films:
        raise DatasetError("There are no films of healthy lungs to plant opacities into.")
    rows: list[Located] = []
    for number, one in enumerate(films):
        film = resize_film(one.radiograph, backend.spec.input)
        lungs = find_lungs(film)
        if not lungs.any():
            raise DatasetError(f"No lungs were found in {one.radiograph.source}.")
        logit = ask(backend, film)
        for index, (shape, diameter) in enumerate(
            (shape, diameter) for shape in shapes for diameter in diameters
        ):
            for depth in depths:
                planted = plant_opacity(
                    film,
                    lungs,
                    shape=shape,
                    diameter=diameter,
                    depth=depth,
                    rng=np.random.default_rng((seed, number, index)),
                )
                change = ask(backend, planted.pixels)
                told = (
                    change - logit,
                    calibrate(change, backend) - calibrate(logit, backend),
                )
                for method, values in _draw_maps(backend, planted, methods, (seed, number, index)):
                    rows.append(
                        Located(
                            number,
                            one.patient,
                            shape,
                            diameter,
                            depth,
                            method,
                            *_compare(values, planted.region),
                            *told,
                        )
                    )
        report(number + 1, len(films))
    return rows


def summarise_located(rows: Sequence[Located]) -> list[Found]:
    """Give the means over all opacities, over each size and density, and over each shape."""
    summaries = []
    for method in dict.fromkeys(row.method for row in rows):
        own = [row for row in rows if row.method == method]
        cells: list[tuple[Shape | None, float | None, float | None]] = [(None, None, None)]
        sizes = sorted({(row.diameter, row.depth) for row in own})
        cells += [(None, diameter, depth) for diameter, depth in sizes]
        cells += [(shape, None, None) for shape in dict.fromkeys(row.shape for row in own)]
        for shape, diameter, depth in cells:
            chosen = [
                row
                for row in own
                if shape in (None, row.shape)
                and diameter in (None, row.diameter)
                and depth in (None, row.depth)
            ]
            summaries.append(_summarise(chosen, method, shape, diameter, depth))
    return summaries


def compare_found(
    rows: Sequence[Located], methods: Sequence[str]
) -> Iterator[tuple[str, str, Interval, Interval]]:
    """Give, for each two methods, by how much the later one finds the same opacities better.

    Yields
    ------
    The earlier and the later method, and the mean differences of ``hit`` and of ``iou``.
    """
    figures = {
        method: np.array([[row.hit, row.iou] for row in rows if row.method == method], dtype=float)
        for method in methods
    }
    for earlier, later in itertools.combinations(methods, 2):
        patients = [row.patient for row in rows if row.method == later]
        hit, iou = average_by_patient(figures[later] - figures[earlier], patients)
        yield earlier, later, hit, iou


def _summarise(
    rows: Sequence[Located],
    method: str,
    shape: Shape | None,
    diameter: float | None,
    depth: float | None,
) -> Found:
    values = np.array([[row.hit, row.iou, row.inside] for row in rows], dtype=np.float64)
    hit, iou, inside = average_by_patient(values, [row.patient for row in rows])
    return Found(
        method=method,
        shape=shape,
        diameter=diameter,
        depth=depth,
        opacities=len(rows),
        hit=hit,
        iou=iou,
        inside=inside,
        share_of_film=float(np.mean([row.share_of_film for row in rows])),
        logit_change=float(np.mean([row.logit_change for row in rows])),
        probability_change=float(np.mean([row.probability_change for row in rows])),
    )


def _draw_maps(
    backend: Backend, planted: PlantedFilm, methods: Sequence[str], seed: tuple[int, ...]
) -> Iterator[tuple[str, Plane]]:
    radiograph = wrap_film(planted.pixels, backend)
    for method in methods:
        yield (
            method,
            enlarge(explain(backend, radiograph, method=method).values, planted.pixels.shape),
        )
    rng = np.random.default_rng((*seed, 1))
    grid = backend.spec.architecture.evidence_shape
    yield from draw_controls(planted.pixels, grid, rng).items()


def _compare(values: Plane, region: Mask) -> tuple[bool, float, float, float]:
    positive = np.maximum(values, 0.0)
    size = int(region.sum())
    greatest = np.argpartition(-values.ravel(), size - 1)[:size]
    top = np.zeros(region.size, dtype=bool)
    top[greatest] = True
    shared = int((top & region.ravel()).sum())
    total = float(positive.sum())
    return (
        bool(region.ravel()[values.argmax()]) and bool(values.max() > 0),
        shared / (2 * size - shared),
        float(positive[region].sum()) / total if total > 0 else 0.0,
        size / region.size,
    )
