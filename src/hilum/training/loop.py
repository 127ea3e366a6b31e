"""The training loop: explicit, from the first step to the last."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.utils.data import DataLoader

from hilum.errors import TrainingError
from hilum.training.arithmetic import autocast
from hilum.training.batches import Batches
from hilum.training.determinism import capture_generators, restore_generators, use_determinism
from hilum.training.distillation import load_teachers
from hilum.training.distributed import ALONE, Group, share_normalisation
from hilum.training.failures import describe_divergence
from hilum.training.films import EpochSampler, TrainingFilms
from hilum.training.losses import Loss, build_loss, mix_batch
from hilum.training.map_loss import add_map_terms, prepare_student
from hilum.training.memory import keep_memory
from hilum.training.optimization import SelectionSection, compute_rate_factor
from hilum.training.optimizer import (
    WeightAverage,
    build_average,
    build_optimizer,
    freeze,
    set_training_mode,
)
from hilum.training.recipe import Recipe
from hilum.training.resume import StateFile
from hilum.training.validation import EpochRecord, Films, Labels, validate

Weights = dict[str, Tensor]


@dataclass(slots=True)
class TrainingState:
    """What changes from step to step, and what it takes to go on.

    step
        Steps behind us; an epoch has ``steps_an_epoch``, the run ``steps``.
    epoch
        The epoch that the next step belongs to, from 1 on.
    losses
        Of this epoch's steps so far.
    kept
        The weights of the best epoch so far.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: GradScaler
    average: WeightAverage | None
    device: torch.device
    steps_an_epoch: int
    steps: int
    step: int = 0
    epoch: int = 1
    losses: list[float] = field(default_factory=list)
    records: list[EpochRecord] = field(default_factory=list)
    kept: Weights = field(default_factory=dict)
    base_rates: list[float] = field(default_factory=list)

    @property
    def validated(self) -> nn.Module:
        """The network that is judged and kept."""
        return self.network if self.average is None else self.average.network

    def capture(self, group: Group) -> dict[str, Any]:
        """Give everything as tensors and plain values; all processes of a group take part.

        Raises
        ------
        TrainingError
            A weight is not finite: what was written before is worth more than this.
        """
        if not all(bool(weight.isfinite().all()) for weight in self.network.parameters()):
            raise TrainingError(describe_divergence("A weight of the network"))
        average = self.average
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": None if average is None else average.network.state_dict(),
            "average_steps": 0 if average is None else average.steps,
            "step": self.step,
            "epoch": self.epoch,
            "losses": self.losses,
            "records": [record.as_dict() for record in self.records],
            "kept": self.kept,
            "generators": group.gather(capture_generators(self.device)),
        }

    def restore(self, saved: dict[str, Any], group: Group) -> None:
        """Go back to what :meth:`capture` gave."""
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.scaler.load_state_dict(saved["scaler"])
        if self.average is not None:
            self.average.network.load_state_dict(saved["average"])
            self.average.steps = saved["average_steps"]
        self.step, self.epoch = saved["step"], saved["epoch"]
        self.losses = saved["losses"]
        self.records = [EpochRecord(**record) for record in saved["records"]]
        self.kept = saved["kept"]
        restore_generators(saved["generators"][group.rank], self.device)


def train_epoch(
    state: TrainingState,
    recipe: Recipe,
    loader: DataLoader[tuple[Tensor, Tensor]],
    compute_loss: Loss,
    group: Group,
    after_step: Callable[[float], None],
) -> None:
    """Take the steps that are left of this epoch, one for every batch of ``loader``."""
    section, network = recipe.optimization, state.network
    batches = loader.batch_sampler
    assert isinstance(batches, Batches)
    done = state.step - (state.epoch - 1) * state.steps_an_epoch
    batches.begin_epoch(state.epoch, done)
    set_training_mode(network, recipe.network)
    model = group.wrap(prepare_student(network, recipe))
    # A loader draws a number when it begins; an epoch that goes on has drawn it before.
    generators = capture_generators(state.device)
    iterator = iter(loader)
    if done:
        restore_generators(generators, state.device)
    for films, targets in iterator:
        factor = compute_rate_factor(section, state.step, state.steps)
        for group_of_weights, rate in zip(
            state.optimizer.param_groups, state.base_rates, strict=True
        ):
            group_of_weights["lr"] = rate * factor
        mix_rng = np.random.default_rng((recipe.seed, state.epoch, state.step, 1))
        films, targets = mix_batch(films, targets, recipe, mix_rng)
        state.optimizer.zero_grad()
        loss = accumulate_gradient(
            state, model, films, targets, recipe, compute_loss, group, batches.films
        )
        if section.clip_gradient_norm is not None:
            state.scaler.unscale_(state.optimizer)
            nn.utils.clip_grad_norm_(network.parameters(), section.clip_gradient_norm)
        state.scaler.step(state.optimizer)
        state.scaler.update()
        if state.average is not None:
            state.average.update(network)
        state.step += 1
        state.losses.append(loss.item())
        if not math.isfinite(state.losses[-1]):
            raise TrainingError(describe_divergence(f"The loss of step {state.step}"))
        after_step(state.losses[-1])


