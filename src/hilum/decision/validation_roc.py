"""What any threshold bought on the validation films, from what the spec holds of them.

A spec holds quantiles of the validation films' logits, each class by itself, and not the films'
own. Between two quantiles lie a few films whose order is known and whose place is not: they are
put at even steps, and bounds say how many of them a threshold may have on either side. At the
operating points, which were chosen on these films, the counts are known and are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hilum.decision.calibrate import compute_probability
from hilum.metrics import (
    RocCurve,
    ThresholdCounts,
    compute_roc,
    compute_wilson_interval,
    count_at_threshold,
)
from hilum.spec import Calibration, Interval, LogitQuantiles, OperatingPoint, ValidationLogits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Rows of the films of a class: the least that each can have scored, what it likely did, the most.
_LEAST, _LIKELY, _MOST = range(3)


@dataclass(frozen=True, slots=True)
class ThresholdFigures:
    """What a threshold bought on the validation films.

    counts
        Of films, as far as the spec tells them.
    sensitivity, specificity
        With 95 % intervals (Wilson) that also hold what the spec leaves open.
    exact
        Whether the spec leaves nothing open at this threshold.
    """

    threshold: float
    counts: ThresholdCounts
    sensitivity: Interval
    specificity: Interval
    exact: bool


@dataclass(frozen=True, slots=True, eq=False)
class ValidationRoc:
    """The validation films as a spec tells them, and their ROC curve.

    positive, negative
        float64, shapes (3, P) and (3, N), rising along the rows: for each film of a class the least
        calibrated probability that it can have had, the likely one, and the most.
    """

    positive: Floats
    negative: Floats

    @property
    def films(self) -> int:
        """How many there are of both classes."""
        return int(self.positive.shape[1] + self.negative.shape[1])

    @property
    def labels(self) -> NDArray[np.bool_]:
        """Shape (films,): the positive films, then the negative ones."""
        return np.repeat([True, False], [self.positive.shape[1], self.negative.shape[1]])

    @property
    def probabilities(self) -> Floats:
        """Shape (films,): the likely probability of each film, in the order of ``labels``."""
        return self._take(_LIKELY, _LIKELY)

    @property
    def curve(self) -> RocCurve:
        """The curve through the likely probabilities."""
        return compute_roc(self.labels, self.probabilities)

    def measure_at(self, threshold: float) -> ThresholdFigures:
        """Count what a film's ``probability >= threshold`` would find and miss."""
        counts = self._count(_LIKELY, threshold)
        fewest, most = self._count(_LEAST, threshold), self._count(_MOST, threshold)
        positive, negative = self.positive.shape[1], self.negative.shape[1]
        found = (fewest.true_positive, counts.true_positive, most.true_positive)
        left_alone = (most.true_negative, counts.true_negative, fewest.true_negative)
        return ThresholdFigures(
            threshold=threshold,
            counts=counts,
            sensitivity=_bound_share(*found, positive),
            specificity=_bound_share(*left_alone, negative),
            exact=fewest == most,
        )

    def _take(self, positive: int, negative: int) -> Floats:
        return np.concatenate([self.positive[positive], self.negative[negative]])

    def _count(self, row: int, threshold: float) -> ThresholdCounts:
        return count_at_threshold(self.labels, self._take(row, row), threshold)


def trace_roc(
    reference: ValidationLogits,
    calibration: Calibration,
    points: Iterable[OperatingPoint] = (),
) -> ValidationRoc:
    """Trace the ROC curve of a model's validation films.

    Parameters
    ----------
    reference
        ``spec.validation_logits``.
    points
        ``spec.operating_points``: those whose sensitivity and specificity these films can have
        lie on the curve exactly. Others, chosen on other films, are passed over.
    """
    positive = compute_probability(_restore(reference.positive), calibration)
    negative = compute_probability(_restore(reference.negative), calibration)
    for point in points:
        above = round(point.sensitivity * positive.shape[1])
        below = round(point.specificity * negative.shape[1])
        splits = (positive.shape[1] - above, below)
        if all(
            _can_split(films, split, point.threshold)
            for films, split in zip((positive, negative), splits, strict=True)
        ):
            _split(positive, splits[0], point.threshold)
            _split(negative, splits[1], point.threshold)
    return ValidationRoc(positive, negative)


def _restore(own: LogitQuantiles) -> Floats:
    """Give the logits of a class's films, shape (3, films): least, likely, most."""
    quantiles = np.asarray(own.quantiles)
    # Film i of n is the quantile i / (n - 1); in whole numbers, so that ends fall on ends.
    numerator = np.arange(own.films) * (quantiles.size - 1)
    steps = max(own.films - 1, 1)
    places = numerator / steps
    likely = np.interp(places, np.arange(quantiles.size), quantiles)
    return np.stack([quantiles[numerator // steps], likely, quantiles[-(-numerator // steps)]])


def _can_split(films: Floats, split: int, threshold: float) -> bool:
    """Tell whether ``split`` films of a class can lie below a threshold."""
    fewest, most = ((films[row] < threshold).sum() for row in (_MOST, _LEAST))
    # Quantiles are rounded, and a threshold may lie less than that from a film.
    return bool(fewest - 1 <= split <= most + 1)


def _split(films: Floats, split: int, threshold: float) -> None:
    """Move films, in place, so that ``split`` of them lie below a threshold."""
    films[:, :split] = np.minimum(films[:, :split], np.nextafter(threshold, 0.0))
    films[:, split:] = np.maximum(films[:, split:], threshold)


def _bound_share(fewest: float, likely: float, most: float, whole: int) -> Interval:
    low, _ = compute_wilson_interval(fewest, whole)
    _, high = compute_wilson_interval(most, whole)
    value = likely / whole
    return Interval(value=value, low=min(low, value), high=max(high, value))
