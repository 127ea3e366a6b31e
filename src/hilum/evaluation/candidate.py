"""A model that is to be judged: its scores, and the thresholds that were fixed beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hilum.decision import Rule, choose_operating_point
from hilum.errors import ConfigError, DatasetError
from hilum.evaluation.judge import check_thresholds
from hilum.evaluation.predictions import Predictions
from hilum.spec import ModelSpec

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """A threshold that the films to be judged had no say in.

    rule, chosen_on
        In words: how it was chosen, and on which films.
    """

    threshold: float
    rule: str
    chosen_on: str


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A model that is to be judged.

    points, default_point
        Operating points by name, and the one that decides where one must.
    spec
        The model's spec, or ``None`` where only its predictions are known.
    model
        What :func:`hilum.load_model` takes to load it again, for pictures.
    views
        One of :data:`hilum.inference.VIEWS`: what each score is the mean of.
    """

    predictions: Predictions
    points: Mapping[str, FixedPoint]
    default_point: str
    spec: ModelSpec | None = None
    model: str | None = None
    views: str = "none"

    def __post_init__(self) -> None:
        check_thresholds(self.thresholds)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.predictions.name

    @property
    def thresholds(self) -> dict[str, float]:
        """Threshold on the probability of each operating point."""
        return {name: point.threshold for name, point in self.points.items()}

    @property
    def threshold(self) -> float:
        """Threshold of the default operating point."""
        return self.points[self.default_point].threshold


def make_model_candidate(
    predictions: Predictions, spec: ModelSpec, *, model: str | None = None, views: str = "none"
) -> Candidate:
    """Make a candidate of a model of hilum, with the operating points of its spec."""
    points = {
        name: FixedPoint(point.threshold, point.rule, point.chosen_on)
        for name, point in spec.operating_points.items()
    }
    return Candidate(predictions, points, spec.default_operating_point, spec, model, views)


def make_candidate(
    predictions: Predictions, thresholds: Mapping[str, float] | None = None
) -> Candidate:
    """Make a candidate of anyone's predictions.

    Parameters
    ----------
    thresholds
        Thresholds on the probability by name, the first of them the default; 0.5 if left out.

    Raises
    ------
    ConfigError
        A threshold is not between 0 and 1.
    """
    points = {
        name: FixedPoint(threshold, "given", "not told")
        for name, threshold in (thresholds or {"half": DEFAULT_THRESHOLD}).items()
    }
    return Candidate(predictions, points, next(iter(points)))


def add_points(candidate: Candidate, thresholds: Mapping[str, float]) -> Candidate:
    """Give a candidate more operating points; the first of them becomes the default.

    Raises
    ------
    ConfigError
        A threshold is not between 0 and 1, or the candidate has a point of that name.
    """
    given = {name: FixedPoint(at, "given", "not told") for name, at in thresholds.items()}
    return _join(candidate, given)


def choose_points(
    candidate: Candidate,
    validation: Predictions,
    rules: Sequence[Rule],
    *,
    chosen_on: str | None = None,
    prevalence: float | None = None,
) -> Candidate:
    """Choose operating points on validation films; the first of them becomes the default.

    Parameters
    ----------
    validation
        The model's predictions on films that are not judged and share no patient with them.
    chosen_on
        In words, which films those are.
    prevalence
        As for :func:`hilum.decision.choose_operating_point`.

    Raises
    ------
    DatasetError
        A patient is on both sides, or a rule cannot be kept.
    ConfigError
        The candidate has a point of that name.
    """
    shared = set(validation.patients) & set(candidate.predictions.patients)
    if shared:
        raise DatasetError(
            f"{len(shared)} patients are both among the films that thresholds are chosen on and "
            "among those that are judged: the figures would be too good. Choose on other films."
        )
    points: dict[str, FixedPoint] = {}
    for rule in rules:
        point = choose_operating_point(
            validation.probabilities,
            validation.labels,
            rule,
            chosen_on or f"{len(validation.films)} films of {validation.name}",
            prevalence=prevalence,
        )
        points[rule.name] = FixedPoint(point.threshold, point.rule, point.chosen_on)
    return _join(candidate, points, replace_same=True)


def _join(
    candidate: Candidate, points: Mapping[str, FixedPoint], *, replace_same: bool = False
) -> Candidate:
    twice = set(points) & set(candidate.points)
    if twice and not replace_same:
        raise ConfigError(
            f"{candidate.name} has an operating point {sorted(twice)[0]} already; give yours "
            "another name."
        )
    if not points:
        return candidate
    changes: dict[str, Any] = {"points": {**candidate.points, **points}}
    return replace(candidate, default_point=next(iter(points)), **changes)
