"""From an exported ONNX file back to timm's network on torch.

The file says which network it is and which norms were folded; its tensors keep timm's names.
A folded norm comes back as one that only adds its bias, so the network has the layers that
timm gave it and computes what the graph computes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeGuard

from hilum.errors import ConfigError, MissingExtraError, SpecMismatchError
from hilum.models.build import build_network
from hilum.models.export import METADATA_KEY
from hilum.models.onnx_storage import read_weights_as_float32

try:
    import onnx
    import torch
    from torch import nn
except ImportError as error:
    raise MissingExtraError("train", "run a shipped model on torch") from error

if TYPE_CHECKING:
    from torch import Tensor


def restore_network(weights: bytes) -> nn.Module:
    """Build the timm network that an ONNX file of hilum was exported from.

    Parameters
    ----------
    weights
        The file, e.g. from :func:`hilum.spec.read_weights`. Weights stored as less come
        back as the float32 numbers that they stand for.

    Returns
    -------
    The network in evaluation mode, on the CPU, in float32.

    Raises
    ------
    SpecMismatchError
        The file is no ONNX graph that :func:`hilum.models.export.export_onnx` wrote, or its
        tensors are not those of the network that it names.
    """
    model, note = _read_graph(weights)
    tensors = {
        name: torch.from_numpy(values) for name, values in read_weights_as_float32(model).items()
    }
    try:
        network = _build_empty(note["timm_name"], note["in_channels"])
        complete = _complete(network, tensors, note["folded_norms"])
        network.load_state_dict(complete, assign=True)
    except (ConfigError, KeyError, RuntimeError, TypeError) as error:
        raise SpecMismatchError(
            "The ONNX file does not hold the tensors of the network that it names: "
            f"{str(error).splitlines()[0]}"
        ) from error
    return network.eval()


def is_folded(module: nn.Module) -> TypeGuard[nn.BatchNorm2d]:
    """Whether a module is a norm that :func:`restore_network` put where one had been folded."""
    if not isinstance(module, nn.BatchNorm2d):
        return False
    mean, variance = module.running_mean, module.running_var
    if mean is None or variance is None:
        return False
    untouched = _leave_as_it_is(torch.ones_like(variance), module.eps)
    return torch.equal(variance, untouched) and not bool(mean.any())


def read_folded_norms(weights: bytes) -> dict[str, str]:
    """Give the names of the norms that were folded, and the convolution that each one was after.

    Raises
    ------
    SpecMismatchError
        As :func:`restore_network`.
    """
    _, note = _read_graph(weights)
    return dict(note["folded_norms"])


def _leave_as_it_is(ones: Tensor, epsilon: float) -> Tensor:
    """Give the variance of a norm without effect: 1 / sqrt((1 - ε) + ε) = 1."""
    return ones - epsilon


def _build_empty(timm_name: str, in_channels: int) -> nn.Module:
    """Build a network without the random numbers that would be overwritten: they take longest."""
    with torch.device("meta"):
        network = build_network(timm_name, init="none", in_channels=in_channels)
    if {name for name, _ in network.named_buffers()} <= network.state_dict().keys():
        return network
    # It computes tables for itself that no file holds.
    return build_network(timm_name, init="none", in_channels=in_channels)


def _read_graph(weights: bytes) -> tuple[onnx.ModelProto, dict[str, Any]]:
    try:
        model = onnx.load_from_string(weights)
    except Exception as error:  # protobuf's own, which has no typed import
        raise SpecMismatchError("The file is not an ONNX graph.") from error
    for item in model.metadata_props:
        if item.key == METADATA_KEY:
            note: dict[str, Any] = json.loads(item.value)
            if "members" in note:
                names = ", ".join(member["name"] for member in note["members"])
                raise SpecMismatchError(
                    f"The file is an ensemble: no network of timm's computes it. Load its "
                    f"members instead: {names}."
                )
            return model, note
    raise SpecMismatchError(
        "The ONNX file does not say which network it is: `hilum export` did not write it."
    )


def _complete(
    network: nn.Module, tensors: dict[str, Tensor], folded_norms: dict[str, str]
) -> dict[str, Tensor]:
    """Add the tensors that folding took away to those of the file."""
    expected = network.state_dict()
    complete = {name: tensor for name, tensor in tensors.items() if name in expected}
    for norm, convolution in folded_norms.items():
        epsilon = float(network.get_submodule(norm).eps)  # type: ignore[arg-type]
        ones = torch.ones(expected[f"{norm}.weight"].shape)
        complete[f"{norm}.weight"] = ones
        complete[f"{norm}.running_mean"] = torch.zeros_like(ones)
        complete[f"{norm}.running_var"] = _leave_as_it_is(ones, epsilon)
        if f"{convolution}.bias" in expected:
            complete[f"{convolution}.bias"] = torch.zeros(expected[f"{convolution}.bias"].shape)
    counters = {name: torch.tensor(0) for name in expected if name.endswith("num_batches_tracked")}
    return complete | counters
