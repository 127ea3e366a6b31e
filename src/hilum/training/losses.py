"""What a wrong logit costs: cross entropy over one logit or two, weighed and smoothed.

A target is the probability of the positive class: 0 or 1, or anything between after mixing
or distillation. One logit ``z`` and two logits ``(z0, z1)`` with ``z = z1 - z0`` cost the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.errors import ConfigError
from hilum.training.recipe import LossSection, Recipe

Loss = Callable[[Any, Tensor], Tensor]
"""Of what is called with films, logits or more, and targets."""


def build_loss(recipe: Recipe, labels: NDArray[np.intp]) -> Loss:
    """Make the loss of a recipe.

    Parameters
    ----------
    labels
        0 or 1 for each training film; ``balanced`` weights are counted from them.

    Returns
    -------
    A function of logits, shape (N, 1) or (N, 2), and targets, shape (N,), in [0, 1], that
    gives the mean loss as a float32 scalar on the device of the logits.

    Raises
    ------
    ConfigError
        ``balanced`` weights are asked for and one class has no film.
    """
    section = recipe.loss
    negative_weight, positive_weight = compute_class_weights(section, labels)
    smoothing = section.label_smoothing
    # Both conventions weigh alike; they differ in what the sum is divided by.
    divide_by_weight = section.class_weight != "none"

    def compute_loss(logits: Tensor, targets: Tensor) -> Tensor:
        logit = to_one_logit(logits.float())
        targets = targets.to(logit)
        targets = targets * (1.0 - smoothing) + 0.5 * smoothing
        if negative_weight == positive_weight == 1.0:
            return nn.functional.binary_cross_entropy_with_logits(logit, targets)
        ratio = logit.new_tensor(positive_weight / negative_weight)
        cost = nn.functional.binary_cross_entropy_with_logits(
            logit, targets, pos_weight=ratio, reduction="sum"
        )
        weights = negative_weight * (1.0 - targets) + positive_weight * targets
        divisor = weights.sum() if divide_by_weight else float(len(targets))
        return negative_weight * cost / divisor

    return compute_loss


def to_one_logit(logits: Tensor) -> Tensor:
    """Give the logit of the positive class, shape (N,), of one logit or two, shape (N, 1 or 2).

    The softmax of two logits is the sigmoid of their difference.
    """
    if logits.shape[1] == 1:
        return logits[:, 0]
    return logits[:, 1] - logits[:, 0]


def compute_class_weights(section: LossSection, labels: NDArray[np.intp]) -> tuple[float, float]:
    """Give the weights of the negative and of the positive class.

    Raises
    ------
    ConfigError
        See :func:`build_loss`.
    """
    if "balanced" in (section.class_weight, section.positive_weight):
        negative, positive = (int((labels == label).sum()) for label in (0, 1))
        if not negative or not positive:
            raise ConfigError(
                "The recipe asks for balanced weights, and one class has no training film."
            )
        if section.class_weight == "balanced":
            films = negative + positive
            return films / (2 * negative), films / (2 * positive)
        return 1.0, negative / positive
    if isinstance(section.class_weight, tuple):
        return section.class_weight
    if isinstance(section.positive_weight, float):
        return 1.0, section.positive_weight
    return 1.0, 1.0


def mix_batch(
    films: Tensor, targets: Tensor, recipe: Recipe, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Mix each film of a batch, and its target, with the film in the mirrored place.

    Parameters
    ----------
    films
        Shape (N, C, H, W); left as it is.
    targets
        Shape (N,), in [0, 1].

    Returns
    -------
    Films and targets of the same shapes; what was given, where nothing is mixed.

    Source: Zhang 2018 (mixup), Yun 2019 (cutmix).
    """
    section = recipe.mixing
    ways = [
        (mix, alpha)
        for mix, alpha in ((_blend, section.mixup_alpha), (_paste, section.cutmix_alpha))
        if alpha > 0
    ]
    if not ways or rng.random() >= section.probability:
        return films, targets
    mix, alpha = ways[int(rng.integers(0, len(ways)))]
    mixed, share = mix(films, float(rng.beta(alpha, alpha)), rng)
    return mixed, targets * share + targets.flip(0) * (1.0 - share)


def _blend(films: Tensor, share: float, rng: np.random.Generator) -> tuple[Tensor, float]:
    return films * share + films.flip(0) * (1.0 - share), share


def _paste(films: Tensor, share: float, rng: np.random.Generator) -> tuple[Tensor, float]:
    height, width = films.shape[2:]
    side = (1.0 - share) ** 0.5
    centre_y, centre_x = rng.uniform(0, height), rng.uniform(0, width)
    top, bottom = (
        int(np.clip(round(centre_y + half), 0, height))
        for half in (-side * height / 2, side * height / 2)
    )
    left, right = (
        int(np.clip(round(centre_x + half), 0, width))
        for half in (-side * width / 2, side * width / 2)
    )
    mixed = films.clone()
    mixed[:, :, top:bottom, left:right] = films.flip(0)[:, :, top:bottom, left:right]
    # The border cuts the box: the share is that of the pixels that are really left.
    return mixed, 1.0 - (bottom - top) * (right - left) / (height * width)
