"""Choices that more than one command offers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Storage(StrEnum):
    """How weights lie on disk; arithmetic is float32."""

    INT8 = "int8"
    FLOAT16 = "float16"
    FLOAT32 = "float32"


class Language(StrEnum):
    """Languages of what is written for readers; see :data:`hilum.language.LANGUAGES`."""

    ENGLISH = "en"
    KOREAN = "ko"


# Of commands that take films one by one.
Films = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="Films (DICOM, PNG, JPEG, TIFF), folders, quoted globs, or - for stdin.",
        show_default=False,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(help="Name of a shipped model, or path of a spec.", show_default=False),
]
Views = Annotated[
    str,
    typer.Option(
        metavar="none|flip|shift|flip_shift",
        help="Average over views of the film and tell their spread. Each is a pass of the network: "
        "2 for flip, 5 for shift, 6 for both, in place of 1.",
    ),
]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of the network.")]

# How the films of a model's training were split, and what the zone may miss.
Recipe = Annotated[
    Path | None,
    typer.Option(
        metavar="YAML",
        help="A recipe that the model was trained by, for its split.",
        show_default="recipe.yaml beside the model, else 15 % of patients, seed 0",
    ),
]
Split = Annotated[
    Path | None,
    typer.Option(metavar="CSV", help="A manifest of `hilum data split` instead."),
]
Alpha = Annotated[
    float, typer.Option(min=0.001, max=0.499, help="Error that the conformal zone allows.")
]
