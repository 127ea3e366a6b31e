"""How a network is trained and which of its states is kept: the recipe's words for it.

Nothing here needs torch; :mod:`hilum.training.optimizer` builds from it.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hilum.spec import Facts, NotNegative, Text

# One cycle begins at the highest rate over 25 and ends at a ten-thousandth of that, as fastai
# and torch's OneCycleLR have it.
_ONE_CYCLE_START = 1.0 / 25.0
_ONE_CYCLE_END = _ONE_CYCLE_START / 1e4

Metric = Literal[
    "worst_stressed_auc",
    "mean_stressed_auc",
    "auc",
    "accuracy",
    "balanced_accuracy",
    "loss",
    "last",
]


class Unfreezing(Facts):
    """Parameters that ``network.freeze`` stops, and the epoch in which they begin to learn.

    epoch
        The first epoch is 1.
    parameters
        Shell patterns of parameter names.
    """

    epoch: Annotated[int, Field(ge=1)]
    parameters: Annotated[tuple[Text, ...], Field(min_length=1)]


class ProgressiveResizing(Facts):
    """Films that begin small and grow, so that early epochs cost a fraction (Tan 2021).

    first_height_px
        Height of the films in the first epoch; their width is in proportion.
    full_from_epoch
        From this epoch on films have the network's own size. Until then they grow by the same
        step each epoch, rounded to 32 px.
    """

    first_height_px: Annotated[int, Field(ge=32)]
    full_from_epoch: Annotated[int, Field(ge=2)]

    def compute_height(self, epoch: int, full_px: int) -> int:
        """Give the height of the films in ``epoch``, where ``full_px`` is the network's own."""
        share = min((epoch - 1) / (self.full_from_epoch - 1), 1.0)
        if share == 1.0:
            return full_px
        height = self.first_height_px + share * (full_px - self.first_height_px)
        return min(max(self.first_height_px, 32 * round(height / 32)), full_px)


class OptimizationSection(Facts):
    """The loop: optimizer, learning rate over time, average of the weights, arithmetic.

    epochs
        Passes over the training films; early stopping may end the run before.
    epoch
        ``all`` films once; ``balanced``: every film of the rarer class once and as many of
        the other, drawn anew each epoch; ``oversampled``: every film of the commoner class
        once and as many of the rarer, each several times.
    batch_size
        Films a step. Several processes (``torchrun``) share them.
    accumulation
        Parts into which a batch is cut, one after another, where the memory does not hold it
        whole. The gradients add up to that of the batch; only batch normalisation, and a loss
        that is divided by class weights, see the parts.
    progressive_resizing
        Smaller films in the first epochs.
    optimizer, momentum
        ``adamw``, ``adam`` (the decay is then part of the gradient), or ``sgd`` with Nesterov's
        momentum where ``momentum`` is above 0.
    learning_rate, head_learning_rate
        Highest rate; the last layer may have its own.
    layer_decay
        Factor on the rate from one layer to the one before it, counted from the last (Bao
        2021). 1: all layers learn alike.
    unfreeze
        Gradual unfreezing: which frozen parameters begin to learn, and when.
    weight_decay
        Of matrices and filters; biases and normalisations have none.
    schedule
        ``cosine``: down half a cosine. ``one_cycle``: up from a 25th and down to a 250,000th,
        both along a cosine. ``cyclic``: up and down in a straight line, over and over, between
        ``lowest_learning_rate`` and ``learning_rate`` (Smith 2017, "triangular"). ``constant``.
        Momentum does not change with the rate.
    lowest_learning_rate
        Where ``cosine`` ends, and ``cyclic`` begins and returns to.
    cycle_up_epochs
        Of ``cyclic``: epochs from the lowest to the highest rate; down takes as many.
    warmup_fraction
        Share of the steps in which the rate rises. ``cyclic`` has no other warm-up than its own.
    clip_gradient_norm
        Largest norm of the gradient of all parameters together.
    average_decay
        Decay of the exponential moving average of the weights, per step; the average is what
        is validated and kept. 0 keeps the weights as they are.
    average_from_epoch
        Instead: the plain mean of the weights after each step from this epoch on (Izmailov
        2018, SWA). Statistics of batch normalisation are averaged alike.
    precision
        ``float32``, or autocast to ``bfloat16`` or ``float16`` (CUDA only, with the loss
        scaled). Where the device has no bfloat16 of its own, float32 stands for it.
    """

    epochs: Annotated[int, Field(ge=1)]
    epoch: Literal["all", "balanced", "oversampled"] = "all"
    batch_size: Annotated[int, Field(ge=1)] = 32
    accumulation: Annotated[int, Field(ge=1)] = 1
    progressive_resizing: ProgressiveResizing | None = None
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    learning_rate: Annotated[float, Field(gt=0.0)]
    head_learning_rate: Annotated[float, Field(gt=0.0)] | None = None
    layer_decay: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    unfreeze: tuple[Unfreezing, ...] = ()
    weight_decay: NotNegative = 0.0
    schedule: Literal["cosine", "one_cycle", "cyclic", "constant"] = "cosine"
    lowest_learning_rate: NotNegative = 0.0
    cycle_up_epochs: Annotated[float, Field(gt=0.0)] = 2.0
    warmup_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.05
    clip_gradient_norm: Annotated[float, Field(gt=0.0)] | None = None
    average_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    average_from_epoch: Annotated[int, Field(ge=1)] | None = None
    precision: Literal["float32", "bfloat16", "float16"] = "float32"

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.lowest_learning_rate > self.learning_rate:
            raise ValueError("lowest_learning_rate is above learning_rate")
        if self.lowest_learning_rate and self.schedule in ("one_cycle", "constant"):
            raise ValueError(f"the schedule {self.schedule} has no lowest_learning_rate")
        if self.average_decay and self.average_from_epoch is not None:
            raise ValueError("average_decay and average_from_epoch are two ways to average")
        resizing = self.progressive_resizing
        for name, epoch in (
            ("average_from_epoch", self.average_from_epoch),
            *(("unfreeze", step.epoch) for step in self.unfreeze),
            (
                "progressive_resizing.full_from_epoch",
                None if resizing is None else resizing.full_from_epoch,
            ),
        ):
            if epoch is not None and epoch > self.epochs:
                raise ValueError(f"{name} names epoch {epoch} of {self.epochs}")
        if self.accumulation > self.batch_size:
            raise ValueError("accumulation cuts a batch into more parts than it has films")
        return self


