"""All facts about one model."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, StringConstraints, model_validator

from hilum.language import Text as Said
from hilum.spec.decision import (
    Calibration,
    ConformalZone,
    EmbeddingStatistics,
    InputGate,
    OperatingPoint,
    ValidationLogits,
)
from hilum.spec.facts import Facts, Name, Sha256, Text, UnitInterval
from hilum.spec.faithfulness import Faithfulness
from hilum.spec.input import InputSpec
from hilum.spec.metrics import SetMetrics
from hilum.spec.words import say_fault

# How weights lie on disk; arithmetic is float32.
Storage = Literal["int8", "float16", "float32"]


class Architecture(Facts):
    """The network: its timm name and the shape of what it returns."""

    family: Text
    timm_name: Text
    parameters: Annotated[int, Field(gt=0)]
    evidence_shape: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]
    embedding_size: Annotated[int, Field(gt=0)]
    head_bias: FiniteFloat


class Labels(Facts):
    """Words for the two sides of the threshold."""

    positive: Text = "pneumonia"
    negative: Text = "normal"


class Population(Facts):
    """Whom the training films show; ``None`` where unknown."""

    description: Text
    age_min_years: Annotated[float, Field(ge=0.0)] | None = None
    age_max_years: Annotated[float, Field(ge=0.0)] | None = None
    views: tuple[Text, ...] = ()


class TrainingData(Facts):
    """The films that the network was trained and validated on."""

    name: Text
    source: Text
    licence: Text
    population: Population
    train_films: Annotated[int, Field(gt=0)]
    validation_films: Annotated[int, Field(gt=0)]
    fingerprint: Sha256


class ModelReference(Facts):
    """Another model that this one was made from, by the digest of its weights."""

    name: Name
    version: Text
    weights_sha256: Sha256


class EnsembleMember(ModelReference):
    """A network inside an ensemble: ``factor`` times its logit goes into the ensemble's."""

    factor: Annotated[FiniteFloat, Field(gt=0.0)]


class Provenance(Facts):
    """Where the weights come from.

    teachers
        The models whose probabilities the network learned beside the labels.
    members
        The networks that an ensemble joins.
    """

    recipe: Text
    recipe_sha256: Sha256
    initialisation: Text
    teachers: tuple[ModelReference, ...] = ()
    members: tuple[EnsembleMember, ...] = ()
    hilum_version: Text
    created: date
    seed: int


class WeightsFile(Facts):
    """The ONNX file beside the spec."""

    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.onnx$")]
    sha256: Sha256
    storage: Storage


class ModelSpec(Facts):
    """All facts about one model.

    validation_auc
        ROC AUC on the validation films, as they are (``"clean"``) and under each disturbance
        of their acquisition; empty where they were too few.
    validation_logits
        How the logits of the validation films lie; ``None`` in specs older than this fact.
    faithfulness
        Which of its maps deserve belief; ``None`` where it was not measured.

    Raises
    ------
    pydantic.ValidationError
        From the constructor. :func:`read_spec` and :func:`parse_spec` turn it into
        :class:`~hilum.errors.SpecMismatchError`.
    """

    spec_format: Literal[1] = 1
    name: Name
    version: Text
    description: Text
    licence: Text
    weights: WeightsFile
    architecture: Architecture
    input: InputSpec
    labels: Labels = Labels()
    calibration: Calibration
    operating_points: Annotated[dict[Name, OperatingPoint], Field(min_length=1)]
    default_operating_point: Name
    conformal: ConformalZone | None = None
    gate: InputGate | None = None
    training_data: TrainingData
    embedding_statistics: EmbeddingStatistics
    validation_auc: dict[Name, UnitInterval] = Field(default_factory=dict)
    validation_logits: ValidationLogits | None = None
    metrics: dict[str, SetMetrics] = Field(default_factory=dict)
    faithfulness: Faithfulness | None = None
    provenance: Provenance

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        if self.default_operating_point not in self.operating_points:
            raise ValueError("default_operating_point is not one of operating_points")
        for part, metrics in self.metrics.items():
            if set(metrics.operating_points) != set(self.operating_points):
                raise ValueError(f"metrics of {part!r} do not cover the operating points")
        return self

    def list_map_warnings(self, method: str) -> tuple[Said, ...]:
        """List the controls that a method's maps fail on this model, a sentence each.

        Empty where it passes them all, and where it was not measured.
        """
        if self.faithfulness is None or method not in self.faithfulness.methods:
            return ()
        found = self.faithfulness.methods[method].warnings
        return tuple(say_fault(method, sentence) for sentence in found)

    def refer(self) -> ModelReference:
        """Give what another model's spec says of this one."""
        return ModelReference(
            name=self.name, version=self.version, weights_sha256=self.weights.sha256
        )
