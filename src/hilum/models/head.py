"""A network's logit, its evidence map and its embedding, from one forward pass.

A network that ends in global average pooling and a linear layer computes

    logit = b + Σ_k w_k · mean_ij A_kij = b + mean_ij (Σ_k w_k A_kij),

so the map ``evidence_ij = Σ_k w_k A_kij`` holds the whole of the logit: together with the bias
its cells average to it. Grad-CAM of the same layer weighs the channels by the mean gradient
∂logit/∂A_kij = w_k / (h·w); before its ReLU it is this map divided by h·w.

Source: Zhou 2016 (CAM), Selvaraju 2017 §3 (Grad-CAM as its generalisation).
"""

from __future__ import annotations

import math
from typing import Any

from hilum.errors import ExportError, MissingExtraError

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtraError("train", "export a network or run it on torch") from error

# Two ways to sum the same float32 products differ by less than this, relative to the sum of
# their sizes; a head with one more layer is off by far more.
_TOLERANCE = 1e-4


class EvidenceNetwork(nn.Module):
    """A timm network that returns logit, signed evidence map, embedding and activations.

    Parameters
    ----------
    network
        As :func:`hilum.models.build.build_network` makes it: one logit, global average
        pooling, a linear head. It is put into evaluation mode and used as it is, not copied.
    in_channels
        Channels of the input; by default those of the network's first convolution.
    size_px
        (height, width) of the input on which the head is checked; by default 64×64, or the
        one size that the network takes.

    Raises
    ------
    ExportError
        The network does not end in global average pooling and one linear layer, so its
        logit has no exact evidence map.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        in_channels: int | None = None,
        size_px: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.network: Any = network.eval()
        self.head = _find_head(network)
        self.in_channels = in_channels or count_input_channels(network)
        self.size_px = size_px or _own_size(network) or (64, 64)
        self._check_head()
        self.eval()

    def forward(self, radiograph: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Run the network.

        Parameters
        ----------
        radiograph
            float32, shape (N, C, H, W).

        Returns
        -------
        logit (N,), evidence (N, h, w), embedding (N, D), activations (N, D, h, w); the mean of
        ``evidence`` plus the bias of the head is ``logit``.
        """
        activations = self.compute_activations(radiograph)
        weight = self.head.weight
        evidence = nn.functional.conv2d(activations, weight[:, :, None, None]).squeeze(1)
        embedding = activations.mean(dim=(2, 3))
        logit = nn.functional.linear(embedding, weight, self.head.bias).squeeze(1)
        return logit, evidence, embedding, activations

    def compute_activations(self, radiograph: Tensor) -> Tensor:
        """Give what the pool averages: shape (N, D, h, w), whatever the network's layout."""
        return arrange_planes(self.network, self.network.forward_features(radiograph))

    @property
    def bias(self) -> float:
        """Bias of the head in logit units."""
        return 0.0 if self.head.bias is None else float(self.head.bias.detach()[0])

    def _check_head(self) -> None:
        # Numbers decide: a layer that hides between the pool and the head (a norm, an
        # activation, a second linear) is seen here, whatever the class is called.
        generator = torch.Generator().manual_seed(0)
        probe = torch.randn(2, self.in_channels, *self.size_px, generator=generator)
        probe = probe.to(self.head.weight)  # its device and type
        with torch.inference_mode():
            expected = self.network(probe)
            try:
                logit, *_ = self(probe)
                activations = self.compute_activations(probe)
                terms = activations.abs().mean(dim=(2, 3)) @ self.head.weight.abs().T
            except (AttributeError, RuntimeError, IndexError) as error:
                raise ExportError(
                    f"{type(self.network).__name__} gives no grid of features that a global "
                    "average pool and a linear layer turn into its logit."
                ) from error
        # The bias is added last: of it there is the rounding of one sum, and no more to forgive.
        rounding = torch.finfo(self.head.weight.dtype).eps * abs(self.bias)
        bound = _TOLERANCE * float(terms.max()) + rounding
        if expected.shape != (2, 1) or not torch.allclose(
            expected[:, 0], logit, rtol=0.0, atol=bound
        ):
            raise ExportError(
                f"{type(self.network).__name__} has more than a global average pool between its "
                "features and its linear head, so its logit has no exact evidence map. Use a "
                "ResNet, an EfficientNet, a DenseNet, or a vision transformer with average "
                "pooling as `hilum train` builds it."
            )


def arrange_planes(network: Any, features: Tensor) -> Tensor:
    """Bring features of any layer of a network to shape (N, D, h, w).

    Parameters
    ----------
    features
        Planes as they are, planes whose channels come last, or a vision transformer's tokens,
        shape (N, prefix + h·w, D).
    """
    if features.ndim == 3:
        features = features[:, network.num_prefix_tokens :]
        height, width = network.patch_embed.grid_size
        # Films of another size than the network's own, but in its proportion, while it trains.
        scale = math.sqrt(features.shape[1] / (height * width))
        height, width = round(height * scale), round(width * scale)
        features = features.transpose(1, 2).reshape(-1, features.shape[2], height, width)
    elif getattr(network, "output_fmt", "NCHW") == "NHWC":
        features = features.permute(0, 3, 1, 2)
    return features


@torch.no_grad()
def merge_logits(network: nn.Module) -> None:
    """Turn a network of two logits into one of one logit, in place.

    The softmax of two logits is the sigmoid of their difference, and the difference of two
    linear heads is a linear head: weight ``w1 - w0``, bias ``b1 - b0``. A network of one logit
    is left as it is.

    Raises
    ------
    ExportError
        The network does not end in one linear layer of one or two logits.
    """
    get_classifier = getattr(network, "get_classifier", None)
    head = get_classifier() if callable(get_classifier) else None
    if isinstance(head, nn.Linear) and head.out_features == 1:
        return
    if not isinstance(head, nn.Linear) or head.out_features != 2:
        raise ExportError(f"{type(network).__name__} does not end in one or two linear logits.")
    merged = nn.Linear(head.in_features, 1, bias=head.bias is not None).to(head.weight)
    merged.weight.copy_(head.weight[1:] - head.weight[:1])
    if head.bias is not None:
        merged.bias.copy_(head.bias[1:] - head.bias[:1])
    name = next(name for name, module in network.named_modules() if module is head)
    network.set_submodule(name, merged.train(head.training))
    network.num_classes = 1  # type: ignore[assignment]  # what timm's networks keep


def _find_head(network: nn.Module) -> nn.Linear:
    get_classifier = getattr(network, "get_classifier", None)
    head = get_classifier() if callable(get_classifier) else None
    if not isinstance(head, nn.Linear) or head.out_features != 1:
        raise ExportError(
            f"{type(network).__name__} does not end in one linear logit. Build it with "
            "hilum.models.build.build_network."
        )
    return head


def count_input_channels(network: nn.Module) -> int:
    """Count the channels of the first convolution.

    Raises
    ------
    ExportError
        There is none.
    """
    first = next((p for p in network.parameters() if p.ndim == 4), None)
    if first is None:
        raise ExportError(f"{type(network).__name__} has no convolution at its input.")
    return int(first.shape[1])


def _own_size(network: nn.Module) -> tuple[int, int] | None:
    size = getattr(getattr(network, "patch_embed", None), "img_size", None)
    return (int(size[0]), int(size[1])) if size is not None else None
