"""``hilum export``: a checkpoint and its spec in, a model that runs without torch out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.options import Storage
from hilum.errors import ConfigError, UnknownModelError

CHECKPOINT_NAME = "checkpoint.safetensors"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export)


def export(
    checkpoint: Annotated[
        Path,
        typer.Argument(help="A checkpoint, or the folder of a training run.", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the model.", show_default=False)
    ],
    spec: Annotated[
        Path | None,
        typer.Option(
            help="The spec of the model: a file, or the folder of a run.",
            show_default="beside the checkpoint",
        ),
    ] = None,
    storage: Annotated[Storage, typer.Option(help="Weights on disk.")] = Storage.FLOAT16,
) -> None:
    """Write the network of CHECKPOINT as ONNX, with its spec, into DIR.

    The spec's calibration, thresholds and figures are kept: they are the network's, which
    stays the same up to the rounding of the weights.
    """
    if checkpoint.is_dir():
        checkpoint = checkpoint / CHECKPOINT_NAME
    if not checkpoint.is_file():
        raise UnknownModelError(f"There is no checkpoint {checkpoint}.")
    from hilum.decision.gate import load_gate
    from hilum.models.checkpoint import load_checkpoint
    from hilum.models.export import export_onnx
    from hilum.models.zoo import resolve_model
    from hilum.training.model_folder import write_model

    facts, folder = resolve_model(spec or checkpoint.parent)
    gate = load_gate(facts, folder)
    loaded = load_checkpoint(checkpoint)
    size = (loaded.metadata.height_px, loaded.metadata.width_px, loaded.metadata.in_channels)
    film = facts.input
    if size != (film.height_px, film.width_px, film.channels):
        raise ConfigError(
            f"The checkpoint takes films of {size[0]}x{size[1]} px with {size[2]} channel(s), the "
            f"spec of {facts.name} says {film.height_px}x{film.width_px} with {film.channels}."
        )
    graph = export_onnx(
        loaded.network,
        height_px=film.height_px,
        width_px=film.width_px,
        channels=film.channels,
        storage=storage.value,
    )
    weights = facts.weights.model_copy(update={"sha256": graph.sha256, "storage": graph.storage})
    facts = facts.model_copy(update={"weights": weights, "architecture": graph.architecture})
    write_model(facts, out, weights=graph.data, gate=gate)
    print(out / weights.file)
    print(
        f"    {len(graph.data) / 1e6:.1f} MB, weights in {graph.storage}; at most "
        f"{graph.max_difference:.1g} logit units from torch on noise"
    )
