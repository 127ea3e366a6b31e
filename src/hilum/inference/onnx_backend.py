"""ONNX Runtime on the CPU: what every user has, without torch."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from hilum.closing import Closing
from hilum.errors import ConfigError, ModelError, SpecMismatchError
from hilum.inference.backend import (
    MemberOutput,
    ModelOutput,
    check_activations,
    check_batch,
    check_output,
)
from hilum.language import Text
from hilum.onnx_runtime import import_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnxruntime
    from numpy.typing import NDArray

    from hilum.spec import ModelSpec

INPUT_NAME = "radiograph"
OUTPUT_NAMES = ("logit", "evidence", "embedding")
# Not in graphs that were exported before it was given.
ACTIVATIONS_NAME = "activations"
# Of ensembles alone, and not of those that were joined before they were given.
MEMBER_NAMES = ("member_logit", "member_evidence")

# More threads than this cost more in waiting than they give on networks of this size.
_MAX_DEFAULT_THREADS = 4
_SEVERITY_FATAL = 4
_SPIN_US = "10"


def count_default_threads() -> int:
    """Give the number of threads used where none is named: the CPUs allowed, at most four."""
    if hasattr(os, "sched_getaffinity"):
        available = len(os.sched_getaffinity(0))
    else:  # macOS, Windows
        available = os.cpu_count() or 1
    return max(1, min(available, _MAX_DEFAULT_THREADS))


class OnnxBackend(Closing):
    """Runs a hilum graph with ONNX Runtime.

    Parameters
    ----------
    spec
        The facts of the network; the graph is checked against them.
    weights
        The bytes of the ONNX file, verified by :func:`hilum.spec.read_weights`.
    threads
        Threads for one film; ``None`` is :func:`count_default_threads`.

    Raises
    ------
    SpecMismatchError
        The bytes are no ONNX graph, or its inputs and outputs are not what the spec says.
    ConfigError
        ``threads`` is less than one.
    """

    def __init__(self, spec: ModelSpec, weights: bytes, *, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise ConfigError(f"The number of threads must be 1 or more, not {threads}.")
        self._spec = spec
        self._weights = weights
        self._session: onnxruntime.InferenceSession | None = _open_session(
            spec, weights, threads or count_default_threads()
        )
        _check_graph(self._session, spec)

    @property
    def spec(self) -> ModelSpec:
        """The facts of the network."""
        return self._spec

    @property
    def weights(self) -> bytes:
        """The ONNX file, from which torch's network can be restored.

        Raises
        ------
        ModelError
            The backend was closed.
        """
        self._get_session()
        return self._weights

    def run(self, batch: NDArray[np.float32]) -> ModelOutput:
        """Score a batch of N >= 0 films; see :meth:`hilum.inference.backend.Backend.run`."""
        films = batch.shape[0]
        # The graph gives both of the members' outputs or neither.
        names = OUTPUT_NAMES + (MEMBER_NAMES if self._gives(*MEMBER_NAMES) else ())
        return self._read_output(self._run(batch, names), films)

    def _read_output(self, arrays: Sequence[NDArray[np.float32]], films: int) -> ModelOutput:
        logit, evidence, embedding, *of_members = arrays
        output = ModelOutput(
            logit=logit,
            evidence=evidence,
            embedding=embedding,
            members=MemberOutput(*of_members) if of_members else None,
        )
        check_output(output, self._spec, films)
        return output

    def run_with_activations(
        self, batch: NDArray[np.float32]
    ) -> tuple[ModelOutput, NDArray[np.float32]]:
        """Give what :meth:`run` and :meth:`compute_activations` give, from one pass.

        Raises
        ------
        InputError, ModelError
            See there.
        """
        self._require_activations()
        *arrays, activations = self._run(batch, (*OUTPUT_NAMES, ACTIVATIONS_NAME))
        check_activations(activations, self._spec, len(batch))
        return self._read_output(arrays, len(batch)), activations

    def score(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the logits of N films, (N, labels), and nothing else: the bare forward pass.

        Raises
        ------
        InputError, ModelError
            See :meth:`run`.
        """
        (logits,) = self._run(batch, OUTPUT_NAMES[:1])
        return logits

    def compute_activations(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give what the pool averages; see :class:`hilum.inference.backend.Backend`."""
        self._require_activations()
        (activations,) = self._run(batch, [ACTIVATIONS_NAME])
        check_activations(activations, self._spec, len(batch))
        return activations

    def _gives(self, *names: str) -> bool:
        return {output.name for output in self._get_session().get_outputs()}.issuperset(names)

    def _require_activations(self) -> None:
        if not self._gives(ACTIVATIONS_NAME):
            raise SpecMismatchError(
                f"The graph of {self._spec.name} does not give its activations. Export the model "
                "again with `hilum export`."
            )

    def _run(self, batch: NDArray[np.float32], names: Sequence[str]) -> list[NDArray[np.float32]]:
        session = self._get_session()
        check_batch(batch, self._spec)
        if not len(batch):
            shapes = _list_shapes(self._spec)
            return [np.empty((0, *shapes[name]), dtype=np.float32) for name in names]
        try:
            outputs: list[NDArray[np.float32]] = session.run(
                list(names), {INPUT_NAME: np.ascontiguousarray(batch)}
            )
        except Exception as error:  # ONNX Runtime's own errors share no public base class
            raise ModelError(
                Text(
                    "ONNX Runtime could not run {model}: {error}",
                    model=self._spec.name,
                    error=str(error),
                )
            ) from error
        return outputs

    def _get_session(self) -> onnxruntime.InferenceSession:
        if self._session is None:
            raise ModelError(Text("{model} was closed. Load it again.", model=self._spec.name))
        return self._session

    def close(self) -> None:
        """Free the network."""
        self._session = None
        self._weights = b""


def _open_session(spec: ModelSpec, weights: bytes, threads: int) -> onnxruntime.InferenceSession:
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A thread that spins on for work takes the CPU from whatever else runs: three models in
    # turn took three times as long. One that never spins sleeps between layers, and waking it
    # costs a third of the answer. A spin as short as the pause between two layers does both.
    options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_US)
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # What goes wrong is raised below; a second copy on stderr is noise.
    options.log_severity_level = _SEVERITY_FATAL
    try:
        return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors share no public base class
        raise SpecMismatchError(
            Text(
                "The weights of {model} are not an ONNX graph that this ONNX Runtime ({version}) "
                "can load: {error}",
                model=spec.name,
                version=onnxruntime.__version__,
                error=str(error),
            )
        ) from error


def _check_graph(session: onnxruntime.InferenceSession, spec: ModelSpec) -> None:
    """Hold the graph's inputs and outputs against the spec."""
    film = (spec.input.channels, spec.input.height_px, spec.input.width_px)
    outputs = _list_shapes(spec)
    given = session.get_outputs()
    names = {output.name for output in given}
    for optional in ((ACTIVATIONS_NAME,), MEMBER_NAMES):
        if names.isdisjoint(optional):
            outputs = {name: shape for name, shape in outputs.items() if name not in optional}
    _check_values("input", session.get_inputs(), {INPUT_NAME: film}, spec)
    _check_values("output", given, outputs, spec)


def _list_shapes(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """Give the shape of each output for one film."""
    cells, features = spec.architecture.evidence_shape, spec.architecture.embedding_size
    members = len(spec.provenance.members)
    return {
        "logit": (),
        "evidence": cells,
        "embedding": (features,),
        ACTIVATIONS_NAME: (features, *cells),
        "member_logit": (members,),
        "member_evidence": (members, *cells),
    }


def _check_values(
    kind: str, values: list[Any], expected: dict[str, tuple[int, ...]], spec: ModelSpec
) -> None:
    names = sorted(value.name for value in values)
    if names != sorted(expected):
        raise SpecMismatchError(
            f"The graph of {spec.name} has the {kind}s {', '.join(names)}; a hilum graph has "
            f"{', '.join(expected)}. Export the model with `hilum export`."
        )
    for value in values:
        shape = expected[value.name]
        given = tuple(value.shape)
        if value.type != "tensor(float)":
            raise SpecMismatchError(
                f"The {kind} {value.name} of {spec.name} is {value.type}, not tensor(float)."
            )
        # A size that the graph leaves open is a name or None here; it is checked at the run.
        fits = len(given) == len(shape) + 1 and all(
            not isinstance(size, int) or size == wanted
            for size, wanted in zip(given[1:], shape, strict=True)
        )
        if not fits:
            raise SpecMismatchError(
                f"The {kind} {value.name} of {spec.name} has shape {given} in the graph; the "
                f"spec says (N, {', '.join(map(str, shape))})."
            )
        if isinstance(given[0], int):
            raise SpecMismatchError(
                f"The {kind} {value.name} of {spec.name} takes batches of {given[0]} only. "
                "Export the model with an open batch axis."
            )
