"""Intervals: of a share, and by a bootstrap that knows that films of one patient are alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from hilum.errors import DatasetError


def draw_patients(
    patients: Sequence[str], labels: Sequence[int], *, resamples: int, seed: int = 0
) -> Iterator[NDArray[np.float64]]:
    """Draw patients, with all their films, within each class.

    Classes are drawn apart, so every resample has the same number of positive and of negative
    patients: the figures are conditional on the mix, as in stratified sampling
    (Efron & Tibshirani 1993, ch. 8 and 13). A patient with films of both labels counts as
    positive.

    Yields
    ------
    For each resample how often each film's patient was drawn, float64 of shape (N,).

    Raises
    ------
    DatasetError
        There are no films, or not one patient and one label for each.
    """
    if not len(patients) or len(patients) != len(labels):
        raise DatasetError("The bootstrap needs one patient and one label for every film.")
    names, film_patient = np.unique(np.asarray(patients), return_inverse=True)
    is_positive = np.zeros(len(names), dtype=bool)
    np.logical_or.at(is_positive, film_patient, np.asarray(labels).astype(bool))
    strata = [np.flatnonzero(is_positive == side) for side in (False, True)]
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        times_drawn = np.zeros(len(names))
        for stratum in strata:
            if stratum.size:
                np.add.at(times_drawn, rng.choice(stratum, stratum.size), 1.0)
        yield times_drawn[film_patient]


def bootstrap_by_patient(
    patients: Sequence[str],
    labels: Sequence[int],
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    allow_undefined: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Percentile bootstrap over patients; see :func:`draw_patients`.

    Parameters
    ----------
    patients, labels
        Patient and label of each film, shape (N,).
    statistic
        Takes the weight of each film (how often its patient was drawn), float64 of shape (N,),
        and gives the figures, float64 of shape (M,). Non-finite figures of a resample are
        left out of the percentiles of that figure.
    allow_undefined
        Give nan as the bounds of a figure that was finite in no resample, instead of an error.

    Returns
    -------
    Lower and upper bounds, each float64 of shape (M,).

    Raises
    ------
    DatasetError
        There are no films, or a figure was finite in no resample.
    """
    drawn = draw_patients(patients, labels, resamples=resamples, seed=seed)
    values = np.stack([statistic(weights) for weights in drawn])
    values[~np.isfinite(values)] = np.nan
    undefined = np.isnan(values).all(axis=0)
    if undefined.any() and not allow_undefined:
        raise DatasetError("A figure is undefined on these films, so it has no interval.")
    tail = (1.0 - confidence) / 2.0 * 100.0
    bounds = np.full((2, values.shape[1]), np.nan)
    bounds[:, ~undefined] = np.nanpercentile(values[:, ~undefined], [tail, 100.0 - tail], axis=0)
    return bounds[0], bounds[1]


def compute_wilson_interval(
    found: float, whole: float, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Give the interval of a share of films that are independent of one another.

    Films of one patient are not: where it is known whose they are, use
    :func:`bootstrap_by_patient`.

    Parameters
    ----------
    found, whole
        How many films of how many.

    Returns
    -------
    Lower and upper bound, in [0, 1].

    Raises
    ------
    DatasetError
        There is no film, or there are more found than there are.

    Source
    ------
    Wilson 1927, "Probable inference, the law of succession, and statistical inference", JASA
    22:209.
    """
    if not 0.0 <= found <= whole or whole <= 0.0:
        raise DatasetError(f"{found:g} of {whole:g} films is no share.")
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    share = found / whole
    middle = share + z**2 / (2.0 * whole)
    spread = z * np.sqrt(share * (1.0 - share) / whole + (z / (2.0 * whole)) ** 2)
    shrink = 1.0 + z**2 / whole
    return max(0.0, float((middle - spread) / shrink)), min(1.0, float((middle + spread) / shrink))
