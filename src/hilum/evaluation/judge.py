"""The figures of one model on one set of films, with intervals that know of patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.errors import ConfigError
from hilum.evaluation.predictions import Predictions
from hilum.language import Text
from hilum.metrics import (
    bootstrap_by_patient,
    compute_auc,
    compute_ece,
    count_at_threshold,
    sklearn_figures,
)
from hilum.metrics import figures as numpy_figures
from hilum.metrics.figures import POINT_FIGURES
from hilum.metrics.reliability import ECE_BINS
from hilum.spec import Interval, PathogenMetrics, PointMetrics, PredictiveValues, SetMetrics
from hilum.spec.words import BOOTSTRAP, EQUAL_WIDTH

Library = Literal["numpy", "scikit-learn"]
# Shares of pneumonia for which predictive values are given unless others are asked for.
PREVALENCES = (0.1, 0.3, 0.5)

Floats = NDArray[np.float64]
# ("sensitivity", "youden") and the like: which figure, of what.
Key = tuple[str, ...]


def judge(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    *,
    command: str,
    prevalences: Sequence[float] = PREVALENCES,
    calibration_prevalence: float | None = None,
    library: Library | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> SetMetrics:
    """Judge a model at each of its thresholds.

    Parameters
    ----------
    thresholds
        Name of each operating point and its threshold on the probability.
    command
        The command that anyone can rerun to get these figures; it is kept with them.
    prevalences
        Shares of positive films at which PPV and NPV are given.
    calibration_prevalence
        Share of positive films at which the probabilities are meant to hold, if known: the
        calibration error is given at that mix too.
    library
        What computes the figures. ``None`` is scikit-learn where it is installed, else NumPy;
        the two agree. Intervals are NumPy's in either case.

    Returns
    -------
    Figures with 95 % percentile intervals from ``resamples`` draws of patients.

    Raises
    ------
    ConfigError
        A threshold or a prevalence is not between 0 and 1.
    MissingExtraError
        ``library`` asks for scikit-learn and it is not installed.
    """
    check_thresholds(thresholds, prevalences)
    if library is None:
        library = "scikit-learn" if sklearn_figures.has_sklearn() else "numpy"
    scorer = _Scorer(predictions, thresholds, prevalences, calibration_prevalence)
    estimates = scorer.compute(None, library)
    keys = list(estimates)

    def compute_figures(weights: Floats) -> Floats:
        figures = scorer.compute(weights, "numpy")
        return np.array([figures[key] for key in keys])

    labels = predictions.labels
    low, high = bootstrap_by_patient(
        predictions.patients,
        labels.tolist(),
        compute_figures,
        resamples=resamples,
        seed=seed,
        allow_undefined=True,
    )
    intervals = {
        key: make_interval(estimates[key], below, above)
        for key, below, above in zip(keys, low.tolist(), high.tolist(), strict=True)
    }
    of_set: dict[str, Any] = {key[0]: own for key, own in intervals.items() if len(key) == 1}
    return SetMetrics(
        films=len(labels),
        positive=int(labels.sum()),
        negative=int((1 - labels).sum()),
        patients=len(set(predictions.patients)),
        interval_method=str(Text(BOOTSTRAP, resamples=resamples)),
        command=command,
        ece_binning=str(Text(EQUAL_WIDTH, bins=ECE_BINS)),
        operating_points={
            name: _make_point(predictions, name, threshold, intervals, prevalences)
            for name, threshold in thresholds.items()
        },
        pathogens=_make_pathogens(scorer, thresholds, intervals),
        **of_set,
    )


def check_thresholds(thresholds: Mapping[str, float], prevalences: Sequence[float] = ()) -> None:
    """Make sure that there is a threshold, and that all numbers can be what they say.

    Raises
    ------
    ConfigError
        There is no threshold, one is outside of [0, 1], or a prevalence is outside of (0, 1).
    """
    if not thresholds:
        raise ConfigError("An evaluation needs at least one threshold.")
    for threshold in thresholds.values():
        if not 0.0 <= threshold <= 1.0:
            raise ConfigError(f"A threshold lies between 0 and 1, not at {threshold:g}.")
    for prevalence in prevalences:
        if not 0.0 < prevalence < 1.0:
            raise ConfigError(f"A prevalence lies between 0 and 1, not at {prevalence:g}.")


class _Scorer:
    """All figures of a set of films, for any weights of the films."""

    def __init__(
        self,
        predictions: Predictions,
        thresholds: Mapping[str, float],
        prevalences: Sequence[float],
        calibration_prevalence: float | None,
    ) -> None:
        # Sorted once, so that the sorts of every draw find their films in order.
        self.order = np.argsort(-predictions.scores, kind="stable")
        self.labels = predictions.labels[self.order]
        self.scores = predictions.scores[self.order]
        self.probabilities = predictions.probabilities[self.order]
        self.thresholds, self.prevalences = thresholds, prevalences
        self.calibration_prevalence = calibration_prevalence
        pathogens = np.array([film.pathogen or "" for film in predictions.films])[self.order]
        # The films of each pathogen with all normal films.
        self.pathogens = {
            str(name): (self.labels == 0) | (pathogens == name)
            for name in np.unique(pathogens[self.labels == 1])
            if name
        }

    def compute(self, weights: Floats | None, library: Library) -> dict[Key, float]:
        """Give every figure; ``weights`` are in the order of the predictions."""
        if weights is not None:
            weights = weights[self.order]
        given = (self.labels, self.scores, self.probabilities, weights)
        of_set, of_point = (
            (sklearn_figures.compute_set_figures, sklearn_figures.compute_point_figures)
            if library == "scikit-learn"
            else (numpy_figures.compute_set_figures, numpy_figures.compute_point_figures)
        )
        figures: dict[Key, float] = {(name,): value for name, value in of_set(*given).items()}
        if self.calibration_prevalence is not None:
            figures["ece_at_prevalence",] = compute_ece(
                self.labels, self.probabilities, weights, prevalence=self.calibration_prevalence
            )
        for point, threshold in self.thresholds.items():
            own = of_point(self.labels, self.probabilities, threshold, weights)
            figures |= {(name, point): value for name, value in own.items()}
            counts = count_at_threshold(self.labels, self.probabilities, threshold, weights)
            for prevalence in self.prevalences:
                figures["ppv", point, f"{prevalence}"] = counts.compute_ppv(prevalence)
                figures["npv", point, f"{prevalence}"] = counts.compute_npv(prevalence)
        for pathogen, chosen in self.pathogens.items():
            figures |= self._compute_pathogen(pathogen, chosen, weights)
        return figures

    def _compute_pathogen(
        self, pathogen: str, chosen: NDArray[np.bool_], weights: Floats | None
    ) -> dict[Key, float]:
        weight = np.ones(len(self.labels)) if weights is None else weights
        weight, labels = weight[chosen], self.labels[chosen]
        figures: dict[Key, float] = {}
        # A resample may by chance leave a rare pathogen out.
        is_there = weight[labels == 1].sum() > 0
        figures["pathogen_auc", pathogen] = (
            compute_auc(labels, self.scores[chosen], weight) if is_there else np.nan
        )
        for point, threshold in self.thresholds.items():
            counts = count_at_threshold(labels, self.probabilities[chosen], threshold, weight)
            figures["pathogen_sensitivity", pathogen, point] = counts.sensitivity
        return figures


def make_interval(value: float, low: float, high: float) -> Interval | None:
    """Give a figure with its bounds; ``None`` where it is undefined."""
    if not np.isfinite(value):
        return None
    bounds = [bound for bound in (low, high) if np.isfinite(bound)] or [value]
    # A percentile interval may by chance miss the estimate at the edge of its range.
    return Interval(value=value, low=min(value, *bounds), high=max(value, *bounds))


def _make_point(
    predictions: Predictions,
    name: str,
    threshold: float,
    intervals: Mapping[Key, Interval | None],
    prevalences: Sequence[float],
) -> PointMetrics:
    counts = count_at_threshold(predictions.labels, predictions.probabilities, threshold)
    own: dict[str, Any] = {figure: intervals[figure, name] for figure in POINT_FIGURES}
    return PointMetrics(
        **own,
        true_positive=int(counts.true_positive),
        false_positive=int(counts.false_positive),
        true_negative=int(counts.true_negative),
        false_negative=int(counts.false_negative),
        predictive_values=tuple(
            PredictiveValues(
                prevalence=prevalence,
                ppv=intervals["ppv", name, f"{prevalence}"],
                npv=intervals["npv", name, f"{prevalence}"],
            )
            for prevalence in prevalences
        ),
    )


def _make_pathogens(
    scorer: _Scorer, thresholds: Mapping[str, float], intervals: Mapping[Key, Interval | None]
) -> dict[str, PathogenMetrics]:
    return {
        pathogen: PathogenMetrics(
            films=int((chosen & (scorer.labels == 1)).sum()),
            roc_auc=_take(intervals, "pathogen_auc", pathogen),
            sensitivity={
                point: _take(intervals, "pathogen_sensitivity", pathogen, point)
                for point in thresholds
            },
        )
        for pathogen, chosen in scorer.pathogens.items()
    }


def _take(intervals: Mapping[Key, Interval | None], *key: str) -> Interval:
    interval = intervals[key]
    assert interval is not None  # there are films of the pathogen, or it would not be listed
    return interval
