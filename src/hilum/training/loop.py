"""The training loop: explicit, from the first step to the last."""

from __future__ import annotations

import copy
import fnmatch
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader

from hilum.errors import ConfigError
from hilum.metrics import compute_auc
from hilum.preprocess import normalize_film
from hilum.spec import InputSpec
from hilum.training.films import EpochSampler, TrainingFilms
from hilum.training.recipe import NetworkSection, OptimizationSection, Recipe

Films = NDArray[np.float32]
Labels = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One line of the history: training loss and AUC of the validation films by stress."""

    epoch: int
    learning_rate: float
    train_loss: float
    auc: dict[str, float]

    @property
    def worst_stressed_auc(self) -> float:
        """Lowest AUC over the clean films and every stress."""
        return min(self.auc.values())

    @property
    def mean_stressed_auc(self) -> float:
        """Mean AUC over the clean films and every stress."""
        return sum(self.auc.values()) / len(self.auc)

    def score(self, metric: str) -> float:
        """Give what the recipe selects by; higher is better."""
        if metric == "last":
            return float(self.epoch)
        if metric == "auc":
            return self.auc["clean"]
        return float(getattr(self, metric))


def freeze(network: nn.Module, section: NetworkSection) -> None:
    """Stop the gradients of the parameters that the recipe names.

    Raises
    ------
    ConfigError
        A pattern names no parameter.
    """
    names = [name for name, _ in network.named_parameters()]
    for pattern in section.freeze:
        if not fnmatch.filter(names, pattern):
            raise ConfigError(
                f"network.freeze: no parameter of {section.architecture} matches {pattern!r}. "
                f"Its parameters are named like {', '.join(names[:3])}, …, {names[-1]}."
            )
    for name, parameter in network.named_parameters():
        if any(fnmatch.fnmatch(name, pattern) for pattern in section.freeze):
            parameter.requires_grad_(False)


def set_training_mode(network: nn.Module, section: NetworkSection) -> None:
    """Turn on training mode, but for normalisations whose statistics stay as they are."""
    network.train()
    for name, module in network.named_modules():
        frozen = any(fnmatch.fnmatch(f"{name}.weight", pattern) for pattern in section.freeze)
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and (
            section.freeze_batch_norm or frozen
        ):
            module.eval()


def build_optimizer(network: nn.Module, section: OptimizationSection) -> torch.optim.Optimizer:
    """AdamW; no decay on biases and normalisations; the head may have a rate of its own."""
    head = {id(parameter) for parameter in network.get_classifier().parameters()}  # type: ignore[operator]  # timm
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            key = (id(parameter) in head, parameter.ndim > 1)
            groups.setdefault(key, []).append(parameter)
    if not groups:
        raise ConfigError("network.freeze leaves no parameter to train.")
    head_rate = section.head_learning_rate or section.learning_rate
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "lr": head_rate if in_head else section.learning_rate,
                "weight_decay": section.weight_decay if is_matrix else 0.0,
            }
            for (in_head, is_matrix), parameters in groups.items()
        ]
    )


def schedule_factor(step: int, steps: int, warmup_fraction: float) -> float:
    """Give the factor on the learning rate: a linear warm-up, then half a cosine to zero."""
    warmup = warmup_fraction * steps
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))


@torch.no_grad()
def predict_logits(
    network: nn.Module, films: Films, spec: InputSpec, *, precision: str, batch_size: int = 64
) -> NDArray[np.float64]:
    """Logit of each film of shape (H, W) in [0, 1]; the network is left in eval mode."""
    network.eval()
    logits = []
    for start in range(0, len(films), batch_size):
        planes = [normalize_film(film, spec) for film in films[start : start + batch_size]]
        batch = torch.from_numpy(np.concatenate(planes))
        batch = batch.to(next(network.parameters()).device, memory_format=torch.channels_last)
        with autocast(batch.device, precision):
            logits.append(network(batch)[:, 0].float().cpu().numpy())
    return np.concatenate(logits).astype(np.float64)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Give the arithmetic that the recipe names."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


class WeightAverage:
    """Exponential moving average of the weights that are trained.

    The decay grows from 0 with the number of steps (as (1 + n) / (10 + n)), so that the
    average forgets the initial weights at once.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self._decay = decay
        self._steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards the weights after a step."""
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        self._steps += 1
        own = self.network.state_dict()
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                own[name].lerp_(value, 1.0 - decay)
            else:
                own[name].copy_(value)


def mix_batch(
    films: torch.Tensor, labels: torch.Tensor, alpha: float, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mixup (Zhang 2018): each film and label with those of the film in the mirrored place."""
    if alpha <= 0:
        return films, labels
    share = float(rng.beta(alpha, alpha))
    mixed = films * share + films.flip(0) * (1 - share)
    return mixed, labels * share + labels.flip(0) * (1 - share)


