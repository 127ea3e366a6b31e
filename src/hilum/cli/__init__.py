"""The command line: ``hilum COMMAND``.

Each command lives in a module of its own that exposes ``register`` and imports what is
heavy inside the command, so that ``hilum --help`` stays quick.
"""

from __future__ import annotations

import gc
import os
from typing import Annotated

import typer

from hilum.cli import (
    analyze,
    app,
    benchmark,
    calibrate,
    compare,
    data,
    ensemble,
    evaluate,
    explain,
    export,
    faithfulness,
    journal,
    models,
    train,
)
from hilum.cli.failures import HilumGroup
from hilum.onnx_runtime import silence_onnxruntime

_COMMANDS = (
    analyze,
    app,
    benchmark,
    calibrate,
    compare,
    data,
    ensemble,
    evaluate,
    explain,
    export,
    faithfulness,
    journal,
    models,
    train,
)

_OBJECTS_BEFORE_COLLECTION = 20_000


def build_app() -> typer.Typer:
    """Build the command line with all its commands."""
    shell = typer.Typer(
        name="hilum",
        cls=HilumGroup,
        help=(
            "Read chest radiographs for pneumonia: how likely, where, and how far to trust it. "
            "Research software, not a medical device."
        ),
        no_args_is_help=True,
        add_completion=False,
        # Plain text: rich costs start-up time and its boxes do not survive a pipe.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    shell.callback()(_options)
    for command in _COMMANDS:
        command.register(shell)
    return shell


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"hilum {version('hilum')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options of ``hilum`` itself."""


def main() -> None:
    """Run the command line; the entry point of ``hilum``."""
    silence_onnxruntime()
    # What a command imports lives as long as it does. To look through it as often as Python does by
    # itself takes a tenth of the start.
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION, 10, 10)
    # Pydantic looks for plug-ins in every package that is installed; the specs want none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    build_app()(prog_name="hilum")
