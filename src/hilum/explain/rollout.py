"""Attention rollout: what each patch adds to the pooled token, if attention were all there is."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np

from hilum.errors import ConfigError, MissingExtraError, ModelError
from hilum.explain.networks import open_network
from hilum.explain.probe import Map, Probe
from hilum.language import Text

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtraError("train", Text("follow the attention of a transformer")) from error


def compute_rollout(probe: Probe) -> Map:
    """Multiply the attention of all blocks, each with its shortcut, and average over patches.

    Returns
    -------
    Shape (h, w): the largest cell is 1.

    Raises
    ------
    ConfigError
        The network has no attention that is seen.
    ModelError
        torch could not run the network.
    """
    network = open_network(probe.backend)
    inner = network.network
    blocks = [
        module
        for module in inner.modules()
        if hasattr(module, "fused_attn")
        and isinstance(getattr(module, "attn_drop", None), nn.Module)
    ]
    if not blocks or not hasattr(inner, "num_prefix_tokens"):
        raise ConfigError(
            f"{type(inner).__name__} is no vision transformer: attention_rollout has nothing to "
            "follow. Use another method."
        )
    tensor = torch.from_numpy(probe.planes[None].copy()).to(network.head.weight.device)
    try:
        attention = _watch(inner, blocks, tensor)
    except RuntimeError as error:
        raise ModelError(f"torch could not explain {probe.backend.spec.name}: {error}") from error
    tokens = attention[0].shape[-1]
    rollout = torch.eye(tokens)
    for one in attention:
        # Heads are averaged; half of what leaves a block came past its attention.
        mixed = 0.5 * (one[0].float().mean(dim=0).cpu() + torch.eye(tokens))
        rollout = mixed @ rollout
    prefix = int(inner.num_prefix_tokens)
    height, width = inner.patch_embed.grid_size
    patches = rollout[prefix:, prefix:].mean(dim=0).reshape(height, width).numpy()
    values: Map = (patches / patches.max()).astype(np.float32)
    return values


def _watch(network: nn.Module, blocks: list[Any], tensor: Tensor) -> list[Tensor]:
    """Run the network with its attention computed in the open, and give it block by block."""
    seen: list[Tensor] = []
    with ExitStack() as stack, torch.inference_mode():
        for block in blocks:
            stack.callback(setattr, block, "fused_attn", block.fused_attn)
            block.fused_attn = False
            handle = block.attn_drop.register_forward_hook(lambda *one: seen.append(one[2]))
            stack.callback(handle.remove)
        network(tensor)
    return seen
