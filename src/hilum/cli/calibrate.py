"""``hilum calibrate``: everything that validation films decide about a model, anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hilum.cli import options
from hilum.cli.fitting import choose_split, print_fitted, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("calibrate")(calibrate)


def calibrate(
    model: Annotated[
        str,
        typer.Argument(help="Name of a shipped model, or path of a spec.", show_default=False),
    ],
    data: Annotated[
        Path,
        typer.Option(help="The films that the model was trained on.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write spec, gate and weights there.",
            show_default="beside the model",
        ),
    ] = None,
    recipe: options.Recipe = None,
    split: options.Split = None,
    alpha: options.Alpha = 0.02,
    threads: options.Threads = None,
) -> None:
    """Fit calibration, operating points, conformal zone and input gate of a model anew.

    Only films of the model's own training and validation are read; a split that is not the one
    it was trained with is refused. Figures of an evaluation are taken out of the spec where
    they no longer hold: run `hilum evaluate --record` afterwards.
    """
    from hilum.data import read_dataset
    from hilum.models.zoo import resolve_model
    from hilum.spec import read_weights
    from hilum.training.calibrate import calibrate_model, check_fingerprint, read_validation
    from hilum.training.model_folder import write_model

    spec, folder = resolve_model(model)
    weights = read_weights(spec, folder)
    root, films = read_dataset(data)
    sides = choose_split(folder, films, recipe, split)
    check_fingerprint(spec, sides)
    say("reading validation films")
    validation, labels = read_validation(root, sides, spec.input)
    fitted, gate = calibrate_model(
        spec,
        weights,
        root,
        sides,
        films=validation,
        labels=labels,
        alpha=alpha,
        threads=threads,
        report_stage=say,
    )
    if fitted.operating_points == spec.operating_points:
        # The answers are the same, so what was measured of them still holds.
        fitted = fitted.model_copy(update={"metrics": spec.metrics})
    target = folder if out is None else out
    elsewhere = target.resolve() != folder.resolve()
    path = write_model(fitted, target, weights=weights if elsewhere else None, gate=gate)
    print_fitted(fitted, before=spec)
    print(path)