def accumulate_gradient(
    state: TrainingState,
    model: nn.Module,
    films: Tensor,
    targets: Tensor,
    recipe: Recipe,
    compute_loss: Loss,
    group: Group,
    whole: int,
) -> Tensor:
    """Add up the gradient of one batch of ``whole`` films, part by part; give its mean loss.

    Processes average their gradients, so each weighs its own by its share of the films.
    """
    section = recipe.optimization
    total = torch.zeros((), device=state.device)
    parts = list(
        zip(films.chunk(section.accumulation), targets.chunk(section.accumulation), strict=True)
    )
    for number, (part, part_targets) in enumerate(parts, start=1):
        last = number == len(parts)
        part = part.to(state.device, memory_format=torch.channels_last, non_blocking=True)
        with group.averaging(model, wanted=last):
            with autocast(state.device, section.precision):
                outputs = model(part)
            loss = compute_loss(outputs, part_targets.to(state.device))
            loss = loss * (len(part) * group.size / whole)
            state.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch
        total += loss.detach()
    return total


def train_network(
    network: nn.Module,
    recipe: Recipe,
    train: tuple[NDArray[Any], Labels],
    validation: tuple[dict[str, Films], Labels],
    *,
    workers: int = 0,
    group: Group = ALONE,
    states: StateFile | None = None,
    keep: Callable[[Weights, EpochRecord], None] = lambda *_: None,
    report_step: Callable[[int, int, float], None] = lambda *_: None,
    report_epoch: Callable[[EpochRecord], None] = lambda _: None,
) -> list[EpochRecord]:
    """Train ``network`` as ``recipe`` says; leave the kept weights in it, in eval mode.

    Parameters
    ----------
    network
        Its outputs as the recipe has them; on the device where it is to be trained.
    train
        Films as :func:`hilum.training.films.load_films` gives them, and their labels.
    validation
        Name of a stress to the validation films under it (``"clean"`` is needed), and labels.
    workers
        Processes that augment films beside the training; the outcome does not depend on it.
    group
        The processes that train together.
    states
        Where the state is written now and then. A state that is there already is gone on
        with: the outcome is that of a run without a break, to the last bit.
    keep
        Called with the weights of each epoch that is better than all before it.
    report_step
        Called after every step with (step, steps, loss).
    report_epoch
        Called after every epoch.

    Returns
    -------
    The records of all epochs, those before a break included.

    Raises
    ------
    ConfigError
        The recipe names parameters that do not exist or leaves none to train; the state is
        of another run.
    TrainingError
        Training diverges, or the state cannot be written.
    """
    device = next(network.parameters()).device
    with use_determinism(device), keep_memory(device):
        # Each process drops out other units; the first one draws as a single process would.
        torch.manual_seed(recipe.seed + group.rank)
        loader, compute_loss = build_loader(recipe, train, workers, group, device)
        state = _begin(network, recipe, len(loader), group)
        saved = None if states is None else states.read()
        if saved is not None:
            state.restore(saved, group)
        began, first = time.monotonic(), state.step

        def after_step(loss: float) -> None:
            report_step(state.step, state.steps, loss)
            if states is not None and group.agree_on(states.is_due(state.step), device):
                _write(state, states, group)

        while state.epoch <= recipe.optimization.epochs and not has_stopped(
            state.records, recipe.selection
        ):
            freeze(network, recipe, state.epoch)
            train_epoch(state, recipe, loader, compute_loss, group, after_step)
            films = (state.step - first) * recipe.optimization.batch_size
            films_per_s = films / (time.monotonic() - began)
            record = _judge(state, recipe, validation, group, films_per_s)
            if is_best(record, state.records, recipe.selection):
                state.kept = {
                    name: value.detach().clone()
                    for name, value in state.validated.state_dict().items()
                }
                if group.leads:
                    keep(state.kept, record)
            state.records.append(record)
            state.epoch, state.losses = state.epoch + 1, []
            report_epoch(record)
            if states is not None:
                _write(state, states, group)
            began, first = time.monotonic(), state.step
    network.load_state_dict(state.kept)
    network.eval()
    return state.records


