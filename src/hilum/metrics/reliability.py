"""Whether probabilities mean what they say: bins, and the expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.errors import ConfigError, DatasetError
from hilum.metrics.roc import Floats, check_labels_and_scores, fill_weights

# Guo et al. 2017, section 3, use 15 bins of equal width.
ECE_BINS = 15


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Probabilities in bins of equal width on [0, 1].

    edges
        float64, shape (B + 1,). A bin holds its upper edge; the first holds 0 too.
    weight
        float64, shape (B,): number (or weight) of the films in each bin.
    mean_probability, positive_share
        float64, shape (B,); nan where a bin is empty.
    """

    edges: Floats
    weight: Floats
    mean_probability: Floats
    positive_share: Floats

    @property
    def ece(self) -> float:
        """Expected calibration error: the gap of the bins, weighted by their films."""
        gaps = np.abs(self.mean_probability - self.positive_share)
        return float(np.nansum(gaps * self.weight) / self.weight.sum())


def compute_reliability(
    labels: ArrayLike,
    probabilities: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    bins: int = ECE_BINS,
    prevalence: float | None = None,
) -> Reliability:
    """Sort probabilities into bins and compare each bin with its share of positive films.

    Parameters
    ----------
    probabilities
        In [0, 1], shape (N,).
    prevalence
        Weight the classes as if this share of the films were positive: the mix at which the
        probability was calibrated. ``None`` takes the films as they are.

    Raises
    ------
    DatasetError
        The input is malformed, empty or no probability, or a class is missing that
        ``prevalence`` needs.
    ConfigError
        There is no bin, or the prevalence is not between 0 and 1.

    Source
    ------
    Naeini, Cooper & Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian
    binning", AAAI; Guo et al. 2017, "On calibration of modern neural networks", ICML.
    """
    positive, values = check_labels_and_scores(labels, probabilities)
    if not values.size:
        raise DatasetError("Reliability needs films, and there are none.")
    if values.min() < 0.0 or values.max() > 1.0:
        raise DatasetError("A probability is outside of [0, 1].")
    if bins < 1:
        raise ConfigError(f"There must be at least one bin, not {bins}.")
    weight = fill_weights(weights, values)
    if prevalence is not None:
        weight = weight * _weigh_classes(positive, weight, prevalence)
    edges = np.linspace(0.0, 1.0, bins + 1)
    index = np.searchsorted(edges[1:-1], values)
    total = np.bincount(index, weight, minlength=bins).astype(np.float64)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(index, weight * values, minlength=bins) / total
        share = np.bincount(index, weight * positive, minlength=bins) / total
    return Reliability(edges, total, mean, share)


def _weigh_classes(positive: NDArray[np.bool_], weight: Floats, prevalence: float) -> Floats:
    if not 0.0 < prevalence < 1.0:
        raise ConfigError(f"A prevalence lies between 0 and 1, not at {prevalence:g}.")
    share = float(np.average(positive, weights=weight))
    if not 0.0 < share < 1.0:
        raise DatasetError("Films of both classes are needed to weigh them to a prevalence.")
    return np.where(positive, prevalence / share, (1.0 - prevalence) / (1.0 - share))


def compute_ece(
    labels: ArrayLike,
    probabilities: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    bins: int = ECE_BINS,
    prevalence: float | None = None,
) -> float:
    """Expected calibration error in ``bins`` of equal width; see :func:`compute_reliability`.

    Raises
    ------
    DatasetError, ConfigError
        As :func:`compute_reliability`.
    """
    return compute_reliability(labels, probabilities, weights, bins=bins, prevalence=prevalence).ece
