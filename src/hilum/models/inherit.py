"""Begin with a model of hilum: fine-tune it, or grow a deeper network out of it.

An exported graph has its norms folded into its filters. They come back as norms that do nothing
(:mod:`hilum.models.restore`), with which a network answers as it did and learns badly: nothing
takes the scale from its films, and filters before a norm of small gain, as the last one of a
residual block has, are so small that a step of the usual size throws them over. So filters get the
size back that they are drawn with, and :func:`unfold_norms` gives the norms their work, both
without a change to any answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.errors import ConfigError, MissingExtraError
from hilum.models.head import count_input_channels
from hilum.models.initialisation import adapt_and_load
from hilum.models.restore import is_folded, read_folded_norms, restore_network
from hilum.spec import ModelSpec, read_weights

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtraError("train", "begin with a model's weights") from error

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

# Two orders of the same float32 sums differ by less, relative to the larger logit.
_TOLERANCE = 1e-4


def inherit_weights(network: nn.Module, spec: ModelSpec, folder: Path) -> None:
    """Load the weights of a model into ``network``, which is the same network or a deeper one.

    Blocks that the model has not must begin as identity, as those of timm's ResNets do (their
    last norm begins at zero; Goyal 2017): the network then answers as the model does. A head
    of another number of logits is left as it was.

    Parameters
    ----------
    spec, folder
        As :func:`hilum.models.zoo.resolve_model` gives them.

    Raises
    ------
    ConfigError
        The model is of another network, or the network's further blocks change its answer.
    SpecMismatchError
        The weights are damaged, or the model is an ensemble.
    """
    graph = read_weights(spec, folder)
    model = restore_network(graph)
    _resize_filters(model, read_folded_norms(graph))
    weights = model.state_dict()
    origin = f"{spec.name} ({spec.architecture.timm_name})"
    fresh = network.state_dict()
    further = [name for name in fresh if _is_of_another_block(name, weights)]
    adapt_and_load(network, weights | {name: fresh[name] for name in further}, origin=origin)
    if further and not _answer_alike(model, network, spec):
        raise ConfigError(
            f"The network has blocks that {origin} has not, and they do not begin as identity: "
            "it would forget what the model knows. A deeper network of the same kind whose blocks "
            "do is needed, as resnet34 is to resnet18."
        )


@torch.no_grad()
def _resize_filters(model: nn.Module, folded_norms: dict[str, str]) -> None:
    """Give every filter before a folded norm the size of a fresh one, and the norm the inverse.

    The root of the mean square of a fresh filter is sqrt(2 / fan out) (He 2015).
    """
    for norm_name, name in folded_norms.items():
        norm, convolution = model.get_submodule(norm_name), model.get_submodule(name)
        assert isinstance(norm, nn.BatchNorm2d)
        assert isinstance(convolution, nn.Conv2d)
        filters = convolution.weight
        fan_out = filters.shape[0] * filters[0, 0].numel() / convolution.groups
        size = filters.flatten(1).square().mean(dim=1).sqrt()
        factor = torch.where(size > 0, (2 / fan_out) ** 0.5 / size, 1.0)
        filters.mul_(factor[:, None, None, None])
        norm.weight.div_(factor)


def _is_of_another_block(name: str, weights: Mapping[str, Tensor]) -> bool:
    """Whether ``name`` is in a numbered block of which ``weights`` hold nothing."""
    parts = name.split(".")
    return any(
        part.isdigit() and not _hold_any(weights, ".".join(parts[: place + 1]) + ".")
        for place, part in enumerate(parts)
    )


def _hold_any(names: Collection[str], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in names)


def _answer_alike(model: nn.Module, network: nn.Module, spec: ModelSpec) -> bool:
    """Compare what reaches the heads, which may differ in their number of logits, on noise."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(2, 1, spec.input.height_px, spec.input.width_px, generator=generator)
    mode = network.training
    outputs: list[Tensor] = []
    for one in (model.eval(), network.eval()):
        films = noise.expand(-1, count_input_channels(one), -1, -1)
        with torch.no_grad():
            outputs.append(one.forward_features(films))  # type: ignore[operator]  # timm
    network.train(mode)
    theirs, ours = outputs
    return ours.shape == theirs.shape and bool(
        (ours - theirs).abs().max() <= _TOLERANCE * theirs.abs().max()
    )


@torch.no_grad()
def unfold_norms(network: nn.Module, batches: Iterable[Tensor]) -> int:
    """Give norms that were folded away their work back, without a change to any answer.

    Of what reaches such a norm, the mean and the deviation become its statistics, and its gain
    and offset take them back. In evaluation mode it does what it did; in training mode it
    normalises its batch, and gives about the same.

    Parameters
    ----------
    batches
        Inputs such as the network is to be trained with, float32, shape (N, C, H, W) each, on
        the network's device.

    Returns
    -------
    How many norms were folded. With none, ``batches`` are not asked for.
    """
    folded = [one for one in network.modules() if is_folded(one)]
    if not folded:
        return 0
    sums = {norm: _Sums() for norm in folded}
    hooks = [norm.register_forward_pre_hook(sums[norm].add) for norm in folded]
    mode = network.training
    network.eval()
    try:
        for batch in batches:
            network(batch)
    finally:
        network.train(mode)
        for hook in hooks:
            hook.remove()
    for norm in folded:
        assert norm.running_mean is not None  # is_folded
        assert norm.running_var is not None
        mean, variance = sums[norm].compute()
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        norm.bias.add_((mean - norm.running_mean) * gain)
        norm.weight.copy_(gain * torch.sqrt(variance + norm.eps))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
    return len(folded)


class _Sums:
    """Count, sum and sum of squares of each channel, in float64."""

    def __init__(self) -> None:
        self.count = 0
        self.total: Tensor | float = 0.0
        self.squares: Tensor | float = 0.0

    def add(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        planes = inputs[0].double()
        self.count += planes.numel() // planes.shape[1]
        self.total = self.total + planes.sum(dim=(0, 2, 3))
        self.squares = self.squares + planes.square().sum(dim=(0, 2, 3))

    def compute(self) -> tuple[Tensor, Tensor]:
        mean = torch.as_tensor(self.total) / self.count
        variance = torch.as_tensor(self.squares) / self.count - mean.square()
        # A channel that is the same on every film has none.
        return mean.float(), variance.clamp_min(0.0).float()