@dataclass(slots=True)
class TrainingState:
    """What changes from step to step."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    base_rates: list[float]
    average: WeightAverage
    steps: int
    step: int = 0


def train_epoch(
    state: TrainingState,
    recipe: Recipe,
    loader: DataLoader[tuple[torch.Tensor, torch.Tensor]],
    mix_rng: np.random.Generator,
    report_step: Callable[[int, int, float], None],
) -> float:
    """Take one step for every batch of ``loader``; give the mean loss."""
    section, network = recipe.optimization, state.network
    device = next(network.parameters()).device
    set_training_mode(network, recipe.network)
    losses = []
    for films, labels in loader:
        factor = schedule_factor(state.step, state.steps, section.warmup_fraction)
        for group, rate in zip(state.optimizer.param_groups, state.base_rates, strict=True):
            group["lr"] = rate * factor
        films, labels = mix_batch(films, labels, section.mixup_alpha, mix_rng)
        labels = labels * (1 - section.label_smoothing) + 0.5 * section.label_smoothing
        with autocast(device, section.precision):
            logits = network(films.to(device, memory_format=torch.channels_last))[:, 0]
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), labels.to(device))
        state.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch
        if section.clip_gradient_norm is not None:
            nn.utils.clip_grad_norm_(network.parameters(), section.clip_gradient_norm)
        state.optimizer.step()
        state.average.update(network)
        state.step += 1
        losses.append(loss.item())
        report_step(state.step, state.steps, losses[-1])
    mean_loss = float(np.mean(losses))
    if not math.isfinite(mean_loss):
        raise ConfigError(
            f"The loss is no longer finite after step {state.step}: training has diverged. Lower "
            "optimization.learning_rate or set optimization.clip_gradient_norm."
        )
    return mean_loss


def validate(
    network: nn.Module, recipe: Recipe, validation: dict[str, Films], labels: Labels
) -> dict[str, float]:
    """Give the AUC of the validation films under each stress."""
    precision = recipe.optimization.precision
    return {
        name: compute_auc(labels, predict_logits(network, films, recipe.input, precision=precision))
        for name, films in validation.items()
    }


def train_network(
    network: nn.Module,
    recipe: Recipe,
    train: tuple[Films, Labels],
    validation: tuple[dict[str, Films], Labels],
    *,
    workers: int = 0,
    report_step: Callable[[int, int, float], None] = lambda *_: None,
    report_epoch: Callable[[EpochRecord], None] = lambda _: None,
) -> list[EpochRecord]:
    """Train ``network`` as ``recipe`` says; leave the kept weights in it, in eval mode.

    Parameters
    ----------
    network
        One output logit; on the device where it is to be trained.
    train
        Films, float32, shape (N, height_px, width_px), in [0, 1], and their labels.
    validation
        Name of a stress to the validation films under it (``"clean"`` is needed), and labels.
    workers
        Processes that augment films beside the training; the outcome does not depend on it.
    report_step
        Called after every step with (step, steps, loss).
    report_epoch
        Called after every epoch.

    Returns
    -------
    The records of all epochs.

    Raises
    ------
    ConfigError
        The recipe names parameters that do not exist or leaves none to train, or training
        diverges.
    """
    section, (films, labels) = recipe.optimization, train
    torch.manual_seed(recipe.seed)
    freeze(network, recipe.network)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch
    dataset = TrainingFilms(films, labels, recipe.input, recipe.augmentation, recipe.seed)
    sampler = EpochSampler(labels, recipe.seed, balanced=section.epoch == "balanced")
    loader = DataLoader(
        dataset,
        section.batch_size,
        sampler=sampler,
        num_workers=workers,
        drop_last=len(sampler) >= section.batch_size,
    )
    optimizer = build_optimizer(network, section)
    state = TrainingState(
        network=network,
        optimizer=optimizer,
        base_rates=[group["lr"] for group in optimizer.param_groups],
        average=WeightAverage(network, section.average_decay),
        steps=len(loader) * section.epochs,
    )
    records: list[EpochRecord] = []
    kept = copy.deepcopy(network.state_dict())
    for epoch in range(1, section.epochs + 1):
        sampler.epoch = epoch
        mix_rng = np.random.default_rng((recipe.seed, epoch))
        loss = train_epoch(state, recipe, loader, mix_rng, report_step)
        validated = state.average.network
        record = EpochRecord(
            epoch,
            optimizer.param_groups[0]["lr"],
            loss,
            validate(validated, recipe, *validation),
        )
        metric = recipe.selection.metric
        if all(record.score(metric) > earlier.score(metric) for earlier in records):
            kept = copy.deepcopy(validated.state_dict())
        records.append(record)
        report_epoch(record)
    network.load_state_dict(kept)
    network.eval()
    return records
