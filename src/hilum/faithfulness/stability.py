"""Does a map follow the network, and nothing else? Random weights, and films hardly changed.

A map that stays as it is while the weights are drawn anew shows the film, not the network
(Adebayo 2018). A map that changes while the film does not, to the eye, is not to be read either.
Maps are compared by the rank correlation of their cells.

Maps of sick films have much in common: lungs are where lungs are. So have those of a network with
shuffled weights, which tells a film's middle from its border, and how much the two layouts are
alike says nothing about a film. With shuffled weights is therefore compared what a map says beyond
the mean map of its network over several films.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.errors import ConfigError, DatasetError
from hilum.explain import explain
from hilum.faithfulness.films import enlarge, wrap_film
from hilum.faithfulness.means import Interval, average_by_patient
from hilum.inference import OnnxBackend
from hilum.preprocess import resize_film

if TYPE_CHECKING:
    from hilum.faithfulness.films import LabelledFilm
    from hilum.inference import Backend

Plane = NDArray[np.float32]

# Deviation of the noise, in greys of a film in [0, 1]; its share of the film's width by which a
# film is moved; and the exponent of its tone curve. All are hard to see.
_NOISE = 0.01
_SHIFT = 0.02
_GAMMA = 1.1
# Films that share one way in which weights are shuffled: enough for a mean map of theirs. Each such
# group has its own way, so that no single draw decides.
_TOGETHER = 10
_SIDE = 28


@dataclass(frozen=True, slots=True)
class Stability:
    """Mean rank correlations of one method's maps with what they were, each (value, low, high).

    noise, shift, tone
        With the map of the film with a little noise, moved by 2 % of its width (and the map moved
        back), and a little lighter.
    random_weights
        With the map of the same film where the weights of layers are shuffled, each less the mean
        map of its network over some ten films that are shuffled alike: (the last layer that is,
        correlation), from the head to the stem, all those before included. Empty where it was
        not measured, for a single film too.
    """

    method: str
    films: int
    noise: Interval
    shift: Interval
    tone: Interval
    random_weights: tuple[tuple[str, Interval], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return asdict(self)


def measure_stability(
    backend: Backend,
    films: Sequence[LabelledFilm],
    methods: Sequence[str],
    *,
    random_weights: bool = True,
    seed: int = 0,
    report: Callable[[int, int], None] = lambda *_: None,
) -> list[Stability]:
    """Change films a little and weights a lot, and see what the maps do.

    Parameters
    ----------
    films
        Of the positive class; others, whose maps may be empty, are passed over.
    random_weights
        Shuffle the weights too, where there are two films and more. It needs the extra ``train``.
    report
        Called with the films done and those in all.

    Raises
    ------
    DatasetError
        No film is of the positive class.
    MissingExtraError
        The extra ``train``, which shuffles weights, is not installed.
    ConfigError, SpecMismatchError, ModelError
        See :func:`hilum.explain.explain`; or the backend has no ONNX file.
    """
    films = [film for film in films if film.label == 1]
    if not films:
        raise DatasetError("There are no films of the positive class to change.")
    random_weights = random_weights and len(films) > 1
    planes = [resize_film(one.radiograph, backend.spec.input) for one in films]
    patients = [film.patient for film in films]
    names = _list_layers(backend) if random_weights else []
    rounds, done = (1 + len(names)) * len(films), 0
    found: dict[str, list[list[float]]] = {method: [] for method in methods}
    maps: dict[tuple[str, int], Plane] = {}
    for number, film in enumerate(planes):
        for method in methods:
            maps[method, number] = _draw(backend, film, method)
            rng = np.random.default_rng((seed, number))
            row = _change_film(backend, film, method, maps[method, number], rng)
            found[method].append(row)
        done += 1
        report(done, rounds)
    ways = max(1, len(films) // _TOGETHER) if random_weights else 0
    for way in range(ways):
        group = range(way, len(films), ways)
        for shuffled in _shuffle_weights(backend, (seed, way)):
            drawn: dict[tuple[str, int], Plane] = {}
            for number in group:
                for method in methods:
                    drawn[method, number] = _draw(shuffled, planes[number], method)
                done += 1
                report(done, rounds)
            for method in methods:
                true, other = (
                    _take_off_mean([either[method, number] for number in group])
                    for either in (maps, drawn)
                )
                for number, one, another in zip(group, true, other, strict=True):
                    found[method][number].append(_correlate_cells(one, another))
    summaries = []
    for method, rows in found.items():
        noise, shift, tone, *random = average_by_patient(np.array(rows), patients)
        told = tuple(zip(names, random, strict=True))
        summaries.append(Stability(method, len(films), noise, shift, tone, told))
    return summaries


def correlate(first: Plane, second: Plane) -> float:
    """Give the rank correlation of two maps of one shape; zero where one is the same all over."""
    one, other = _rank(first.ravel()), _rank(second.ravel())
    if one.std() == 0.0 or other.std() == 0.0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _change_film(
    backend: Backend, film: Plane, method: str, whole: Plane, rng: np.random.Generator
) -> list[float]:
    noisy = film + rng.normal(0.0, _NOISE, film.shape).astype(np.float32)
    step = max(1, round(_SHIFT * film.shape[1]))
    moved = np.pad(film, ((step, 0), (step, 0)), mode="edge")[:-step, :-step]
    back = _draw(backend, moved, method)[step:, step:]
    return [
        _correlate_cells(whole, _draw(backend, np.clip(noisy, 0.0, 1.0), method)),
        _correlate_cells(whole[:-step, :-step], back),
        _correlate_cells(whole, _draw(backend, film ** np.float32(_GAMMA), method)),
    ]


def _draw(backend: Backend, film: Plane, method: str) -> Plane:
    values = explain(backend, wrap_film(film, backend), method=method).values
    return enlarge(values, film.shape)


def _take_off_mean(maps: Sequence[Plane]) -> NDArray[np.float32]:
    """Give what each map says beyond the mean of all."""
    stacked = np.stack(maps)
    return np.asarray(stacked - stacked.mean(axis=0), dtype=np.float32)


def _correlate_cells(first: Plane, second: Plane) -> float:
    sides = (_SIDE, _SIDE)
    return correlate(enlarge(first, sides), enlarge(second, sides))


def _rank(values: Plane) -> NDArray[np.float64]:
    """Give ranks; equal values share their mean rank."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2.0)[places]
    return ranks


def _shuffle_weights(backend: Backend, seed: tuple[int, int]) -> Iterator[Backend]:
    """Give the network with its head shuffled, then its last layer too, and so on to the stem."""
    from hilum.models.randomise import shuffle_weights

    for _, weights in shuffle_weights(_get_weights(backend), seed):
        with OnnxBackend(backend.spec, weights) as shuffled:
            yield shuffled


def _list_layers(backend: Backend) -> list[str]:
    from hilum.models.randomise import list_layers

    return list_layers(_get_weights(backend))


def _get_weights(backend: Backend) -> bytes:
    if not isinstance(backend, OnnxBackend):
        raise ConfigError(
            f"Weights are shuffled in an ONNX file, and {type(backend).__name__} has none. Export "
            "the model."
        )
    return backend.weights
