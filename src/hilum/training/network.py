"""The network of a recipe, as training begins with it."""

from __future__ import annotations

import torch
from torch import nn

from hilum.errors import ConfigError
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
        See :func:`hilum.models.build.build_network`; or the films are to begin smaller than
        the network takes.
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
        any_size=recipe.optimization.progressive_resizing is not None,
    )
    if section.head_init == "near_zero":
        reset_head(network)
    if recipe.optimization.progressive_resizing is not None:
        _check_takes_small_films(network, recipe)
    return network


def _check_takes_small_films(network: nn.Module, recipe: Recipe) -> None:
    resizing = recipe.optimization.progressive_resizing
    assert resizing is not None
    height_px = resizing.first_height_px
    width_px = round(recipe.input.width_px * height_px / recipe.input.height_px)
    network.eval()
    try:
        with torch.no_grad():
            network(torch.zeros(1, recipe.input.channels, height_px, width_px))
    except (AssertionError, RuntimeError) as error:
        raise ConfigError(
            f"optimization.progressive_resizing: {recipe.network.architecture} does not take films "
            f"of {height_px}x{width_px} px ({error}). Leave the key out."
        ) from error
    network.train()


def reset_head(network: nn.Module) -> None:
    """Draw the linear head anew, near zero.

    A head of the usual size starts with large wrong logits, and the gradients of the first
    steps then tear down what a pretrained backbone knows.
    """
    head = network.get_classifier()  # type: ignore[operator]  # timm
    nn.init.normal_(head.weight, std=0.01)
    nn.init.zeros_(head.bias)
