"""How fast a recipe trains, and what holds it up: the network, or the films.

The bare training step (forward, loss, backward, optimizer, on one batch that lies ready) is
what the network costs by itself. Training at the same rate means that reading, augmenting and
moving films costs nothing more; far below it, the films are the bottleneck.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hilum.training.arithmetic import autocast
from hilum.training.losses import Loss
from hilum.training.map_loss import prepare_student
from hilum.training.memory import keep_memory
from hilum.training.optimizer import WeightAverage, build_average, build_optimizer, freeze
from hilum.training.optimizer import set_training_mode as turn_on_training
from hilum.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Rates:
    """Films a second.

    bare
        Of training steps on a batch that lies ready.
    whole
        Of training steps on films from the loader.
    films
        Of the loader by itself, nothing else running.
    shares
        ``whole`` over ``bare`` in each round: how far they lie apart says how quiet the
        machine was.
    """

    bare: float
    whole: float
    films: float
    shares: tuple[float, ...] = ()

    @property
    def share(self) -> float:
        """How much of the bare rate training reaches."""
        return self.whole / self.bare


@dataclass(frozen=True, slots=True)
class _Step:
    network: nn.Module
    model: nn.Module
    recipe: Recipe
    compute_loss: Loss
    optimizer: torch.optim.Optimizer
    average: WeightAverage | None
    device: torch.device

    def take(self, films: Tensor, targets: Tensor) -> None:
        section = self.recipe.optimization
        films = films.to(self.device, memory_format=torch.channels_last)
        self.optimizer.zero_grad()
        with autocast(self.device, section.precision):
            outputs = self.model(films)
        loss = self.compute_loss(outputs, targets.to(self.device))
        torch.autograd.backward(loss)
        if section.clip_gradient_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), section.clip_gradient_norm)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.network)
        loss.item()  # waits for the device


def measure_rates(
    network: nn.Module,
    recipe: Recipe,
    batches: Iterator[tuple[Tensor, Tensor]],
    compute_loss: Loss,
    *,
    rounds: int = 3,
    steps: int = 10,
    report: Callable[[str], None] = lambda _: None,
) -> Rates:
    """Measure the bare step, training and the loader in turn, ``rounds`` times; give the medians.

    Taking turns lets whatever else runs on the machine slow all three alike.

    Parameters
    ----------
    network
        It is spoilt: build another one for training.
    batches
        Full batches of films and targets, without end.
    """
    device = next(network.parameters()).device
    freeze(network, recipe)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch
    step = _Step(
        network,
        prepare_student(network, recipe),
        recipe,
        compute_loss,
        build_optimizer(network, recipe.optimization),
        build_average(network, recipe.optimization, steps),
        device,
    )
    turn_on_training(network, recipe.network)
    ready = next(batches)
    bare, whole, films = [], [], []
    with keep_memory(device):
        for _ in range(2):
            step.take(*ready)
        for number in range(1, rounds + 1):
            report(f"round {number} of {rounds}")
            bare.append(_time(steps, len(ready[0]), lambda: step.take(*ready)))
            # What workers have put by in the meantime is used up before the clock starts.
            for _ in range(4):
                step.take(*next(batches))
            whole.append(_time(steps, len(ready[0]), lambda: step.take(*next(batches))))
            films.append(_time(steps, len(ready[0]), lambda: next(batches)))
    middle = rounds // 2
    return Rates(
        bare=sorted(bare)[middle],
        whole=sorted(whole)[middle],
        films=sorted(films)[middle],
        shares=tuple(one / other for one, other in zip(whole, bare, strict=True)),
    )


def _time(steps: int, films: int, act: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(steps):
        act()
    return steps * films / (time.perf_counter() - began)
