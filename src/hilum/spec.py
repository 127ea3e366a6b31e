"""``ModelSpec``: all facts about one model, in the JSON file beside its weights.

No second place repeats a fact that stands here. A spec is validated when it is loaded, and
the weights are checked against its SHA-256: a wrong or missing fact is a
:class:`~hilum.errors.SpecMismatchError`, never a guess.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationError,
    model_validator,
)

from hilum.errors import SpecMismatchError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
UnitInterval = Annotated[float, Field(ge=0.0, le=1.0)]


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class WindowRecipe(_Facts):
    """How stored values become pixels in [0, 1]; see :mod:`hilum.io`.

    ``center`` and ``width`` belong to ``hu_window`` alone.
    """

    name: Literal["radiograph_v1", "hu_window"] = "radiograph_v1"
    center: FiniteFloat | None = None
    width: Annotated[float, Field(gt=1.0)] | None = None

    @model_validator(mode="after")
    def _parameters_belong_to_the_recipe(self) -> Self:
        given = (self.center is not None, self.width is not None)
        if self.name == "hu_window" and not all(given):
            raise ValueError("hu_window needs center and width")
        if self.name == "radiograph_v1" and any(given):
            raise ValueError("radiograph_v1 has no center and no width")
        return self

    def __str__(self) -> str:
        if self.name == "hu_window":
            return f"hu_window(center={self.center:g}, width={self.width:g})"
        return self.name


RADIOGRAPH_V1 = WindowRecipe()


class InputSpec(_Facts):
    """What the network takes; :func:`hilum.preprocess.preprocess` does exactly this.

    resize
        ``squash`` scales to (height, width) without keeping the aspect.
        ``shortest_side_crop`` scales the shorter side to ``shortest_side_px`` and crops the
        centre. ``squash_crop`` scales both sides to ``shortest_side_px`` without keeping the
        aspect and crops the centre. ``letterbox`` scales the longer side to fit and pads with
        black.
    normalization
        ``fixed`` subtracts ``mean`` and divides by ``std`` (units of [0, 1] pixels);
        ``per_film`` uses the film's own mean and standard deviation after the resize.
    """

    recipe: WindowRecipe = RADIOGRAPH_V1
    channels: Literal[1, 3] = 1
    height_px: Annotated[int, Field(ge=16, le=4096)]
    width_px: Annotated[int, Field(ge=16, le=4096)]
    resize: Literal["squash", "shortest_side_crop", "squash_crop", "letterbox"] = "squash"
    shortest_side_px: Annotated[int, Field(ge=16, le=8192)] | None = None
    normalization: Literal["fixed", "per_film"] = "fixed"
    mean: tuple[FiniteFloat, ...] | None = None
    std: tuple[Annotated[float, Field(gt=0.0)], ...] | None = None

    @model_validator(mode="after")
    def _parameters_belong_to_their_policy(self) -> Self:
        crops = self.resize in ("shortest_side_crop", "squash_crop")
        if crops != (self.shortest_side_px is not None):
            raise ValueError(
                "shortest_side_px goes with resize=shortest_side_crop or squash_crop, "
                "and only there"
            )
        if self.shortest_side_px is not None and self.shortest_side_px < max(
            self.height_px, self.width_px
        ):
            raise ValueError("shortest_side_px must not be less than height_px or width_px")
        if self.normalization == "fixed":
            if self.mean is None or self.std is None:
                raise ValueError("normalization=fixed needs mean and std")
            if len(self.mean) != self.channels or len(self.std) != self.channels:
                raise ValueError("mean and std need one value a channel")
        elif self.mean is not None or self.std is not None:
            raise ValueError("normalization=per_film has no mean and no std")
        return self


class Architecture(_Facts):
    """The network: its timm name and the shape of what it returns."""

    family: Text
    timm_name: Text
    parameters: Annotated[int, Field(gt=0)]
    evidence_shape: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]
    embedding_size: Annotated[int, Field(gt=0)]
    head_bias: FiniteFloat


class Labels(_Facts):
    """Words for the two sides of the threshold."""

    positive: Text = "pneumonia"
    negative: Text = "normal"


class Calibration(_Facts):
    """Probability = sigmoid(logit / temperature) (Guo 2017).

    ``prevalence`` is the share of positive films at which that probability holds.
    """

    method: Literal["temperature"] = "temperature"
    temperature: Annotated[float, Field(gt=0.0)]
    prevalence: Annotated[float, Field(gt=0.0, lt=1.0)]
    fitted_on: Text


class Interval(_Facts):
    """A figure with its 95 % interval."""

    value: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError("an interval holds low <= value <= high")
        return self


class Coverage(_Facts):
    """How often the set of answers held the truth, on patients that did not set its bounds.

    ``lowest`` is the least over both classes and all disturbances of the acquisition.
    """

    positive: UnitInterval
    negative: UnitInterval
    lowest: UnitInterval
    folds: Annotated[int, Field(ge=2)]


class ConformalZone(_Facts):
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


class InputGate(_Facts):
    """The file that tells films the model can judge from others; see :mod:`hilum.decision.gate`.

    ``thresholds`` by the name of the score; ``validation_refused`` is the share of validation
    films that they refuse.
    """

    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.gate\.npz$")]
    sha256: Sha256
    thresholds: dict[str, FiniteFloat]
    validation_refused: UnitInterval
    fitted_on: Text


class OperatingPoint(_Facts):
    """A threshold on the calibrated probability, and what it bought where it was chosen."""

    threshold: UnitInterval
    rule: Text
    chosen_on: Text
    sensitivity: UnitInterval
    specificity: UnitInterval


class PredictiveValues(_Facts):
    """PPV and NPV where ``prevalence`` of the films are positive; ``None`` where undefined.

    By Bayes' rule from sensitivity and specificity on the films judged.
    """

    prevalence: Annotated[float, Field(gt=0.0, lt=1.0)]
    ppv: Interval | None = None
    npv: Interval | None = None


class PointMetrics(_Facts):
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


class PathogenMetrics(_Facts):
    """The films of one pathogen, against all normal films of the set."""

    films: Annotated[int, Field(gt=0)]
    roc_auc: Interval
    sensitivity: dict[str, Interval]


class SetMetrics(_Facts):
    """What the model does on one set of films; intervals by ``interval_method``.

    ``ece`` is the expected calibration error, binned as ``ece_binning`` says, with the films as
    they are; ``ece_at_prevalence`` weights the classes to the prevalence at which the
    probability was calibrated.
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
    pathogens: dict[str, PathogenMetrics] = {}


