"""Networks that have forgotten what they learned: the control of every explanation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hilum.errors import MissingExtraError

try:
    import torch
except ImportError as error:
    raise MissingExtraError("train", "draw the weights of a network anew") from error

if TYPE_CHECKING:
    from torch import nn


def shuffle_weights(network: nn.Module, layers: Sequence[str], seed: int = 0) -> Iterator[str]:
    """Shuffle a network's weights from its end to its beginning, step by step.

    Every tensor keeps its numbers and loses their order: the scale of what the network computes
    stays, which weights drawn from a distribution would not give where norms are folded.

    Parameters
    ----------
    network
        A timm network; it is changed in place.
    layers
        Names of modules, from the last to the first. What stands behind the last of them (the
        head) comes first, what stands before the first (the stem) is shuffled at the end.

    Yields
    ------
    ``"head"``, each of ``layers`` and ``"stem"``, when it and all before it are shuffled.
    """
    generator = torch.Generator().manual_seed(seed)
    modules = dict(network.named_modules())
    head = network.get_classifier()  # type: ignore[operator]  # timm
    done: set[int] = set()
    for name, module in [
        ("head", head),
        *((name, modules[name]) for name in layers),
        ("stem", network),
    ]:
        _shuffle(module, done, generator)
        yield name


@torch.no_grad()
def _shuffle(module: nn.Module, done: set[int], generator: torch.Generator) -> None:
    for parameter in module.parameters():
        if id(parameter) not in done:
            done.add(id(parameter))
            order = torch.randperm(parameter.numel(), generator=generator)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
