"""What turns a logit and an embedding into a decision, and where it was chosen."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, StringConstraints, model_validator

from hilum.spec.facts import Facts, Sha256, Text, UnitInterval


class Calibration(Facts):
    """Probability = sigmoid((logit + offset) / temperature) (Platt 1999).

    ``prevalence`` is the share of positive films at which that probability holds.
    """

    method: Literal["platt"] = "platt"
    temperature: Annotated[float, Field(gt=0.0)]
    offset: FiniteFloat
    prevalence: Annotated[float, Field(gt=0.0, lt=1.0)]
    fitted_on: Text


class OperatingPoint(Facts):
    """A threshold on the calibrated probability, and what it bought where it was chosen."""

    threshold: UnitInterval
    rule: Text
    chosen_on: Text
    sensitivity: UnitInterval
    specificity: UnitInterval


class Coverage(Facts):
    """How often the set of answers held the truth, on patients that did not set its bounds.

    ``lowest`` is the least over both classes and all disturbances of the acquisition.
    """

    positive: UnitInterval
    negative: UnitInterval
    lowest: UnitInterval
    folds: Annotated[int, Field(ge=2)]


class ConformalZone(Facts):
    """Between which probabilities an answer is uncertain; see :mod:`hilum.decision.conformal`.

    ``positive_from`` and ``negative_to`` bound the sets of answers; for films of either class
    the set holds the truth with a chance of at least ``1 - alpha``.
    """

    method: Literal["class_conditional_split"] = "class_conditional_split"
    alpha: Annotated[float, Field(gt=0.0, lt=0.5)]
    positive_from: UnitInterval
    negative_to: UnitInterval
    fitted_on: Text
    coverage: Coverage


class InputGate(Facts):
    """The file that tells films the model can judge from others; see :mod:`hilum.decision.gate`.

    ``thresholds`` by the name of the score; ``validation_refused`` is the share of validation
    films that they refuse.
    """

    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.gate\.npz$")]
    sha256: Sha256
    thresholds: dict[str, FiniteFloat]
    validation_refused: UnitInterval
    fitted_on: Text


class EmbeddingStatistics(Facts):
    """In-distribution statistics of the embedding on the validation films."""

    norm_mean: FiniteFloat
    norm_std: Annotated[float, Field(ge=0.0)]


class LogitQuantiles(Facts):
    """How the logits of films of one class lie.

    ``quantiles`` of their distribution from the least to the largest, at equal steps of
    probability: with 101 of them the one in place 50 is the median.
    """

    films: Annotated[int, Field(ge=1)]
    quantiles: Annotated[tuple[FiniteFloat, ...], Field(min_length=2, max_length=10_001)]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if any(left > right for left, right in pairwise(self.quantiles)):
            raise ValueError("quantiles do not fall")
        return self


class ValidationLogits(Facts):
    """How the logits of the validation films lie, each class by itself.

    What later films score is held against it; see :mod:`hilum.decision.drift`.
    """

    positive: LogitQuantiles
    negative: LogitQuantiles