def build_loader(
    recipe: Recipe,
    train: tuple[NDArray[Any], Labels],
    workers: int,
    group: Group,
    device: torch.device,
) -> tuple[DataLoader[tuple[Tensor, Tensor]], Loss]:
    """Give what hands out a process's share of each batch, augmented, and the loss."""
    films, labels = train
    teachers = load_teachers(recipe.distillation, recipe.input)
    dataset = TrainingFilms(
        films,
        labels,
        recipe.input,
        recipe.augmentation,
        recipe.seed,
        teachers,
        recipe.optimization.progressive_resizing,
    )
    sampler = EpochSampler(labels, recipe.seed, recipe.optimization.epoch)
    loader = DataLoader(
        dataset,
        batch_sampler=Batches(sampler, recipe.optimization.batch_size, group),
        num_workers=workers,
        pin_memory=device.type == "cuda",
    )
    return loader, add_map_terms(build_loss(recipe, labels), recipe, dataset.layout)


def _begin(network: nn.Module, recipe: Recipe, steps_an_epoch: int, group: Group) -> TrainingState:
    section = recipe.optimization
    freeze(network, recipe)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch
    network = share_normalisation(network, group)
    optimizer = build_optimizer(network, section)
    device = next(network.parameters()).device
    autocast(device, section.precision)
    return TrainingState(
        network=network,
        optimizer=optimizer,
        scaler=GradScaler(device.type, enabled=section.precision == "float16"),
        average=build_average(network, section, steps_an_epoch),
        device=device,
        steps_an_epoch=steps_an_epoch,
        steps=steps_an_epoch * section.epochs,
        base_rates=[group["lr"] for group in optimizer.param_groups],
    )


def _judge(
    state: TrainingState,
    recipe: Recipe,
    validation: tuple[dict[str, Films], Labels],
    group: Group,
    films_per_s: float,
) -> EpochRecord:
    films, labels = validation
    if not recipe.selection.stresses(state.epoch, recipe.optimization.epochs):
        films = {"clean": films["clean"]}
    judged = validate(state.validated, recipe, films, labels, group)
    return EpochRecord(
        epoch=state.epoch,
        learning_rate=state.optimizer.param_groups[0]["lr"],
        train_loss=float(np.mean(group.gather(float(np.mean(state.losses))))),
        auc=judged.auc,
        loss=judged.loss,
        accuracy=judged.accuracy,
        balanced_accuracy=judged.balanced_accuracy,
        films_per_s=films_per_s,
    )


def _write(state: TrainingState, states: StateFile, group: Group) -> None:
    captured = state.capture(group)
    if group.leads:
        states.write(captured)


def is_best(record: EpochRecord, earlier: list[EpochRecord], selection: SelectionSection) -> bool:
    """Whether an epoch is better than all before it."""
    metric = selection.metric
    if not record.has(metric):
        return False
    rivals = [other for other in earlier if other.has(metric)]
    return all(record.score(metric) > other.score(metric) for other in rivals)


def has_stopped(records: list[EpochRecord], selection: SelectionSection) -> bool:
    """Whether as many epochs as the recipe has patience for have brought nothing better."""
    metric = selection.metric
    scores = [record.score(metric) for record in records if record.has(metric)]
    if selection.patience is None or not scores:
        return False
    return len(scores) - 1 - scores.index(max(scores)) >= selection.patience
