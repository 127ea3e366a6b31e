"""Measuring every film of a set for an audit; a film that cannot be read is a finding."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.data.acquisition import Acquisition, measure_acquisition
from hilum.data.duplicates import make_thumbnail
from hilum.data.layout import Film
from hilum.errors import InputError, MissingExtraError
from hilum.io import DEFAULT_LIMITS, read_radiograph
from hilum.io.source import read_source

# NumPy and the decoders let go of the interpreter for most of the work, not for all of it.
_MAX_THREADS = 4


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredFilm:
    """A film and all that an audit keeps of it.

    sha256
        Of the file.
    format
        JPEG, PNG, TIFF or DICOM.
    thumbnail
        float32, shape (32, 32).
    """

    film: Film
    sha256: str
    format: str
    acquisition: Acquisition
    thumbnail: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class UnreadFilm:
    """A film that could not be read, and why."""

    film: Film
    reason: str


def measure_film(root: Path, film: Film) -> MeasuredFilm | UnreadFilm:
    """Read one film and measure it."""
    try:
        data, _ = read_source(root / film.path, DEFAULT_LIMITS)
        radiograph = read_radiograph(data)
    except (InputError, MissingExtraError) as error:
        return UnreadFilm(film, str(error))
    return MeasuredFilm(
        film=film,
        sha256=hashlib.sha256(data).hexdigest(),
        format=radiograph.format,
        acquisition=measure_acquisition(data, radiograph),
        thumbnail=make_thumbnail(radiograph.pixels),
    )


def measure_films(
    root: Path,
    films: Sequence[Film],
    *,
    threads: int | None = None,
    on_film: Callable[[], None] = lambda: None,
) -> Iterator[MeasuredFilm | UnreadFilm]:
    """Measure films in their order, some at a time.

    Parameters
    ----------
    root, films
        Of :func:`hilum.data.read_dataset`.
    threads
        How many at a time; the number of cores, at most 4, if left out.
    on_film
        Called after each film, to show progress.
    """
    threads = threads or min(os.cpu_count() or 1, _MAX_THREADS)
    with ThreadPoolExecutor(threads) as pool:
        try:
            for measured in pool.map(lambda film: measure_film(root, film), films):
                on_film()
                yield measured
        finally:
            # On Ctrl+C the films that nobody waits for any more are not read.
            pool.shutdown(wait=False, cancel_futures=True)
