"""The figures of one set of films, with intervals that know of patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hilum.errors import DatasetError
from hilum.evaluation.score import ScoredFilm
from hilum.metrics import bootstrap_by_patient, compute_auc, compute_brier, count_at_threshold
from hilum.spec import Interval, ModelSpec, PointMetrics, SetMetrics

POINT_FIGURES = ("accuracy", "sensitivity", "specificity", "precision", "f1")


def compute_set_metrics(
    spec: ModelSpec,
    scores: Sequence[ScoredFilm],
    *,
    command: str,
    resamples: int = 2000,
    seed: int = 0,
) -> SetMetrics:
    """Judge a model at each of its operating points.

    Parameters
    ----------
    scores
        The scored films; both classes must occur.
    command
        The command that anyone can rerun to get these figures; it is kept with them.

    Returns
    -------
    Figures with 95 % percentile intervals from ``resamples`` draws of patients.

    Raises
    ------
    DatasetError
        A class is missing.
    """
    labels = np.array([scored.film.label for scored in scores])
    if set(labels.tolist()) != {0, 1}:
        raise DatasetError("An evaluation needs films of both classes.")
    probabilities = np.array([scored.probability for scored in scores])
    # Ranks by the logit: far out, probabilities round to equal numbers and logits do not.
    logits = np.array([scored.logit for scored in scores])
    patients = [scored.film.patient for scored in scores]

    def compute_figures(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        figures = [
            compute_auc(labels, logits, weights),
            compute_brier(labels, probabilities, weights),
        ]
        for point in spec.operating_points.values():
            counts = count_at_threshold(labels, probabilities, point.threshold, weights)
            figures += [getattr(counts, figure) for figure in POINT_FIGURES]
        return np.array(figures)

    values = compute_figures(np.ones(len(labels)))
    low, high = bootstrap_by_patient(
        patients, labels.tolist(), compute_figures, resamples=resamples, seed=seed
    )
    # A percentile interval may by chance miss the estimate at the edge of its range.
    intervals = [
        Interval(value=value, low=min(value, below), high=max(value, above))
        for value, below, above in zip(values.tolist(), low.tolist(), high.tolist(), strict=True)
    ]
    points = {}
    for index, (name, point) in enumerate(spec.operating_points.items()):
        own = intervals[2 + index * len(POINT_FIGURES) :][: len(POINT_FIGURES)]
        counts = count_at_threshold(labels, probabilities, point.threshold)
        points[name] = PointMetrics(
            **dict(zip(POINT_FIGURES, own, strict=True)),
            true_positive=int(counts.true_positive),
            false_positive=int(counts.false_positive),
            true_negative=int(counts.true_negative),
            false_negative=int(counts.false_negative),
        )
    return SetMetrics(
        films=len(labels),
        positive=int(labels.sum()),
        negative=int((1 - labels).sum()),
        interval_method=f"percentile bootstrap by patient, {resamples} resamples, 95 %",
        command=command,
        roc_auc=intervals[0],
        brier=intervals[1],
        operating_points=points,
    )
