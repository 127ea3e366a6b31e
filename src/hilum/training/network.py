"""The network of a recipe, as training begins with it."""

from __future__ import annotations

import torch
from torch import nn

from hilum.models.build import build_network
from hilum.training.recipe import Recipe


def build_recipe_network(recipe: Recipe, *, init: str | None = None) -> nn.Module:
    """Build the network that ``recipe`` names, on the CPU, with its first weights.

    Parameters
    ----------
    init
        Takes the place of the recipe's ``network.init``.

    Raises
    ------
    ConfigError
        See :func:`hilum.models.build.build_network`.
    """
    section = recipe.network
    torch.manual_seed(recipe.seed)
    network = build_network(
        section.architecture,
        init=init or section.init,
        in_channels=recipe.input.channels,
        outputs=section.outputs,
        drop_rate=section.drop_rate,
        drop_path_rate=section.drop_path_rate,
    )
    if section.head_init == "near_zero":
        reset_head(network)
    return network


def reset_head(network: nn.Module) -> None:
    """Draw the linear head anew, near zero.

    A head of the usual size starts with large wrong logits, and the gradients of the first
    steps then tear down what a pretrained backbone knows.
    """
    head = network.get_classifier()  # type: ignore[operator]  # timm
    nn.init.normal_(head.weight, std=0.01)
    nn.init.zeros_(head.bias)
