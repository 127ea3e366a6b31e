"""Class activation maps of any layer, by the formulas of the library ``grad-cam``."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
from PIL import Image

from hilum.errors import MissingExtraError, ModelError
from hilum.explain.networks import choose_layers, open_network
from hilum.explain.probe import Map, Probe
from hilum.models.head import arrange_planes

try:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library's own imports
        import pytorch_grad_cam
except ImportError as error:
    raise MissingExtraError("train", "explain by class activation maps of any layer") from error


def compute_cam(probe: Probe, name: str, layers: str, *, logits: bool) -> Map:
    """Make a map by a class of the library ``grad-cam``.

    Parameters
    ----------
    name
        The class, e.g. ``"GradCAM"``.
    layers
        See :func:`hilum.explain.networks.choose_layers`.
    logits
        Cells are the products of gradients and activations, so their sum is a share of the
        logit; multiplied by the number of cells, they are in the unit of ``evidence``. Otherwise
        the largest cell is made 1.

    Raises
    ------
    ConfigError
        There is no such layer.
    ModelError
        torch could not run the network.
    """
    network = open_network(probe.backend)
    chosen = choose_layers(network, layers)
    tensor = torch.from_numpy(probe.planes[None].copy()).to(network.head.weight.device)
    # The film asks for the gradient, not the weights: frozen ones do no harm, and theirs are
    # neither computed nor kept.
    tensor.requires_grad_()
    arrange = partial(arrange_planes, network.network)
    make = getattr(pytorch_grad_cam, name)
    try:
        with make(network.network, chosen, reshape_transform=arrange) as cam:
            watched = cam.activations_and_grads
            with torch.set_grad_enabled(cam.uses_gradients):
                score = probe.sign * watched(tensor)[0, 0]
            if cam.uses_gradients:
                torch.autograd.grad(score, tensor)
            # Both lists are in the order in which the film passes the layers.
            activations = [one.float().numpy() for one in watched.activations]
            gradients = [one.float().numpy() for one in watched.gradients] or [None] * len(chosen)
            maps = [
                np.asarray(
                    cam.get_cam_image(tensor, layer, None, seen, slope, False)[0], dtype=np.float32
                )
                for layer, seen, slope in zip(chosen, activations, gradients, strict=True)
            ]
    except RuntimeError as error:
        raise ModelError(f"torch could not explain {probe.backend.spec.name}: {error}") from error
    if name == "EigenCAM":
        maps = [_turn(one, seen[0]) for one, seen in zip(maps, activations, strict=True)]
    cut = [np.maximum(one, 0.0) * one.size if logits else _scale(one) for one in maps]
    fused: Map = np.mean([_enlarge(one, cut) for one in cut], axis=0, dtype=np.float32)
    return fused


def _turn(values: Map, activations: Map) -> Map:
    """Give the pattern the sign in which activations are larger."""
    strength = np.abs(activations).sum(axis=0)
    agreement = float(((strength - strength.mean()) * values).sum())
    return -values if agreement < 0 else values


def _scale(values: Map) -> Map:
    cut = np.maximum(values, 0.0)
    largest = cut.max()
    return cut / largest if largest > 0 else cut


def _enlarge(values: Map, others: list[Map]) -> Map:
    height, width = max((one.shape for one in others), key=lambda shape: shape[0] * shape[1])
    if values.shape == (height, width):
        return values
    image = Image.fromarray(values).resize((width, height), Image.Resampling.BILINEAR)
    enlarged: Map = np.asarray(image)
    return enlarged


def compute_ablation(probe: Probe) -> Map:
    """Weigh the channels of the pooled layer by what each adds to the logit.

    Raises
    ------
    ModelError
        torch could not run the network.
    """
    network = open_network(probe.backend)
    tensor = torch.from_numpy(probe.planes[None].copy()).to(network.head.weight.device)
    try:
        with torch.inference_mode():
            activations = network.compute_activations(tensor)[0].float()
            added = probe.sign * network.head.weight[0] * activations.mean(dim=(1, 2))
            values = torch.tensordot(added, activations, dims=1).cpu().numpy()
    except RuntimeError as error:
        raise ModelError(f"torch could not explain {probe.backend.spec.name}: {error}") from error
    return _scale(values)
