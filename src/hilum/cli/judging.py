"""What ``hilum evaluate`` and ``hilum compare`` share: from arguments to candidates, and print."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.errors import ConfigError, DatasetError, MissingExtraError

if TYPE_CHECKING:
    from hilum.data import Film
    from hilum.decision import Rule
    from hilum.evaluation import Candidate, Evaluation, PairComparison, Predictions
    from hilum.evaluation.document import JudgedModel
    from hilum.spec import Restraint

DataOption = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="The dataset: a folder, one folder a class, or a CSV manifest.",
        show_default=False,
    ),
]
PartOption = Annotated[str, typer.Option(help="Part of the dataset.")]
ThresholdOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[NAME=]X",
        help="Judge at this threshold too, by default; may be given again.",
    ),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Write the report, its data and its figures into DIR."),
]
NoFilmsOption = Annotated[bool, typer.Option("--no-films", help="Show no film in the report.")]
PrevalenceOption = Annotated[
    list[float] | None,
    typer.Option(
        metavar="SHARE",
        help="Give PPV and NPV at this share of pneumonia; may be given again.",
        show_default="0.1, 0.3, 0.5",
    ),
]
ResamplesOption = Annotated[int, typer.Option(min=100, help="Draws of patients for each interval.")]
OutOption = Annotated[
    Path | None, typer.Option(metavar="JSON", help="Write all that was found as JSON.")
]
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="Threads of the network.")]


@dataclass(frozen=True, slots=True)
class Films:
    """The films to judge, and where they are.

    name
        What the dataset is called in a report: the name of its folder or file.
    """

    root: Path
    films: tuple[Film, ...]
    name: str
    part: str

    def take(self, part: str) -> tuple[Film, ...]:
        """Give the films of a part.

        Raises
        ------
        DatasetError
            There is none; the message lists the parts.
        """
        chosen = tuple(film for film in self.films if film.part == part)
        if not chosen:
            parts = ", ".join(sorted({film.part for film in self.films}))
            raise DatasetError(f"The dataset has no part {part!r}; it has: {parts}.")
        return chosen


def read_films(data: Path, part: str) -> Films:
    """List the films of a dataset."""
    from hilum.data import read_dataset

    root, films = read_dataset(data)
    return Films(root, tuple(films), data.resolve().name, part)


def check_report(report: Path | None) -> None:
    """Refuse a report that could not be drawn, before any film is scored."""
    import importlib.util

    if report is None:
        return
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("lab", "write a report")
    if report.exists() and not report.is_dir():
        raise ConfigError(f"{report} is a file; --report takes a folder.")


def parse_thresholds(texts: Sequence[str]) -> dict[str, float]:
    """Read ``0.4`` and ``NAME=0.4``; a threshold without a name is named by its number."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            raise ConfigError(
                f'"{text}" is no threshold. Give a number from 0 to 1, or NAME=NUMBER.'
            ) from None
        if not 0.0 <= value <= 1.0:
            raise ConfigError(f"A threshold lies between 0 and 1, not at {number}.")
        name = name or f"at_{value:g}"
        if name in found:
            raise ConfigError(f"The threshold {name} is given twice.")
        found[name] = value
    return found


def score_model(
    model: str, films: Films, part: str, *, views: str = "none", threads: int | None = None
) -> Predictions:
    """Score the films of a part, with a progress bar on stderr."""
    from tqdm import tqdm

    from hilum.evaluation import make_predictions, score_films
    from hilum.predictor import load_model

    chosen = films.take(part)
    with load_model(model, threads=threads) as predictor:
        progress = tqdm(
            score_films(predictor, films.root, chosen, views=views),
            total=len(chosen),
            desc=predictor.spec.name,
            unit="film",
            file=sys.stderr,
            disable=None,
        )
        name = predictor.spec.name if views == "none" else f"{predictor.spec.name} ({views})"
        return make_predictions(name, progress)


def make_candidate_of_model(
    model: str, films: Films, *, views: str = "none", threads: int | None = None
) -> Candidate:
    """Score a model on the part that is to be judged."""
    from hilum.evaluation import make_model_candidate
    from hilum.models.zoo import resolve_model

    spec, _ = resolve_model(model)
    return make_model_candidate(
        score_model(model, films, films.part, views=views, threads=threads),
        spec,
        model=model,
        views=views,
    )


