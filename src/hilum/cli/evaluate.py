"""``hilum evaluate``: models and a dataset in, or anyone's predictions; figures out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.cli import options
from hilum.cli.judging import (
    DataOption,
    Films,
    NoFilmsOption,
    OutOption,
    PartOption,
    PrevalenceOption,
    ReportOption,
    ResamplesOption,
    ThreadsOption,
    ThresholdOption,
)
from hilum.cli.writing import rewrite_spec
from hilum.errors import ConfigError

if TYPE_CHECKING:
    from hilum.decision import Rule
    from hilum.evaluation import Candidate, Evaluation

RULES_HELP = "youden, sensitivity=X, specificity=X, f-beta=B, cost=MISSED:ALARM"
DEFAULT_RULES = ("youden", "sensitivity=0.95", "sensitivity=0.99")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate)


def evaluate(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...",
            help="Names of shipped models, or paths of specs.",
            show_default=False,
        ),
    ] = None,
    data: DataOption = None,
    part: PartOption = "test",
    predictions: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="CSV",
            help="Judge these scores of anyone's model; may be given again.",
            show_default=False,
        ),
    ] = None,
    threshold: ThresholdOption = None,
    choose: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help=f"Choose a threshold by this rule on --choose-on: {RULES_HELP}.",
            show_default=False,
        ),
    ] = None,
    choose_on: Annotated[
        str | None,
        typer.Option(
            metavar="CSV|PART",
            help="Predictions on validation films, or a part of the dataset.",
        ),
    ] = None,
    choose_at: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of pneumonia that f-beta and cost reckon with.",
            show_default="that of the films",
        ),
    ] = None,
    views: options.Views = "none",
    prevalence: PrevalenceOption = None,
    report: ReportOption = None,
    no_films: NoFilmsOption = False,
    scores: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Write the score of every film.")
    ] = None,
    out: OutOption = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the figures into the model's spec.")
    ] = False,
    resamples: ResamplesOption = 2000,
    threads: ThreadsOption = None,
) -> None:
    """Judge models on labelled films, at each of their operating points.

    Intervals are 95 % bootstrap intervals over patients, not films. Thresholds are never
    chosen on the films that are judged. Those of a spec were chosen for the film as it is, not
    for a mean over views: choose them anew by --choose.
    """
    from hilum.cli import judging
    from hilum.evaluation import evaluate_candidates, write_evaluation, write_predictions

    _check_options(models, predictions, data, scores, record, (threshold, choose, choose_on))
    if views != "none":
        _check_views(models, record)
    judging.check_report(report)
    # All that can be wrong is read before the first film is scored.
    thresholds = judging.parse_thresholds(threshold or ())
    rules = _read_rules(choose, choose_on)
    films = None if data is None else judging.read_films(data, part)
    if films is not None and models:
        films.take(part)
    given = list(predictions or ())
    candidates = [
        *_read_candidates(given, thresholds),
        *(
            judging.make_candidate_of_model(model, films, views=views, threads=threads)
            for model in models or ()
            if films is not None
        ),
    ]
    judging.name_apart([candidate.predictions for candidate in candidates])
    candidates = [
        judging.add_choices(
            candidate, thresholds, rules, choose_on, films, prevalence=choose_at, threads=threads
        )
        for candidate in candidates
    ]
    evaluation = evaluate_candidates(
        candidates,
        data=films.name if films is not None and models else given[0].name,
        part=part if models else "",
        command=_describe_command(candidates, given, part),
        commands={
            own.name: _describe_command([own], [], part)
            for own in candidates
            if own.model is not None
        },
        prevalences=prevalence or (0.1, 0.3, 0.5),
        resamples=resamples,
    )
    if scores is not None:
        write_predictions(candidates[0].predictions, scores)
    if out is not None:
        write_evaluation(evaluation, out)
    if record:
        _record(evaluation, candidates, part)
    judging.print_evaluation(evaluation)
    if report is not None:
        _write_report(evaluation, candidates, report, films, no_films, threads)


def _check_options(
    models: list[str] | None,
    predictions: list[Path] | None,
    data: Path | None,
    scores: Path | None,
    record: bool,
    choices: tuple[object, ...],
) -> None:
    if not models and not predictions:
        raise ConfigError("There is nothing to judge: name a model, or give --predictions CSV.")
    if models and data is None:
        raise ConfigError("A model is judged on films: give the dataset as --data.")
    if scores is not None and len(models or ()) + len(predictions or ()) > 1:
        raise ConfigError("--scores writes the scores of one model; name one.")
    if _is_one_table(choices[-1]) and len(models or ()) + len(predictions or ()) > 1:
        raise ConfigError("The CSV of --choose-on is of one model; name one, or a part.")
    if record and not models:
        raise ConfigError("--record writes into a model's spec, and there is no model.")
    if record and any(choices):
        raise ConfigError(
            "--record keeps figures at the spec's own operating points; leave out --threshold "
            "and --choose."
        )


def _check_views(models: list[str] | None, record: bool) -> None:
    if not models:
        raise ConfigError("--views is for models: scores of a CSV are what they are.")
    if record:
        raise ConfigError("--record keeps figures of films as they are; leave out --views.")


def _is_one_table(choose_on: object) -> bool:
    return isinstance(choose_on, str) and choose_on.lower().endswith(".csv")


def _read_rules(choose: list[str] | None, choose_on: str | None) -> list[Rule]:
    from hilum.decision import parse_rule

    if choose and choose_on is None:
        raise ConfigError(
            "Thresholds are chosen on other films than those that are judged: give --choose-on."
        )
    return [parse_rule(text) for text in choose or DEFAULT_RULES]


def _read_candidates(paths: list[Path], thresholds: dict[str, float]) -> list[Candidate]:
    from hilum.evaluation import make_candidate, read_predictions

    return [make_candidate(read_predictions(path), thresholds) for path in paths]


def _describe_command(candidates: list[Candidate], given: list[Path], part: str) -> str:
    """Give the command without a path of this machine."""
    models = [own for own in candidates if own.spec is not None]
    words = ["hilum evaluate", *(own.spec.name for own in models if own.spec is not None)]
    if models:
        words.append(f"--data DATA --part {part}")
        if models[0].views != "none":
            words.append(f"--views {models[0].views}")
    words += [f"--predictions {path.name}" for path in given]
    return " ".join(words)


def _record(evaluation: Evaluation, candidates: list[Candidate], part: str) -> None:
    for judged, candidate in zip(evaluation.models, candidates, strict=True):
        if candidate.model is not None and candidate.spec is not None:
            metrics = candidate.spec.metrics | {part: judged.metrics}
            rewrite_spec(candidate.model, {"metrics": metrics})


def _write_report(
    evaluation: Evaluation,
    candidates: list[Candidate],
    report: Path,
    films: Films | None,
    no_films: bool,
    threads: int | None,
) -> None:
    from hilum.report.evaluation import write_report

    root = None if no_films or films is None else films.root
    page = write_report(evaluation, candidates, report, films=root, threads=threads)
    shown = "" if root is None else " It shows films of patients; keep it where they may be."
    print(f"\nReport: {page}{shown}")
