"""``hilum ensemble``: several models joined into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hilum.cli import options
from hilum.cli.fitting import choose_split, print_fitted, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ensemble")(ensemble)


def ensemble(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...", help="Shipped models, or paths of specs.", show_default=False
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(help="The films that the models were trained on.", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Write the model there.", show_default=False)
    ],
    name: Annotated[str, typer.Option(help="Of the model.", show_default=False)],
    share: Annotated[
        list[float] | None,
        typer.Option(
            min=0.0,
            help="How much a model says; once a model, in their order.",
            show_default="all the same",
        ),
    ] = None,
    description: Annotated[
        str | None,
        typer.Option(help="Of the model, in a sentence.", show_default="names the members"),
    ] = None,
    recipe: options.Recipe = None,
    split: options.Split = None,
    alpha: options.Alpha = 0.02,
    threads: options.Threads = None,
) -> None:
    """Join models into one, whose logit and map are the weighted sums of theirs.

    Each member's logit is divided by its temperature first, so that none outvotes the others
    by being too sure. What comes out is one ONNX file and one spec, used like any other model;
    calibration, operating points, conformal zone and input gate are fitted anew on the
    validation films that all members share. Needs the extra "train".
    """
    from hilum.data import read_dataset
    from hilum.models.zoo import resolve_model
    from hilum.spec import read_weights
    from hilum.training.ensemble import make_ensemble

    resolved = [resolve_model(model) for model in models]
    members = [(spec, read_weights(spec, folder)) for spec, folder in resolved]
    root, films = read_dataset(data)
    spec = make_ensemble(
        members,
        share or [1.0] * len(models),
        out,
        name=name,
        description=description or f"Ensemble of {', '.join(one.name for one, _ in members)}.",
        root=root,
        split=choose_split(resolved[0][1], films, recipe, split),
        alpha=alpha,
        threads=threads,
        report_stage=say,
    )
    print_fitted(spec)
    print(out / spec.weights.file)
