"""Networks of timm with random weights that behave like trained ones, and their specs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from factories.networks import make_tiny_facts
from hilum.models.build import build_network
from hilum.models.checkpoint import CheckpointMetadata, save_checkpoint
from hilum.models.export import ExportedGraph, export_onnx
from hilum.models.head import EvidenceNetwork
from hilum.spec import Architecture, InputSpec, ModelSpec, Storage, write_spec

if TYPE_CHECKING:
    from pathlib import Path

# timm's own networks for tests: a family's layers at a thousandth of its size.
SMALL_RESNET = "test_resnet"
SMALL_EFFICIENTNET = "test_efficientnet"
SMALL_VIT = "test_vit"


def choose_size_px(timm_name: str) -> int:
    """Give the side of the films to test a network with: the only one of ViTs, else 64."""
    if timm_name == SMALL_VIT:
        return 160
    return 224 if timm_name.startswith("vit") else 64


def build_seasoned_network(timm_name: str, *, channels: int = 1, seed: int = 0) -> nn.Module:
    """Build a network whose norms have seen noise and whose logit has a sensible size.

    Fresh norms are the identity, which would hide an error in folding them.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network: Any = build_network(timm_name, init="none", in_channels=channels)
        size_px = choose_size_px(timm_name)
        network.train()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # plain averages over the batches below
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.ndim == 1:
                    parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
            head = network.get_classifier()
            nn.init.normal_(head.weight, std=head.in_features**-0.5, generator=generator)
            head.bias.fill_(0.25)
            for _ in range(4):
                noise = torch.randn(4, channels, size_px, size_px, generator=generator)
                network(noise)
            # A map in logit units, as trained ones are; random features are of any size.
            _, evidence, *_ = EvidenceNetwork(network, size_px=(size_px, size_px))(noise)
            head.weight /= evidence.abs().max()
    return network  # type: ignore[no-any-return]


def export_network(
    network: nn.Module, timm_name: str, *, channels: int = 1, storage: Storage = "float32"
) -> ExportedGraph:
    """Export a network at the size of :func:`choose_size_px`."""
    size_px = choose_size_px(timm_name)
    return export_onnx(
        network, height_px=size_px, width_px=size_px, channels=channels, storage=storage
    )


def describe(network: nn.Module, timm_name: str) -> ExportedGraph:
    """Give what :func:`make_spec` needs of a network that is run on torch and never exported."""
    size_px = choose_size_px(timm_name)
    evidence_network = EvidenceNetwork(network, size_px=(size_px, size_px))
    with torch.inference_mode():
        probe = torch.zeros(1, evidence_network.in_channels, size_px, size_px)
        activations = evidence_network.compute_activations(probe)
    architecture = Architecture(
        family=type(network).__name__,
        timm_name=timm_name,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        evidence_shape=(activations.shape[2], activations.shape[3]),
        embedding_size=activations.shape[1],
        head_bias=evidence_network.bias,
    )
    return ExportedGraph(b"", hashlib.sha256(b"").hexdigest(), "float32", architecture, 0.0)


def make_spec(graph: ExportedGraph, *, name: str = "small", channels: int = 1) -> ModelSpec:
    """Give a valid spec for an exported graph."""
    size_px = choose_size_px(graph.architecture.timm_name)
    film = InputSpec(
        height_px=size_px,
        width_px=size_px,
        channels=1 if channels == 1 else 3,
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
    )
    facts = make_tiny_facts(graph.data, film, name=name)
    facts["weights"] |= {
        "sha256": hashlib.sha256(graph.data).hexdigest(),
        "storage": graph.storage,
    }
    facts["architecture"] = graph.architecture.model_dump()
    return ModelSpec.model_validate(facts)


def write_run(folder: Path, timm_name: str = SMALL_RESNET) -> ModelSpec:
    """Write checkpoint, graph and spec into ``folder``, as a training run leaves them."""
    network = build_seasoned_network(timm_name)
    graph = export_network(network, timm_name)
    spec = make_spec(graph)
    size_px = choose_size_px(timm_name)
    folder.mkdir(parents=True, exist_ok=True)
    save_checkpoint(
        folder / "checkpoint.safetensors",
        network,
        CheckpointMetadata(timm_name, 1, size_px, size_px, "random"),
    )
    (folder / spec.weights.file).write_bytes(graph.data)
    write_spec(spec, folder / f"{spec.name}.json")
    return spec
