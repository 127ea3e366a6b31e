"""A model in its folder: the graph, what the gate needs, and the spec that names both."""

from __future__ import annotations

from pathlib import Path

from hilum.decision.gate import Gate, write_gate
from hilum.files import write_whole
from hilum.spec import ModelSpec, write_spec


def write_model(
    spec: ModelSpec, folder: Path, *, weights: bytes | None = None, gate: Gate | None = None
) -> Path:
    """Write a model into ``folder``, the spec last: where it is, the rest is too.

    Parameters
    ----------
    weights
        The ONNX file. ``None``: it lies there already.
    gate
        What the gate of ``spec`` needs; ``None`` where it has none.

    Returns
    -------
    The path of the spec.

    Raises
    ------
    OSError
        A file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if weights is not None:
        write_whole(folder / spec.weights.file, weights)
    if gate is not None and spec.gate is not None:
        write_gate(gate, folder / spec.gate.file)
    path = folder / f"{spec.name}.json"
    write_spec(spec, path)
    return path
