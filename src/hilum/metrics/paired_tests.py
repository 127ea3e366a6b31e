"""Is one model better than another on the same films, when patients have several films?

Both tests take films of one patient as one unit. With one film a patient they are the tests
that everyone knows, to the last digit: DeLong's and the exact McNemar test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.errors import DatasetError
from hilum.metrics.roc import Floats, check_labels_and_scores

# Two-sided 95 % quantile of the normal distribution.
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class AucDifference:
    """Two areas under the ROC curve, on the same films.

    difference
        ``first - second``, with its ``standard_error`` and 95 % interval.
    p_value
        Two-sided, of no difference. 1 where the scores rank all films alike.
    """

    first: float
    second: float
    difference: float
    standard_error: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class DecisionDifference:
    """Where two models decide differently, and how probable that is by chance.

    first_only, second_only
        Films that the first decides rightly and the second wrongly, and the reverse.
    patients
        Patients on whose films one is right more often than the other.
    p_value
        Two-sided and exact, of no difference.
    """

    first_only: int
    second_only: int
    patients: int
    p_value: float


def compute_auc_covariance(
    labels: ArrayLike, scores: Sequence[ArrayLike], patients: Sequence[str] | None = None
) -> tuple[Floats, Floats]:
    """Areas under the ROC curve of M models and their covariance.

    Parameters
    ----------
    labels
        0 or 1, shape (N,); both occur.
    scores
        One list for each model, each of shape (N,).
    patients
        Patient of each film; ``None`` takes every film for a patient of its own.

    Returns
    -------
    Areas, shape (M,), and covariance, shape (M, M).

    Raises
    ------
    DatasetError
        The input is malformed, or there are not two patients of each class.

    Source
    ------
    DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837 (no clusters); Obuchowski 1997,
    "Nonparametric analysis of clustered ROC curve data", Biometrics 53:567 (clusters).
    """
    checked = [check_labels_and_scores(labels, own) for own in scores]
    positive = checked[0][0]
    if patients is not None and len(patients) != positive.size:
        raise DatasetError("There must be one patient for every film.")
    names = np.arange(positive.size) if patients is None else np.asarray(patients)
    _, patient = np.unique(names, return_inverse=True)
    count = int(patient.max(initial=-1)) + 1
    positives, negatives = (
        np.bincount(patient[side], minlength=count) for side in (positive, ~positive)
    )
    total_positive, total_negative = int(positives.sum()), int(negatives.sum())
    with_positive, with_negative = np.count_nonzero(positives), np.count_nonzero(negatives)
    if with_positive < 2 or with_negative < 2:
        raise DatasetError("The test needs at least two patients of each class.")
    areas, spread_positive, spread_negative = [], [], []
    for _, values in checked:
        above, below = _compute_placements(values[positive], values[~positive])
        area = float(above.mean())
        areas.append(area)
        # Sum of the placements of a patient's films, less what is expected of that many.
        spread_positive.append(
            np.bincount(patient[positive], above, minlength=count) - positives * area
        )
        spread_negative.append(
            np.bincount(patient[~positive], below, minlength=count) - negatives * area
        )
    x, y = np.stack(spread_positive), np.stack(spread_negative)
    cross = x @ y.T * count / (count - 1)
    covariance = (
        x @ x.T * with_positive / (with_positive - 1) / total_positive**2
        + y @ y.T * with_negative / (with_negative - 1) / total_negative**2
        + (cross + cross.T) / (total_positive * total_negative)
    )
    return np.array(areas), covariance


def _compute_placements(positive: Floats, negative: Floats) -> tuple[Floats, Floats]:
    """Share of the other class that each film outranks (or is outranked by); ties count half."""
    ordered = np.sort(negative)
    above = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    ordered = np.sort(positive)
    below = np.searchsorted(ordered, negative, "left") + np.searchsorted(ordered, negative, "right")
    return above / (2.0 * negative.size), 1.0 - below / (2.0 * positive.size)


def compare_auc(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    patients: Sequence[str] | None = None,
) -> AucDifference:
    """Test whether two models have the same area under the ROC curve (DeLong, paired).

    Parameters
    ----------
    labels, first, second
        Labels, and the scores of the two models on the same films, each of shape (N,).
    patients
        Patient of each film: films of one patient are not independent, and taking them for
        independent would make the test too sure of itself. ``None`` is DeLong's own test.

    Raises
    ------
    DatasetError
        As :func:`compute_auc_covariance`.
    """
    areas, covariance = compute_auc_covariance(labels, [first, second], patients)
    difference = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1])
    # Two models that rank alike differ by rounding alone.
    error = math.sqrt(variance) if variance > 1e-18 else 0.0
    if error > 0.0:
        p_value = math.erfc(abs(difference) / error / math.sqrt(2.0))
    else:
        p_value = 1.0 if abs(difference) < 1e-12 else 0.0
    return AucDifference(
        first=float(areas[0]),
        second=float(areas[1]),
        difference=difference,
        standard_error=error,
        low=difference - _Z95 * error,
        high=difference + _Z95 * error,
        p_value=p_value,
    )


def compare_decisions(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    patients: Sequence[str] | None = None,
) -> DecisionDifference:
    """Test whether two models are right equally often (McNemar, exact).

    The difference in right decisions is added up for each patient. If the models were equal,
    each patient's difference could as well have the other sign; the p value is the share of
    all choices of signs whose sum lies at least as far from 0 as the one that was seen. It is
    counted exactly, by convolution, and drawn from nowhere. With one film a patient the
    differences are 1 and -1, and this is the exact McNemar test (a binomial test).

    Parameters
    ----------
    labels
        0 or 1, shape (N,).
    first, second
        Decisions of the two models, ``True`` for positive, each of shape (N,).
    patients
        Patient of each film; ``None`` takes every film for a patient of its own.

    Raises
    ------
    DatasetError
        Shapes differ, or a label is neither 0 nor 1.

    Source
    ------
    McNemar 1947, Psychometrika 12:153; Good 2005, "Permutation, parametric and bootstrap
    tests of hypotheses", ch. 3 (signs of paired differences).
    """
    one, other = np.asarray(first).astype(bool), np.asarray(second).astype(bool)
    positive, _ = check_labels_and_scores(labels, one)
    check_labels_and_scores(labels, other)
    if patients is not None and len(patients) != positive.size:
        raise DatasetError("There must be one patient for every film.")
    gain = (one == positive).astype(int) - (other == positive).astype(int)
    names = np.arange(positive.size) if patients is None else np.asarray(patients)
    _, patient = np.unique(names, return_inverse=True)
    differences = np.bincount(patient, gain).astype(int) if gain.size else gain
    differences = differences[differences != 0]
    return DecisionDifference(
        first_only=int((gain > 0).sum()),
        second_only=int((gain < 0).sum()),
        patients=differences.size,
        p_value=_compute_sign_flip_p(differences),
    )


def _compute_sign_flip_p(differences: NDArray[np.int_]) -> float:
    """Share of all choices of signs whose sum is at least as far from 0 as that of ``differences``.

    The distribution of the sum is built up one difference at a time; index ``reach + s`` holds
    the probability of the sum ``s``.
    """
    reach = int(np.abs(differences).sum())
    distribution = np.zeros(2 * reach + 1)
    distribution[reach] = 1.0
    for size in np.abs(differences).tolist():
        # No sum lies beyond reach, so nothing is rolled around the ends.
        distribution = (np.roll(distribution, size) + np.roll(distribution, -size)) / 2.0
    seen = abs(int(differences.sum()))
    sums = np.abs(np.arange(-reach, reach + 1))
    return float(min(1.0, distribution[sums >= seen].sum()))


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values of several tests made at once (Holm 1979), in the order given."""
    count = len(p_values)
    adjusted = [1.0] * count
    highest = 0.0
    for rank, index in enumerate(sorted(range(count), key=lambda at: p_values[at])):
        highest = max(highest, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
