"""The learning-rate finder: raise the rate step by step, and watch the loss.

Source: Smith 2017, "Cyclical learning rates for training neural networks" (the range test).
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from hilum.errors import ConfigError, MissingExtraError
from hilum.files import replacing, write_whole
from hilum.training.arithmetic import autocast
from hilum.training.losses import mix_batch
from hilum.training.map_loss import prepare_student
from hilum.training.memory import keep_memory
from hilum.training.optimizer import build_optimizer, freeze, set_training_mode
from hilum.training.recipe import Recipe

if TYPE_CHECKING:
    from hilum.training.losses import Loss

_SMOOTHING = 0.9
_DIVERGED = 4.0  # times the lowest loss so far


@dataclass(frozen=True, slots=True)
class RateCurve:
    """What the range test saw.

    rates, losses
        Learning rate and smoothed loss of each step.
    steepest
        The rate at which the loss fell fastest: a rate to begin with.
    highest
        A tenth of the rate at which the loss was lowest: about the most that is safe.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    steepest: float
    highest: float

    def write_csv(self, path: Path) -> None:
        """Write rate and loss of each step."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["learning_rate", "loss"])
        writer.writerows(
            [f"{rate:.6g}", f"{loss:.6g}"]
            for rate, loss in zip(self.rates, self.losses, strict=True)
        )
        write_whole(path, text.getvalue())

    def plot(self, ax: Any = None) -> Any:
        """Draw the curve with matplotlib; give the axes.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        if ax is None:
            try:
                from matplotlib.figure import Figure
            except ImportError as error:
                raise MissingExtraError("lab", "draw the learning-rate curve") from error
            ax = Figure(figsize=(6.4, 4.0), layout="constrained").subplots()
        ax.plot(self.rates, self.losses, color="#1f4e79", linewidth=1.6)
        for rate, name, style in (
            (self.steepest, "steepest fall", "--"),
            (self.highest, "a tenth of the lowest point", ":"),
        ):
            ax.axvline(rate, color="#b3541e", linestyle=style, label=f"{name}: {rate:.1e}")
        ax.set_xscale("log")
        ax.set_xlabel("learning rate")
        ax.set_ylabel("training loss, smoothed")
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)
        return ax

    def write_png(self, path: Path) -> None:
        """Draw the curve into a file."""
        figure = self.plot().figure
        with replacing(path) as partial:
            figure.savefig(partial, dpi=144, format="png")


def find_rate(
    network: nn.Module,
    recipe: Recipe,
    batches: Iterator[tuple[Tensor, Tensor]],
    compute_loss: Loss,
    *,
    lowest: float = 1e-7,
    highest: float = 1.0,
    steps: int = 100,
    report_step: Callable[[int, int, float], None] = lambda *_: None,
) -> RateCurve:
    """Train ``network`` for a while at a rate that rises from ``lowest`` to ``highest``.

    Parameters
    ----------
    network
        It is spoilt: build another one for training.
    batches
        Films and targets, without end.
    report_step
        Called after every step with (step, steps, loss).

    Raises
    ------
    ConfigError
        The loss is not finite within the first ten steps, or the bounds are no bounds.
    """
    if not 0 < lowest < highest or steps < 20:
        raise ConfigError("The rates must rise from above 0, in at least 20 steps.")
    section = recipe.optimization
    device = next(network.parameters()).device
    freeze(network, recipe)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch
    optimizer = build_optimizer(network, section)
    shares = [group["lr"] / section.learning_rate for group in optimizer.param_groups]
    set_training_mode(network, recipe.network)
    model = prepare_student(network, recipe)
    rates: list[float] = []
    losses: list[float] = []
    average = 0.0
    with keep_memory(device):
        for step in range(steps):
            rate = lowest * (highest / lowest) ** (step / (steps - 1))
            for group, share in zip(optimizer.param_groups, shares, strict=True):
                group["lr"] = rate * share
            films, targets = next(batches)
            films, targets = mix_batch(films, targets, recipe, np.random.default_rng(step))
            with autocast(device, section.precision):
                outputs = model(films.to(device, memory_format=torch.channels_last))
            loss = compute_loss(outputs, targets.to(device))
            if not math.isfinite(loss.item()):
                break
            average = _SMOOTHING * average + (1 - _SMOOTHING) * loss.item()
            smoothed = average / (1 - _SMOOTHING ** (step + 1))
            rates.append(rate)
            losses.append(smoothed)
            report_step(step + 1, steps, smoothed)
            if smoothed > _DIVERGED * min(losses):
                break
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
    return _read_curve(rates, losses)


def _read_curve(rates: list[float], losses: list[float]) -> RateCurve:
    if len(rates) < 10:
        raise ConfigError(
            "The loss was no longer finite after a few steps at the lowest rate: something other "
            "than the rate is wrong with the recipe."
        )
    lowest = int(np.argmin(losses))
    # The average of the first steps is of a few batches: its slope is noise, not learning.
    first = len(rates) // 10
    slope = np.gradient(np.array(losses), np.log(rates))[first : max(lowest, first + 5) + 1]
    return RateCurve(
        rates=tuple(rates),
        losses=tuple(losses),
        steepest=rates[first + int(np.argmin(slope))],
        highest=rates[lowest] / 10,
    )


def repeat_batches(loader: Any) -> Iterator[tuple[Tensor, Tensor]]:
    """Go through the epochs of a loader of :mod:`hilum.training.loop`, one after another."""
    epoch = 0
    while True:
        epoch += 1
        loader.batch_sampler.begin_epoch(epoch, 0)
        yield from loader
