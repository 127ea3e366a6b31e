"""Which parameters learn, when, and how fast."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Sequence

import torch
from timm.models import group_parameters
from torch import nn

from hilum.errors import ConfigError
from hilum.training.optimization import OptimizationSection
from hilum.training.recipe import NetworkSection, Recipe


def freeze(network: nn.Module, recipe: Recipe, epoch: int = 1) -> bool:
    """Let exactly those parameters learn that the recipe lets learn in ``epoch``.

    Returns
    -------
    Whether that changed anything.

    Raises
    ------
    ConfigError
        A pattern names no parameter, or nothing is left to train.
    """
    frozen = _match(network, recipe.network.freeze, "network.freeze")
    for step in recipe.optimization.unfreeze:
        named = _match(network, step.parameters, "optimization.unfreeze")
        if step.epoch <= epoch:
            frozen -= named
    changed = False
    for name, parameter in network.named_parameters():
        changed |= parameter.requires_grad is (name in frozen)
        parameter.requires_grad_(name not in frozen)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise ConfigError("network.freeze leaves no parameter to train.")
    return changed


def _match(network: nn.Module, patterns: Sequence[str], key: str) -> set[str]:
    names = [name for name, _ in network.named_parameters()]
    matched: set[str] = set()
    for pattern in patterns:
        found = fnmatch.filter(names, pattern)
        if not found:
            raise ConfigError(
                f"{key}: no parameter of the network matches {pattern!r}. "
                f"Its parameters are named like {', '.join(names[:3])}, …, {names[-1]}."
            )
        matched.update(found)
    return matched


def set_training_mode(network: nn.Module, section: NetworkSection) -> None:
    """Turn on training mode, but for normalisations whose statistics stay as they are."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            frozen = module.weight is not None and not module.weight.requires_grad
            if section.freeze_batch_norm or (frozen and not section.update_frozen_statistics):
                module.eval()


def build_optimizer(network: nn.Module, section: OptimizationSection) -> torch.optim.Optimizer:
    """Build the optimizer of all parameters; those without a gradient stay as they are.

    Parameters that are to be unfrozen later are in it from the start.
    """
    head = {id(parameter) for parameter in network.get_classifier().parameters()}  # type: ignore[operator]  # timm
    depths = _find_depths(network) if section.layer_decay < 1.0 else {}
    deepest = max(depths.values(), default=0)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        decay = section.weight_decay if parameter.ndim > 1 else 0.0
        if id(parameter) in head:
            rate = section.head_learning_rate or section.learning_rate
        else:
            above = deepest - depths.get(name, deepest)
            rate = section.learning_rate * section.layer_decay**above
        groups.setdefault((rate, decay), []).append(parameter)
    described = [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]
    if section.optimizer == "sgd":
        return torch.optim.SGD(
            described,
            section.learning_rate,
            momentum=section.momentum,
            nesterov=section.momentum > 0,
        )
    kind = torch.optim.Adam if section.optimizer == "adam" else torch.optim.AdamW
    return kind(described, section.learning_rate)


def _find_depths(network: nn.Module) -> dict[str, int]:
    try:
        matcher = network.group_matcher(coarse=False)  # type: ignore[operator]  # timm
    except (AttributeError, AssertionError) as error:
        raise ConfigError(
            "optimization.layer_decay: timm does not say in which order the layers of this "
            "network stand. Leave the key out."
        ) from error
    depths: dict[str, int] = group_parameters(network, matcher, reverse=True)
    return depths


class WeightAverage:
    """Average of the weights that are trained: exponential, or plain from some epoch on.

    The exponential decay grows from 0 with the number of steps (as (1 + n) / (10 + n)), so
    that the average forgets the initial weights at once.
    """

    def __init__(
        self, network: nn.Module, section: OptimizationSection, steps_an_epoch: int = 1
    ) -> None:
        self.network = copy.deepcopy(network).eval()
        self.steps = 0
        self._decay = section.average_decay
        self._first: int | None = None
        if section.average_from_epoch is not None:
            self._first = (section.average_from_epoch - 1) * steps_an_epoch

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards the weights after a step."""
        if self._first is None:
            decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        else:
            averaged = max(self.steps - self._first, 0)
            decay = averaged / (averaged + 1)
        self.steps += 1
        own, news = [], []
        theirs = network.state_dict()
        for name, value in self.network.state_dict().items():
            if value.dtype.is_floating_point and decay > 0:
                own.append(value)
                news.append(theirs[name])
            else:
                value.copy_(theirs[name])
        if own:  # One launch on CUDA instead of one a tensor.
            torch._foreach_lerp_(own, news, 1.0 - decay)


def build_average(
    network: nn.Module, section: OptimizationSection, steps_an_epoch: int
) -> WeightAverage | None:
    """Build what the recipe averages by; ``None`` where the weights are kept as they are."""
    if section.average_decay == 0 and section.average_from_epoch is None:
        return None
    return WeightAverage(network, section, steps_an_epoch)
