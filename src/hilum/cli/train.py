"""``hilum train``: a recipe and a folder of films in, a model out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.cli.options import Storage
from hilum.errors import MissingExtraError

if TYPE_CHECKING:
    from hilum.spec import ModelSpec


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("train")(train)


def train(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE",
            help="Values in place of the recipe's own: optimization.epochs=2.",
            show_default=False,
        ),
    ] = None,
    *,
    data: Annotated[
        Path,
        typer.Option(
            help="The dataset: a folder, one folder a class, or a CSV.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the run.", show_default="runs/NAME"),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(help="Initial weights in place of the recipe's: a model, a file, or none."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with the run in DIR; it ends as if it had not been broken off."
        ),
    ] = False,
    device: Annotated[
        str, typer.Option(help="auto (CUDA where there is any), cpu, cuda or cuda:N.")
    ] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of torch.")] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that augment films beside the training.")
    ] = 1,
    cache: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Keeps the films, read and resized, for the next run."),
    ] = Path("runs/films"),
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep no films.")] = False,
    save_every: Annotated[
        float,
        typer.Option(
            min=0.0,
            metavar="SECONDS",
            help="How often to write what --resume needs, beside the end of each epoch.",
        ),
    ] = 60.0,
    storage: Annotated[Storage, typer.Option(help="Weights on disk.")] = Storage.FLOAT16,
    tensorboard: Annotated[
        bool | None,
        typer.Option(
            "--tensorboard/--no-tensorboard",
            help="Write for TensorBoard into DIR.",
            show_default="where it is installed",
        ),
    ] = None,
    mlflow: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Write to MLflow too: a server, or a folder."),
    ] = None,
    find_rate: Annotated[
        bool,
        typer.Option("--find-rate", help="Do not train: show the loss over a rising rate."),
    ] = False,
    profile: Annotated[
        bool,
        typer.Option("--profile", help="Do not train: measure what holds the training up."),
    ] = False,
) -> None:
    """Train a network as RECIPE says, calibrate it, choose its thresholds and export it.

    A recipe that compares several networks trains them all, and ranks them.

    Validation films are taken as the recipe says (by patient, where it does not say); the
    test part is not read.
    Several GPUs or machines: torchrun --nproc-per-node N -m hilum train ...
    """
    try:
        from hilum.cli import rehearsals
        from hilum.cli.training_progress import TrainingProgress
        from hilum.training.compare import RANKING, compare_variants, describe_standings
        from hilum.training.recipe import Recipe, read_recipe
        from hilum.training.rehearse import prepare_rehearsal
        from hilum.training.run import Persistence, run_recipe
    except MissingExtraError:
        raise
    except ImportError as error:
        raise MissingExtraError("train", "train a network") from error

    settings = read_recipe(recipe, overrides=overrides or ())
    folder = out or Path("runs") / settings.name
    films = None if no_cache else cache
    leads = os.environ.get("RANK", "0") == "0"  # Of several processes the first one talks.
    if find_rate or profile:
        with TrainingProgress(settings) as progress:
            rehearsal = prepare_rehearsal(
                settings,
                data,
                init=init,
                device=device,
                threads=threads,
                workers=workers,
                cache=films,
                report_stage=progress.show_stage,
                report_films=progress.show_films,
            )
            if find_rate:
                rehearsals.find_rate(settings, rehearsal, folder, progress)
            if profile:
                rehearsals.profile(settings, rehearsal, progress)
        return

    def train_one(one: Recipe, place: Path) -> ModelSpec:
        with TrainingProgress(one) as progress:
            run = run_recipe(
                one,
                data,
                place,
                init=init,
                device=device,
                threads=threads,
                workers=workers,
                storage=storage.value,
                cache=films,
                persistence=Persistence(
                    resume=resume, save_every_s=save_every, tensorboard=tensorboard, mlflow=mlflow
                ),
                report_stage=progress.show_stage,
                report_films=progress.show_films,
                report_step=progress.show_step,
                report_epoch=progress.show_epoch,
            )
        if leads:
            _show_model(run.folder, run.spec)
        return run.spec

    if settings.compare:
        standings = compare_variants(settings, folder, train_one, write=leads)
        if leads:
            print(describe_standings(settings, standings))
            print(folder / RANKING)
    else:
        train_one(settings, folder)


def _show_model(folder: Path, spec: ModelSpec) -> None:
    print(f"{folder / spec.weights.file}")
    for name, point in spec.operating_points.items():
        print(
            f"    {name:16} threshold {point.threshold:.4f}  on validation: "
            f"sensitivity {point.sensitivity:.3f}  specificity {point.specificity:.3f}"
        )
