"""Two models on the same films: tests and intervals of their differences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hilum.errors import DatasetError
from hilum.evaluation.candidate import Candidate
from hilum.metrics import (
    AucDifference,
    DecisionDifference,
    adjust_holm,
    bootstrap_by_patient,
    compare_auc,
    compare_decisions,
)
from hilum.metrics.figures import compute_point_figures, compute_set_figures
from hilum.spec import Facts, Interval

# Differences that come with an interval; the AUC's comes from the test itself too.
DIFFERENCES = (
    "roc_auc",
    "average_precision",
    "brier",
    "accuracy",
    "sensitivity",
    "specificity",
)


class PairComparison(Facts):
    """Two models on the same films, each at its default operating point.

    ``auc`` is DeLong's test and ``decisions`` McNemar's, both with films of a patient taken as
    one unit. ``auc_p_adjusted`` and ``decisions_p_adjusted`` are held to one level over all
    pairs (Holm 1979). ``differences`` are first less second, with 95 % intervals by paired
    bootstrap over patients.
    """

    first: str
    second: str
    first_operating_point: str
    second_operating_point: str
    films: int
    patients: int
    auc: AucDifference
    auc_p_adjusted: float
    decisions: DecisionDifference
    decisions_p_adjusted: float
    differences: dict[str, Interval]


def compare_candidates(
    candidates: Sequence[Candidate], *, resamples: int = 2000, seed: int = 0
) -> list[PairComparison]:
    """Test every two candidates against each other.

    Raises
    ------
    DatasetError
        There are fewer than two, two have one name, or their films differ.
    """
    if len(candidates) < 2:
        raise DatasetError("A comparison needs two models or more.")
    if len({candidate.name for candidate in candidates}) < len(candidates):
        raise DatasetError("Two of the models have one name: rename one of the files.")
    films = candidates[0].predictions.films
    facts = [[(film.path, film.label, film.patient) for film in films]] + [
        [(film.path, film.label, film.patient) for film in other.predictions.films]
        for other in candidates[1:]
    ]
    if any(other != facts[0] for other in facts[1:]):
        raise DatasetError("The models were not scored on the same films in the same order.")
    pairs = list(combinations(candidates, 2))
    areas, decisions = [], []
    labels, patients = candidates[0].predictions.labels, candidates[0].predictions.patients
    for first, second in pairs:
        one, other = first.predictions, second.predictions
        areas.append(compare_auc(labels, one.scores, other.scores, patients))
        decisions.append(
            compare_decisions(
                labels,
                one.probabilities >= first.threshold,
                other.probabilities >= second.threshold,
                patients,
            )
        )
    differences = _bootstrap_differences(candidates, resamples, seed)
    area_p = adjust_holm([own.p_value for own in areas])
    decision_p = adjust_holm([own.p_value for own in decisions])
    return [
        PairComparison(
            first=first.name,
            second=second.name,
            first_operating_point=first.default_point,
            second_operating_point=second.default_point,
            films=len(films),
            patients=len(set(patients)),
            auc=areas[at],
            auc_p_adjusted=area_p[at],
            decisions=decisions[at],
            decisions_p_adjusted=decision_p[at],
            differences=differences[at],
        )
        for at, (first, second) in enumerate(pairs)
    ]


def _bootstrap_differences(
    candidates: Sequence[Candidate], resamples: int, seed: int
) -> list[dict[str, Interval]]:
    """Intervals of the differences of every pair; all models get the same draws of patients."""
    labels = candidates[0].predictions.labels

    def compute_differences(weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
        figures = []
        for candidate in candidates:
            own = candidate.predictions
            found = compute_set_figures(labels, own.scores, own.probabilities, weights)
            found |= compute_point_figures(labels, own.probabilities, candidate.threshold, weights)
            figures.append(np.array([found[name] for name in DIFFERENCES]))
        return np.concatenate([first - second for first, second in combinations(figures, 2)])

    values = compute_differences(None)
    low, high = bootstrap_by_patient(
        candidates[0].predictions.patients,
        labels.tolist(),
        compute_differences,
        resamples=resamples,
        seed=seed,
    )
    intervals = [
        Interval(value=value, low=min(value, below), high=max(value, above))
        for value, below, above in zip(values.tolist(), low.tolist(), high.tolist(), strict=True)
    ]
    width = len(DIFFERENCES)
    return [
        dict(zip(DIFFERENCES, intervals[at : at + width], strict=True))
        for at in range(0, len(intervals), width)
    ]
