"""torch: for checkpoints, for a GPU, and for methods that need gradients (extra ``train``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from hilum.closing import Closing
from hilum.errors import (
    ConfigError,
    ExportError,
    MissingExtraError,
    ModelError,
    SpecMismatchError,
)
from hilum.inference.backend import ModelOutput, check_activations, check_batch, check_output
from hilum.language import Text

try:
    import torch

    from hilum.models.checkpoint import load_checkpoint
    from hilum.models.head import EvidenceNetwork
    from hilum.models.restore import restore_network
except ImportError as error:
    raise MissingExtraError("train", Text("run a model on torch")) from error

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray
    from torch import nn

    from hilum.spec import ModelSpec

# A bias that the spec tells otherwise than the network has it; float32 through JSON is exact.
_BIAS_TOLERANCE = 1e-5


class TorchBackend(Closing):
    """Runs a network of :func:`hilum.models.build.build_network` on torch.

    The number of threads is the process's own (``torch.set_num_threads``): a backend that
    changed it would change it for everyone.

    Parameters
    ----------
    spec
        The facts of the network; it is checked against them.
    network
        It is moved to ``device`` and put into evaluation mode, not copied.
    device
        ``"cpu"`` or ``"cuda"``.

    Raises
    ------
    SpecMismatchError
        The network is not the one that the spec describes.
    ConfigError
        There is no such device here.
    """

    def __init__(self, spec: ModelSpec, network: nn.Module, *, device: str = "cpu") -> None:
        self._spec = spec
        try:
            self._device = torch.device(device)
            moved = network.to(self._device)
        except (RuntimeError, AssertionError) as error:
            raise ConfigError(f"torch cannot use the device {device!r} here.") from error
        size_px = (spec.input.height_px, spec.input.width_px)
        try:
            self._network: EvidenceNetwork | None = EvidenceNetwork(
                moved, in_channels=spec.input.channels, size_px=size_px
            )
        except (ExportError, RuntimeError, AssertionError) as error:
            raise SpecMismatchError(
                f"The network is not the one that the spec of {spec.name} describes: "
                f"{str(error).splitlines()[0]}"
            ) from error
        _check_network(self._network, spec)

    @classmethod
    def from_checkpoint(
        cls, path: str | os.PathLike[str], spec: ModelSpec, *, device: str = "cpu"
    ) -> Self:
        """Open a checkpoint of :func:`hilum.models.checkpoint.save_checkpoint`.

        Raises
        ------
        UnknownModelError, SpecMismatchError
            No such file, or it is not the network that the spec describes.
        """
        return cls(spec, load_checkpoint(path).network, device=device)

    @classmethod
    def from_weights(cls, spec: ModelSpec, weights: bytes, *, device: str = "cpu") -> Self:
        """Open the ONNX file of a shipped model; see :mod:`hilum.models.restore`.

        Raises
        ------
        SpecMismatchError
            The file was not written by `hilum export`, or is another network.
        """
        return cls(spec, restore_network(weights), device=device)

    @property
    def spec(self) -> ModelSpec:
        """The facts of the network."""
        return self._spec

    @property
    def network(self) -> EvidenceNetwork:
        """The network, for methods that look inside.

        Raises
        ------
        ModelError
            The backend was closed.
        """
        if self._network is None:
            raise ModelError(f"{self._spec.name} was closed. Load it again.")
        return self._network

    def run(self, batch: NDArray[np.float32]) -> ModelOutput:
        """Score a batch of N >= 0 films; see :meth:`hilum.inference.backend.Backend.run`."""
        outputs = self._forward(batch)
        logit, evidence, embedding = (output.cpu().numpy() for output in outputs[:3])
        output = ModelOutput(logit=logit, evidence=evidence, embedding=embedding)
        check_output(output, self._spec, len(batch))
        return output

    def compute_activations(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give what the pool averages; see :class:`hilum.inference.backend.Backend`."""
        activations: NDArray[np.float32] = self._forward(batch)[3].cpu().numpy()
        check_activations(activations, self._spec, len(batch))
        return activations

    def _forward(self, batch: NDArray[np.float32]) -> tuple[torch.Tensor, ...]:
        network = self.network
        check_batch(batch, self._spec)
        # A copy: torch takes neither read-only arrays nor negative strides.
        tensor = torch.from_numpy(batch.copy(order="C")).to(self._device)
        try:
            with torch.inference_mode():
                outputs: tuple[torch.Tensor, ...] = (
                    network(tensor) if len(batch) else self._make_empty_output()
                )
        except RuntimeError as error:
            raise ModelError(f"torch could not run {self._spec.name}: {error}") from error
        return outputs

    def close(self) -> None:
        """Free the network."""
        self._network = None

    def _make_empty_output(self) -> tuple[torch.Tensor, ...]:
        network = self._spec.architecture
        return (
            torch.empty(0),
            torch.empty(0, *network.evidence_shape),
            torch.empty(0, network.embedding_size),
            torch.empty(0, network.embedding_size, *network.evidence_shape),
        )


def _check_network(network: EvidenceNetwork, spec: ModelSpec) -> None:
    """Hold the network against the spec's architecture."""
    probe = torch.zeros(1, spec.input.channels, spec.input.height_px, spec.input.width_px).to(
        network.head.weight.device
    )
    with torch.inference_mode():
        _, evidence, embedding, _ = network(probe)
    expected = spec.architecture
    if (
        tuple(evidence.shape[1:]) != expected.evidence_shape
        or embedding.shape[1] != expected.embedding_size
        or abs(network.bias - expected.head_bias) > _BIAS_TOLERANCE
    ):
        raise SpecMismatchError(
            f"The network gives maps of {tuple(evidence.shape[1:])} cells, embeddings of "
            f"{embedding.shape[1]} numbers and has the head bias {network.bias:.6g}; the spec of "
            f"{spec.name} says {expected.evidence_shape}, {expected.embedding_size} and "
            f"{expected.head_bias:.6g}."
        )
