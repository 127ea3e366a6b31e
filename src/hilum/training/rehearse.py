"""What a run would train with, set up to be tried and not to be kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from hilum.data import read_dataset
from hilum.training.distributed import ALONE, choose_device
from hilum.training.film_cache import load_training_films
from hilum.training.find_rate import repeat_batches
from hilum.training.loop import build_loader
from hilum.training.losses import Loss
from hilum.training.network import build_recipe_network, settle_network
from hilum.training.recipe import Recipe
from hilum.training.sides import choose_sides


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A network on its device, full batches without end, and the loss."""

    network: nn.Module
    batches: Iterator[tuple[Tensor, Tensor]]
    compute_loss: Loss


def prepare_rehearsal(
    recipe: Recipe,
    data: str | os.PathLike[str],
    *,
    init: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    workers: int = 1,
    cache: Path | None = None,
    report_stage: Callable[[str], None] = lambda _: None,
    report_films: Callable[[int, int], None] = lambda *_: None,
) -> Rehearsal:
    """Set up what :func:`hilum.training.run.run_recipe` would train with; it writes nothing.

    The arguments are those of that function.

    Raises
    ------
    ConfigError, DatasetError, TrainingError
        As there.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    place = choose_device(device)
    network = build_recipe_network(recipe, init=init).to(place)
    report_stage("reading films")
    root, films = read_dataset(Path(data))
    split = choose_sides(films, recipe.data)
    labels = np.array([film.label for film in split.train])
    train = load_training_films(root, split, recipe.input, cache, report=report_films)
    settle_network(network, recipe, train)
    # Films of the network's own size: what most steps cost in the end.
    full_sized = recipe.optimization.model_copy(update={"progressive_resizing": None})
    recipe = recipe.model_copy(update={"optimization": full_sized})
    loader, compute_loss = build_loader(recipe, (train, labels), workers, ALONE, place)
    return Rehearsal(network, repeat_batches(loader), compute_loss)
