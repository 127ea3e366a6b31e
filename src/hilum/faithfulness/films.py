"""Films for the measurements: at the network's size, and on the road that all films take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.preprocess import preprocess
from hilum.types import FilmHeader, Radiograph

if TYPE_CHECKING:
    from hilum.inference import Backend

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFilm:
    """A film that was read, whose it is, and its label: 1 is positive."""

    radiograph: Radiograph
    patient: str
    label: int


def wrap_film(film: Plane, backend: Backend) -> Radiograph:
    """Make a film at the network's size a radiograph again, so that it takes the usual road."""
    height, width = film.shape
    header = FilmHeader(rows=height, columns=width, bits_stored=16)
    return Radiograph(film, "ARRAY", str(backend.spec.input.recipe), header)


def ask(backend: Backend, film: Plane) -> float:
    """Give the logit of a film at the network's size."""
    return float(backend.run(preprocess(wrap_film(film, backend), backend.spec.input)).logit[0])


def ask_probabilities(backend: Backend, films: Sequence[Plane]) -> tuple[float, ...]:
    """Give the calibrated probability of each of some films at the network's size."""
    return tuple(calibrate(ask(backend, film), backend) for film in films)


def calibrate(logit: float, backend: Backend) -> float:
    """Give the calibrated probability that belongs to a logit."""
    calibration = backend.spec.calibration
    return 0.5 + 0.5 * math.tanh((logit + calibration.offset) / calibration.temperature / 2.0)


def enlarge(values: Plane, shape: tuple[int, ...]) -> Plane:
    """Bring a map to the size of the film that it covers."""
    size = (shape[1], shape[0])
    enlarged: Plane = np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC))
    return enlarged
