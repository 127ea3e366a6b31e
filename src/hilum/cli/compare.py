"""``hilum compare``: which of several models is better, on the same films."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hilum.cli.judging import (
    DataOption,
    OutOption,
    PartOption,
    PrevalenceOption,
    ReportOption,
    ResamplesOption,
    ThreadsOption,
    ThresholdOption,
)
from hilum.errors import ConfigError

if TYPE_CHECKING:
    from hilum.cli.judging import Films
    from hilum.evaluation import Candidate


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare")(compare)


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL|CSV",
            help="Names of shipped models, paths of specs, or CSV files of predictions.",
            show_default=False,
        ),
    ],
    data: DataOption = None,
    part: PartOption = "test",
    threshold: ThresholdOption = None,
    common: Annotated[
        bool, typer.Option("--common", help="Compare on the films that all have scores for.")
    ] = False,
    prevalence: PrevalenceOption = None,
    report: ReportOption = None,
    out: OutOption = None,
    resamples: ResamplesOption = 2000,
    threads: ThreadsOption = None,
) -> None:
    """Compare models on the same films: paired tests, and intervals of the differences.

    The areas under the ROC curves are compared by DeLong's test and the decisions by
    McNemar's, both with films of a patient taken as one unit.
    """
    from hilum.cli import judging
    from hilum.evaluation import evaluate_candidates, write_evaluation

    if len(models) < 2:
        raise ConfigError("A comparison needs two models or more.")
    if data is None and not all(_is_table(model) for model in models):
        raise ConfigError("A model is judged on films: give the dataset as --data.")
    judging.check_report(report)
    thresholds = judging.parse_thresholds(threshold or ())
    films = None if data is None else judging.read_films(data, part)
    candidates = _align(
        [_make_candidate(model, films, thresholds, threads) for model in models], common=common
    )
    of_models = films is not None and not all(_is_table(model) for model in models)
    evaluation = evaluate_candidates(
        candidates,
        data=films.name if films is not None and of_models else "the films of the predictions",
        part=part if of_models else "",
        command=f"hilum compare {' '.join(candidate.name for candidate in candidates)}"
        + (f" --data DATA --part {part}" if of_models else ""),
        compare=True,
        prevalences=prevalence or (0.1, 0.3, 0.5),
        resamples=resamples,
    )
    if out is not None:
        write_evaluation(evaluation, out)
    judging.print_evaluation(evaluation)
    if report is not None:
        from hilum.report.evaluation import write_report

        print(f"\nReport: {write_report(evaluation, candidates, report)}")


def _is_table(model: str) -> bool:
    return model.lower().endswith(".csv")


def _make_candidate(
    model: str, films: Films | None, thresholds: dict[str, float], threads: int | None
) -> Candidate:
    from hilum.cli import judging
    from hilum.evaluation import add_points, make_candidate, read_predictions

    if _is_table(model):
        return make_candidate(read_predictions(model), thresholds)
    assert films is not None
    return add_points(judging.make_candidate_of_model(model, films, threads=threads), thresholds)


def _align(candidates: list[Candidate], *, common: bool) -> list[Candidate]:
    from dataclasses import replace

    from hilum.cli import judging
    from hilum.evaluation import align_predictions

    predictions = [candidate.predictions for candidate in candidates]
    judging.name_apart(predictions)
    aligned = align_predictions(predictions, common=common)
    return [
        replace(candidate, predictions=own)
        for candidate, own in zip(candidates, aligned, strict=True)
    ]
