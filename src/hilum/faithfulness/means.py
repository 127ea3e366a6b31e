"""Means over films, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hilum.metrics import bootstrap_by_patient

# Value, and the bounds of its 95 % interval.
Interval = tuple[float, float, float]

RESAMPLES = 1000


def average_by_patient(values: NDArray[np.float64], patients: Sequence[str]) -> list[Interval]:
    """Give the mean of each column with its 95 % interval, drawn by patient.

    Parameters
    ----------
    values
        Shape (N, M).
    patients
        Whose each of the N rows is.
    """
    low, high = bootstrap_by_patient(
        patients,
        [0] * len(patients),
        lambda weights: np.asarray(weights @ values / weights.sum()),
        resamples=RESAMPLES,
    )
    means = values.mean(axis=0)
    return [
        (float(mean), float(below), float(above))
        for mean, below, above in zip(means, low, high, strict=True)
    ]
