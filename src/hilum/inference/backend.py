"""What every backend takes and gives, and the checks that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np

from hilum.errors import ModelError, SpecMismatchError
from hilum.language import Text

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

    from hilum.spec import ModelSpec

# ``head_bias + mean(map)`` and the logit are two roads to one sum. Rounding of a float16
# bias and of float32 sums stays far below this; a bias of another network does not.
IDENTITY_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class MemberOutput:
    """What each of an ensemble's M members says of a batch of N films.

    logit
        float32, shape (N, M), on the ensemble's scale: its logit is their weighted mean.
    evidence
        float32, shape (N, M, h, w), on the same scale.
    """

    logit: NDArray[np.float32]
    evidence: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ModelOutput:
    """What a network says of a batch of N films.

    logit
        Shape (N,), before calibration.
    evidence
        float32, shape (N, h, w), in logit units: ``head_bias + evidence.mean((1, 2))`` is
        the logit.
    embedding
        float32, shape (N, D): the pooled features under the head.
    members
        What an ensemble's members say; ``None`` where there are none, or where the ensemble was
        joined before its graph gave them.
    """

    logit: NDArray[np.float32] | NDArray[np.float64]
    evidence: NDArray[np.float32]
    embedding: NDArray[np.float32]
    members: MemberOutput | None = None


@runtime_checkable
class Backend(Protocol):
    """Runs the network of one spec. Whoever makes a backend closes it."""

    @property
    def spec(self) -> ModelSpec:
        """The facts of the network."""

    def run(self, batch: NDArray[np.float32]) -> ModelOutput:
        """Score a batch of N >= 0 films.

        Parameters
        ----------
        batch
            float32, shape (N, C, H, W), from :func:`hilum.preprocess.preprocess`.

        Raises
        ------
        SpecMismatchError
            The batch is not what the spec says, or the network's answer is not.
        ModelError
            The network failed or returned a number that is not finite.
        """

    def compute_activations(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the features that the pool averages, for methods that need each by itself.

        Parameters
        ----------
        batch
            As :meth:`run` takes it.

        Returns
        -------
        float32, shape (N, D, h, w): weighed by the head they are the evidence, and their mean
        over the cells is the embedding.

        Raises
        ------
        SpecMismatchError
            The batch is not what the spec says, or the graph was exported without them.
        ModelError
            The network failed.
        """

    def close(self) -> None:
        """Free the network. The backend cannot be used after that; closing twice is fine."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def check_batch(batch: NDArray[np.float32], spec: ModelSpec) -> None:
    """Refuse a batch that :func:`hilum.preprocess.preprocess` cannot have made.

    Raises
    ------
    SpecMismatchError
        Type or shape are not the spec's.
    """
    film = (spec.input.channels, spec.input.height_px, spec.input.width_px)
    if batch.dtype != np.float32 or batch.ndim != 4 or batch.shape[1:] != film:
        raise SpecMismatchError(
            f"{spec.name} takes float32 batches of shape (N, {film[0]}, {film[1]}, {film[2]}), "
            f"not {batch.dtype} of shape {batch.shape}. Use hilum.preprocess.preprocess."
        )


def check_activations(activations: NDArray[np.float32], spec: ModelSpec, films: int) -> None:
    """Refuse features that are broken: a wrong shape, a number that is not finite.

    Raises
    ------
    SpecMismatchError, ModelError
        As :func:`check_output`.
    """
    expected = (films, spec.architecture.embedding_size, *spec.architecture.evidence_shape)
    _check_array("activations", activations, expected, spec)


def _check_array(
    name: str, values: NDArray[Any], expected: tuple[int, ...], spec: ModelSpec
) -> None:
    if values.shape != expected:
        raise SpecMismatchError(
            f"{spec.name} returned {name} of shape {values.shape}; its spec says {expected}."
        )
    if not np.isfinite(values).all():
        raise ModelError(
            Text(
                "{model} returned {output} with a number that is not finite. Its weights are "
                "damaged or do not fit this machine's arithmetic; no answer is given.",
                model=spec.name,
                output=name,
            )
        )


def check_output(output: ModelOutput, spec: ModelSpec, films: int) -> None:
    """Refuse an answer that is broken: a wrong shape, a NaN, a map that is not the logit's.

    Raises
    ------
    SpecMismatchError
        Shapes are not the spec's, ``head_bias + evidence.mean()`` is not the logit, or the
        logit lies outside of those of the members.
    ModelError
        A number is not finite.
    """
    shapes: dict[str, tuple[int, ...]] = {
        "logit": (films,),
        "evidence": (films, *spec.architecture.evidence_shape),
        "embedding": (films, spec.architecture.embedding_size),
    }
    for name, expected in shapes.items():
        _check_array(name, getattr(output, name), expected, spec)
    sums = spec.architecture.head_bias + output.evidence.mean(axis=(1, 2), dtype=np.float64)
    allowed = IDENTITY_TOLERANCE * (1.0 + np.abs(output.logit))
    if (np.abs(sums - output.logit) > allowed).any():
        raise SpecMismatchError(
            f"The evidence of {spec.name} does not sum to its logit: head_bias in the spec is "
            "not the network's, or the map is another one. Export the model again."
        )
    if output.members is not None:
        _check_members(output.members, output.logit, spec)


def _check_members(
    members: MemberOutput, logit: NDArray[np.float32] | NDArray[np.float64], spec: ModelSpec
) -> None:
    shape = (len(logit), len(spec.provenance.members))
    _check_array("the members' logits", members.logit, shape, spec)
    maps = (*shape, *spec.architecture.evidence_shape)
    _check_array("the members' evidence", members.evidence, maps, spec)
    # A mean lies between what it is the mean of.
    allowed = IDENTITY_TOLERANCE * (1.0 + np.abs(logit))
    lowest, highest = members.logit.min(axis=1), members.logit.max(axis=1)
    if ((logit < lowest - allowed) | (logit > highest + allowed)).any():
        raise SpecMismatchError(
            f"The logit of {spec.name} is no mean of its members' logits. Join the models again "
            "with `hilum ensemble`."
        )
