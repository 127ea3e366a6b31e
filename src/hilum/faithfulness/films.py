"""Films for the measurements: at the network's size, and on the road that all films take."""

from __future__ import annotations

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


def enlarge(values: Plane, shape: tuple[int, ...]) -> Plane:
    """Bring a map to the size of the film that it covers."""
    size = (shape[1], shape[0])
    enlarged: Plane = np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC))
    return enlarged
