"""``hilum evaluate``: a model and a dataset in, figures with intervals out."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.errors import ConfigError, DatasetError

if TYPE_CHECKING:
    from hilum.spec import SetMetrics


class Part(StrEnum):
    """Part of a dataset."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"
    ALL = "all"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate)


def evaluate(
    model: Annotated[
        str,
        typer.Argument(help="Name of a shipped model, or path of a spec.", show_default=False),
    ],
    data: Annotated[
        Path, typer.Option(help="Folder of the dataset, one folder a class.", show_default=False)
    ],
    part: Annotated[Part, typer.Option(help="Part of the dataset.")] = Part.TEST,
    scores: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Write the score of every film.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="JSON", help="Write the figures as JSON.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the figures into the model's spec.")
    ] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the network.")] = None,
) -> None:
    """Judge a model on labelled films, at each of its operating points.

    Intervals are 95 % bootstrap intervals over patients, not films.
    """
    from tqdm import tqdm

    from hilum.data import read_folder_dataset
    from hilum.evaluation import compute_set_metrics, score_films, write_scores
    from hilum.models.zoo import resolve_model
    from hilum.predictor import load_model
    from hilum.spec import write_spec

    root, films = read_folder_dataset(data)
    chosen = [film for film in films if film.part == part.value]
    if not chosen:
        parts = ", ".join(sorted({film.part for film in films}))
        raise DatasetError(f"The dataset has no part {part.value!r}; it has: {parts}.")
    spec, folder = resolve_model(model)
    with load_model(model, threads=threads) as predictor:
        progress = tqdm(
            score_films(predictor, root, chosen),
            total=len(chosen),
            unit="film",
            file=sys.stderr,
            disable=None,
        )
        scored = list(progress)
    command = f"hilum evaluate {spec.name} --data DATA --part {part.value}"
    metrics = compute_set_metrics(spec, scored, command=command)
    if scores is not None:
        write_scores(scored, scores)
    if out is not None:
        out.write_text(metrics.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if record:
        path = folder / f"{spec.name}.json"
        if not path.is_file():
            raise ConfigError(f"The spec of {spec.name} is not in a file of that name.")
        write_spec(spec.model_copy(update={"metrics": {**spec.metrics, part.value: metrics}}), path)
    _print_metrics(metrics)


def _print_metrics(metrics: SetMetrics) -> None:
    from hilum.report.figures import format_interval

    print(f"{metrics.films} films: {metrics.positive} positive, {metrics.negative} negative")
    print(f"95 % intervals: {metrics.interval_method}")
    print(f"AUC {format_interval(metrics.roc_auc)}   Brier {format_interval(metrics.brier)}")
    for name, point in metrics.operating_points.items():
        print(
            f"{name}: TP {point.true_positive}, FP {point.false_positive}, "
            f"TN {point.true_negative}, FN {point.false_negative}"
        )
        for figure in ("accuracy", "sensitivity", "specificity", "precision", "f1"):
            print(f"    {figure:12} {format_interval(getattr(point, figure))}")
