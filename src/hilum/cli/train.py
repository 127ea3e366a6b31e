"""``hilum train``: a recipe and a folder of films in, a model out."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.cli.options import Storage
from hilum.errors import MissingExtraError

if TYPE_CHECKING:
    from hilum.training.loop import EpochRecord


class Device(StrEnum):
    """Where to train."""

    CPU = "cpu"
    CUDA = "cuda"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("train")(train)


def train(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.", show_default=False)],
    data: Annotated[
        Path, typer.Option(help="Folder of the dataset, one folder a class.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the run.", show_default="runs/NAME"),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(help="Initial weights in place of the recipe's: a file, or none."),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where to train.")] = Device.CPU,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of torch.")] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that augment films beside the training.")
    ] = 1,
    storage: Annotated[Storage, typer.Option(help="Weights on disk.")] = Storage.FLOAT16,
) -> None:
    """Train a network as RECIPE says, calibrate it, choose its thresholds and export it.

    Validation films are taken from the training part by patient; the test part is not read.
    """
    try:
        from tqdm import tqdm

        from hilum.training.recipe import read_recipe
        from hilum.training.run import run_recipe
    except MissingExtraError:
        raise
    except ImportError as error:
        raise MissingExtraError("train", "train a network") from error

    settings = read_recipe(recipe)
    folder = out or Path("runs") / settings.name
    with tqdm(unit="step", file=sys.stderr, disable=None, dynamic_ncols=True) as bar:

        def report_step(step: int, steps: int, loss: float) -> None:
            bar.total = steps
            bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
            bar.update(step - bar.n)

        def report_epoch(record: EpochRecord) -> None:
            tqdm.write(_describe_epoch(record), file=sys.stderr)

        run = run_recipe(
            settings,
            data,
            folder,
            init=init,
            device=device.value,
            threads=threads,
            workers=workers,
            storage=storage.value,
            report_stage=lambda stage: tqdm.write(f"{stage} ...", file=sys.stderr),
            report_step=report_step,
            report_epoch=report_epoch,
        )
    print(f"{run.folder / run.spec.weights.file}")
    for name, point in run.spec.operating_points.items():
        print(
            f"    {name:16} threshold {point.threshold:.4f}  on validation: "
            f"sensitivity {point.sensitivity:.3f}  specificity {point.specificity:.3f}"
        )


def _describe_epoch(record: EpochRecord) -> str:
    worst = min(record.auc, key=lambda name: record.auc[name])
    return (
        f"epoch {record.epoch}: loss {record.train_loss:.4f}, validation AUC "
        f"{record.auc['clean']:.4f}, under stress {record.mean_stressed_auc:.4f} on average, "
        f"{record.worst_stressed_auc:.4f} at worst ({worst})"
    )