class SelectionSection(Facts):
    """Which epoch is kept, and when the run stops.

    metric
        ``worst_stressed_auc``: the lowest AUC over the clean validation films and each way of
        stressing them (see :mod:`hilum.training.stress`); ``mean_stressed_auc``: their mean.
        Of the clean films alone: ``auc``, ``accuracy`` and ``balanced_accuracy`` at a
        probability of 0.5, and ``loss``, the plain cross entropy (the lowest is kept).
        ``last`` keeps the last epoch.
    patience
        Epochs without a better value after which the run stops; without it, it never does.
    stress_every
        Epochs from one judgement under stress, nine more passes over the validation films, to
        the next; the last epoch always has one. Where the metric is one under stress, only
        these epochs can be kept, and only they count for ``patience``. 0: never.
    default_operating_point
        What a decision uses unless another is asked for: ``youden``, ``sensitivity_95`` and
        ``sensitivity_99`` are chosen on the validation films; ``argmax`` is a probability of
        0.5, the likelier class, as a plain classifier decides.
    """

    metric: Metric = "auc"
    patience: Annotated[int, Field(ge=1)] | None = None
    stress_every: Annotated[int, Field(ge=0)] = 1
    default_operating_point: Literal["youden", "sensitivity_95", "sensitivity_99", "argmax"] = (
        "sensitivity_95"
    )

    @model_validator(mode="after")
    def _patience_has_a_metric(self) -> Self:
        if self.patience is not None and self.metric == "last":
            raise ValueError("patience waits for a better value, and the metric is 'last'")
        if not self.stress_every and "stressed" in self.metric:
            raise ValueError(f"the metric {self.metric} needs stress_every: 1 or more")
        return self

    def stresses(self, epoch: int, epochs: int) -> bool:
        """Whether the validation films are judged under stress after ``epoch`` of ``epochs``."""
        if not self.stress_every:
            return False
        return epoch % self.stress_every == 0 or epoch == epochs


def compute_rate_factor(section: OptimizationSection, step: int, steps: int) -> float:
    """Give the factor on every learning rate.

    Parameters
    ----------
    step
        Steps taken before this one.
    steps
        Steps of all epochs together.
    """
    lowest = section.lowest_learning_rate / section.learning_rate
    if section.schedule == "cyclic":
        up = section.cycle_up_epochs * steps / section.epochs
        return lowest + (1.0 - lowest) * (1.0 - abs(step / up % 2.0 - 1.0))
    warmup = section.warmup_fraction * steps
    if section.schedule == "one_cycle":
        if step < warmup:
            return 1.0 - (1.0 - _ONE_CYCLE_START) * _fall(step / warmup)
        return _ONE_CYCLE_END + (1.0 - _ONE_CYCLE_END) * _fall(
            (step - warmup) / max(steps - 1 - warmup, 1)
        )
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if section.schedule == "constant":
        return 1.0
    return lowest + (1.0 - lowest) * _fall((step - warmup) / max(steps - warmup, 1))


def _fall(share: float) -> float:
    """Half a cosine, from 1 at 0 to 0 at 1."""
    return 0.5 * (1.0 + math.cos(math.pi * share))
