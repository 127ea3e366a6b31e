"""The network of a recipe, as training begins with it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.errors import ConfigError
from hilum.models.build import build_network
from hilum.models.inherit import unfold_norms
from hilum.preprocess import normalize_film
from hilum.training.film_cache import unpack_film
from hilum.training.recipe import Recipe

# Enough for statistics that training then follows: no answer depends on them.
_SETTLING_FILMS = 128


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


def settle_network(network: nn.Module, recipe: Recipe, films: NDArray[np.uint8]) -> None:
    """Give norms that a model had folded away their work back; see :func:`unfold_norms`.

    Parameters
    ----------
    network
        As :func:`build_recipe_network` made it, on the device where it is to be trained.
    films
        The training films, shape (N, height_px, width_px), of :mod:`hilum.training.film_cache`.
    """
    place = next(network.parameters()).device
    chosen = np.linspace(0, len(films) - 1, min(_SETTLING_FILMS, len(films))).astype(int)

    def read() -> Iterator[Tensor]:
        for part in np.array_split(chosen, -(-len(chosen) // recipe.optimization.batch_size)):
            planes = [normalize_film(unpack_film(films[index]), recipe.input) for index in part]
            yield torch.from_numpy(np.concatenate(planes)).to(place)

    unfold_norms(network, read())


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
