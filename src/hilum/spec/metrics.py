"""What a model does on a set of films, with intervals."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, FiniteFloat, model_validator

from hilum.spec.facts import Facts, Text


class Interval(Facts):
    """A figure with its 95 % interval."""

    value: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError("an interval holds low <= value <= high")
        return self


class PredictiveValues(Facts):
    """PPV and NPV where ``prevalence`` of the films are positive; ``None`` where undefined.

    By Bayes' rule from sensitivity and specificity on the films judged.
    """

    prevalence: Annotated[float, Field(gt=0.0, lt=1.0)]
    ppv: Interval | None = None
    npv: Interval | None = None


class PointMetrics(Facts):
    """What one operating point does on one set of films.

    ``precision``, ``npv`` and ``f1`` depend on the share of positive films in the set. A figure
    is ``None`` where it is undefined: precision where no film is called positive.
    """

    accuracy: Interval
    balanced_accuracy: Interval | None = None
    sensitivity: Interval
    specificity: Interval
    precision: Interval | None = None
    npv: Interval | None = None
    f1: Interval | None = None
    true_positive: Annotated[int, Field(ge=0)]
    false_positive: Annotated[int, Field(ge=0)]
    true_negative: Annotated[int, Field(ge=0)]
    false_negative: Annotated[int, Field(ge=0)]
    predictive_values: tuple[PredictiveValues, ...] = ()


class PathogenMetrics(Facts):
    """The films of one pathogen, against all normal films of the set."""

    films: Annotated[int, Field(gt=0)]
    roc_auc: Interval
    sensitivity: dict[str, Interval]


class Restraint(Facts):
    """Films without an answer, and how good the answers are that remain.

    refused, uncertain
        Share of the films: refused by the input gate; let in, but answered with "uncertain".
    refused_positive, refused_negative
        Films refused, by what they show.
    reasons
        How often each reason of the gate was given; a film can have several.
    answered
        Films that are neither refused nor uncertain. ``accuracy``, ``sensitivity`` and
        ``specificity`` are of those, at the default operating point; ``None`` where there are
        no such films.
    promised
        Share of either class whose set of possible answers was to hold the truth, by the model's
        conformal zone; ``covered_positive`` and ``covered_negative`` are the shares of all films
        whose set does. ``None`` where there is no zone, or only predictions are known.
    """

    refused: Interval
    uncertain: Interval
    refused_positive: Annotated[int, Field(ge=0)]
    refused_negative: Annotated[int, Field(ge=0)]
    reasons: dict[str, Annotated[int, Field(gt=0)]]
    answered: Annotated[int, Field(ge=0)]
    accuracy: Interval | None
    sensitivity: Interval | None
    specificity: Interval | None
    promised: Annotated[float, Field(gt=0.5, lt=1.0)] | None = None
    covered_positive: Interval | None = None
    covered_negative: Interval | None = None


class SetMetrics(Facts):
    """What the model does on one set of films; intervals by ``interval_method``.

    ``ece`` is the expected calibration error, binned as ``ece_binning`` says, with the films as
    they are; ``ece_at_prevalence`` weights the classes to the prevalence at which the
    probability was calibrated. ``restraint`` is ``None`` where it is not known of each film
    whether it would be answered. All other figures are of all films.
    """

    films: Annotated[int, Field(gt=0)]
    positive: Annotated[int, Field(ge=0)]
    negative: Annotated[int, Field(ge=0)]
    patients: Annotated[int, Field(gt=0)] | None = None
    interval_method: Text
    command: Text
    roc_auc: Interval
    average_precision: Interval | None = None
    brier: Interval
    ece: Interval | None = None
    ece_at_prevalence: Interval | None = None
    ece_binning: Text | None = None
    operating_points: dict[str, PointMetrics]
    pathogens: dict[str, PathogenMetrics] = Field(default_factory=dict)
    restraint: Restraint | None = None