class Population(_Facts):
    """Whom the training films show; ``None`` where unknown."""

    description: Text
    age_min_years: Annotated[float, Field(ge=0.0)] | None = None
    age_max_years: Annotated[float, Field(ge=0.0)] | None = None
    views: tuple[Text, ...] = ()


class TrainingData(_Facts):
    """The films that the network was trained and validated on."""

    name: Text
    source: Text
    licence: Text
    population: Population
    train_films: Annotated[int, Field(gt=0)]
    validation_films: Annotated[int, Field(gt=0)]
    fingerprint: Sha256


class EmbeddingStatistics(_Facts):
    """In-distribution statistics of the embedding on the validation films."""

    norm_mean: FiniteFloat
    norm_std: Annotated[float, Field(ge=0.0)]


class Provenance(_Facts):
    """Where the weights come from."""

    recipe: Text
    recipe_sha256: Sha256
    initialisation: Text
    hilum_version: Text
    created: date
    seed: int


class WeightsFile(_Facts):
    """The ONNX file beside the spec."""

    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.onnx$")]
    sha256: Sha256
    storage: Literal["float16", "float32"]


class ModelSpec(_Facts):
    """All facts about one model.

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
    metrics: dict[str, SetMetrics] = {}
    provenance: Provenance

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        if self.default_operating_point not in self.operating_points:
            raise ValueError("default_operating_point is not one of operating_points")
        for part, metrics in self.metrics.items():
            if set(metrics.operating_points) != set(self.operating_points):
                raise ValueError(f"metrics of {part!r} do not cover the operating points")
        return self


def describe_faults(error: ValidationError, *, whole: str) -> str:
    """Say in one line which keys pydantic found wrong, and why, without their values."""
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc']) or whole}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    )


def parse_spec(text: str | bytes, *, origin: str = "spec") -> ModelSpec:
    """Read a spec from its JSON text.

    Raises
    ------
    SpecMismatchError
        The text is no JSON object, or a fact is missing, unknown or wrong.
    """
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpecMismatchError(f"{origin} is not valid JSON: {error}") from error
    try:
        return ModelSpec.model_validate(data)
    except ValidationError as error:
        faults = describe_faults(error, whole="spec")
        raise SpecMismatchError(f"{origin} does not describe a model: {faults}") from error


def read_spec(path: str | os.PathLike[str]) -> ModelSpec:
    """Read and validate the spec at ``path``.

    Raises
    ------
    SpecMismatchError
        The file cannot be read, or :func:`parse_spec` refuses it.
    """
    path = Path(path)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SpecMismatchError(f"The spec {path.name} cannot be read: {error.strerror}") from error
    return parse_spec(text, origin=path.name)


def write_spec(spec: ModelSpec, path: str | os.PathLike[str]) -> None:
    """Write ``spec`` as JSON to ``path``, whole or not at all."""
    path = Path(path)
    text = json.dumps(spec.model_dump(mode="json", exclude_none=True), indent=2) + "\n"
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def read_weights(spec: ModelSpec, folder: str | os.PathLike[str]) -> bytes:
    """Read the weights that ``spec`` names from ``folder`` and check their SHA-256.

    Raises
    ------
    SpecMismatchError
        The file is missing or is not the one that the spec describes.
    """
    path = Path(folder) / spec.weights.file
    return read_checked(path, spec.weights.sha256, "weights", spec.name)


def read_checked(path: Path, sha256: str, what: str, model: str) -> bytes:
    """Read a file that belongs to a model and check its SHA-256.

    Raises
    ------
    SpecMismatchError
        The file is missing or is not the one that the spec describes.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SpecMismatchError(
            f"The {what} {path.name} of {model} cannot be read: {error.strerror}"
        ) from error
    digest = hash_bytes(data)
    if digest != sha256:
        raise SpecMismatchError(
            f"The {what} {path.name} are not the ones that the spec of {model} "
            f"describes (SHA-256 {digest[:12]}…, expected {sha256[:12]}…). "
            "Fetch or export the model again."
        )
    return data


def hash_bytes(data: bytes) -> str:
    """Give the SHA-256 of ``data`` in hex."""
    return hashlib.sha256(data).hexdigest()