def add_choices(
    candidate: Candidate,
    thresholds: dict[str, float],
    rules: Sequence[Rule],
    choose_on: str | None,
    films: Films | None,
    *,
    prevalence: float | None = None,
    threads: int | None = None,
) -> Candidate:
    """Add the thresholds that the user gives, and those chosen on other films.

    ``choose_on`` names a CSV of predictions on validation films, or a part of the dataset.
    """
    from hilum.evaluation import add_points, choose_points, read_predictions

    if candidate.spec is not None:
        candidate = add_points(candidate, thresholds)
    if choose_on is None:
        return candidate
    if choose_on.lower().endswith(".csv"):
        validation = read_predictions(choose_on)
    elif candidate.model is None or films is None:
        raise ConfigError(
            "To choose thresholds for predictions from a CSV, give the CSV of the same model's "
            "predictions on validation films as --choose-on."
        )
    elif choose_on == films.part:
        raise ConfigError("Thresholds cannot be chosen on the part that is judged.")
    else:
        validation = score_model(
            candidate.model, films, choose_on, views=candidate.views, threads=threads
        )
    count = len(validation.films)
    place = f"{count} films of {Path(choose_on).name}"
    if not choose_on.lower().endswith(".csv"):
        place = f"{count} films, part {choose_on} of the dataset"
    return choose_points(candidate, validation, rules, chosen_on=place, prevalence=prevalence)


def name_apart(predictions: Sequence[Predictions]) -> None:
    """Refuse two candidates of one name: tables and legends could not tell them apart."""
    names = [own.name for own in predictions]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"Two of them are called {name}. Rename one of the files.")


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the figures of every model, and the tests between them."""
    for model in evaluation.models:
        if len(evaluation.models) > 1:
            print(f"{model.name}")
        _print_model(model)
    for pair in evaluation.comparisons:
        _print_pair(pair)


def _print_model(model: JudgedModel) -> None:
    from hilum.report.figures import format_interval

    metrics = model.metrics
    print(
        f"{metrics.films} films: {metrics.positive} positive, {metrics.negative} negative; "
        f"{metrics.patients} patients"
    )
    print(f"95 % intervals: {metrics.interval_method}")
    print(f"AUC {format_interval(metrics.roc_auc)}   Brier {format_interval(metrics.brier)}")
    print(
        f"average precision {format_interval(metrics.average_precision)}   "
        f"ECE {format_interval(metrics.ece)}, {metrics.ece_binning}"
    )
    _print_points(model)
    for pathogen, found in metrics.pathogens.items():
        default = found.sensitivity[model.default_operating_point]
        print(
            f"{pathogen}, {found.films} films: AUC {format_interval(found.roc_auc)}, "
            f"sensitivity {format_interval(default)}"
        )
    if metrics.restraint is not None:
        _print_restraint(metrics.restraint)


def _print_restraint(found: Restraint) -> None:
    from hilum.report.figures import format_interval

    print(
        f"would not assess {100 * found.refused.value:.1f} % of the films and is uncertain of "
        f"{100 * found.uncertain.value:.1f} %; {found.answered} answered, accuracy "
        f"{format_interval(found.accuracy)}"
    )
    if found.promised is not None:
        print(
            f"possible answers hold the truth, {100 * found.promised:g} % promised: pneumonia "
            f"{format_interval(found.covered_positive)}, normal "
            f"{format_interval(found.covered_negative)}"
        )


def _print_points(model: JudgedModel) -> None:
    """Print a table with a column for each operating point."""
    from hilum.metrics.figures import POINT_FIGURES
    from hilum.report.figures import format_interval

    points = model.metrics.operating_points
    default = model.default_operating_point
    rows = {
        "": [name + (" (default)" if name == default else "") for name in points],
        "threshold": [f"{model.operating_points[name].threshold:.4f}" for name in points],
        "TP, FN, TN, FP": [
            f"{one.true_positive}, {one.false_negative}, {one.true_negative}, {one.false_positive}"
            for one in points.values()
        ],
    }
    for figure in POINT_FIGURES:
        title = {"npv": "NPV", "f1": "F1"}.get(figure, figure.replace("_", " "))
        rows[title] = [format_interval(getattr(point, figure)) for point in points.values()]
    for at, own in enumerate(points[default].predictive_values):
        for title in ("PPV", "NPV"):
            rows[f"{title} at {100 * own.prevalence:g} %"] = [
                format_interval(getattr(point.predictive_values[at], title.lower()))
                for point in points.values()
            ]
    for title, cells in rows.items():
        print(f"{title:18}" + "".join(f"{cell:26}" for cell in cells).rstrip())


def _print_pair(pair: PairComparison) -> None:
    from hilum.report.figures import format_p

    auc, decisions = pair.auc, pair.decisions
    print(f"\n{pair.first} less {pair.second}, on {pair.films} films of {pair.patients} patients")
    print(
        f"    AUC {auc.difference:+.4f} ({auc.low:+.4f} to {auc.high:+.4f}), DeLong "
        f"p {format_p(auc.p_value)}, adjusted {format_p(pair.auc_p_adjusted)}"
    )
    print(
        f"    right alone {decisions.first_only} : {decisions.second_only}, McNemar "
        f"p {format_p(decisions.p_value)}, adjusted {format_p(pair.decisions_p_adjusted)}"
    )
    for name, own in pair.differences.items():
        title = name.replace("_", " ")
        print(f"    {title:17} {own.value:+.3f} ({own.low:+.3f} to {own.high:+.3f})")
