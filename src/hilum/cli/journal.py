"""``hilum journal``: what was analyzed, how it went, what readers said; export and retention."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.cli.writing import check_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hilum.store import Analysis, Journal, OutcomeCounts, ScoreComparison, Selection

# The word for this user's own journal, where an option names one.
OWN = "default"


class Outcomes(StrEnum):
    """Outcomes, as ``--outcome`` names them: without a blank, which would have to be quoted."""

    ANSWERED = "answered"
    UNCERTAIN = "uncertain"
    NOT_ASSESSED = "not-assessed"
    FAILED = "failed"


class Verdicts(StrEnum):
    """What a reader can say of an answer."""

    AGREE = "agree"
    DISAGREE = "disagree"
    UNSURE = "unsure"


class ShowForm(StrEnum):
    """Forms of ``hilum journal show``."""

    TABLE = "table"
    JSONL = "jsonl"


class ExportForm(StrEnum):
    """Forms of ``hilum journal export``."""

    CSV = "csv"
    JSONL = "jsonl"


class What(StrEnum):
    """What ``hilum journal export`` writes."""

    ANALYSES = "analyses"
    FEEDBACK = "feedback"


Place = Annotated[
    str,
    typer.Option(
        "--journal",
        metavar="PATH|URL",
        envvar="HILUM_JOURNAL",
        help="A file of SQLite, or postgresql://USER@HOST/NAME.",
        show_default="this user's own",
    ),
]
Days = Annotated[
    float | None, typer.Option(min=0.0, help="Only the last so many days.", show_default="all")
]
Model = Annotated[
    str | None, typer.Option(help="Only analyses by the model of this name.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="Show, judge, export and clear the journal of analyses.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("show")(show_command)
    group.command("summary")(summary_command)
    group.command("feedback")(feedback_command)
    group.command("export")(export_command)
    group.command("purge")(purge_command)
    app.add_typer(group, name="journal")


@contextmanager
def open_named(place: str, *, create: bool = False) -> Iterator[Journal]:
    """Open the journal that an option names; :data:`OWN` is this user's."""
    from hilum.store import open_journal

    with open_journal(None if place == OWN else place, create=create) as journal:
        yield journal


def show_command(
    journal: Place = OWN,
    limit: Annotated[int, typer.Option(min=1, help="No more than these.")] = 20,
    days: Days = None,
    model: Model = None,
    outcome: Annotated[
        Outcomes | None, typer.Option(help="Only those that ended so.", show_default=False)
    ] = None,
    feedback: Annotated[
        Verdicts | None, typer.Option(help="Only those of which this was said last.")
    ] = None,
    form: Annotated[ShowForm, typer.Option("--format", help="Form of the output.")] = (
        ShowForm.TABLE
    ),
) -> None:
    """List analyses, the newest first."""
    with open_named(journal) as opened:
        chosen = _select(days, model, outcome, feedback)
        listed = opened.list_analyses(chosen, limit=limit)
        total = opened.count(chosen)
    if form is ShowForm.JSONL:
        for analysis in listed:
            print(json.dumps(analysis.to_dict(), allow_nan=False))
        return
    print(
        f" {'id':>7}  {'time (UTC)':19}  {'prob.':>6}  {'decision':12}  {'ms':>6}  said      model"
    )
    for analysis in listed:
        print(_describe(analysis))
    print(f"\n{len(listed)} of {total} analyses")


def summary_command(
    journal: Place = OWN,
    days: Days = 30.0,
    model: Model = None,
    alpha: Annotated[
        float, typer.Option(min=0.0001, max=0.4999, help="Chance of a false alarm of each test.")
    ] = 0.01,
) -> None:
    """Sum up: counts by day, errors, latency, feedback, and scores beside validation."""
    with open_named(journal) as opened:
        chosen = _select(days, model)
        print(opened.place)
        _print_counts(opened.count_outcomes(chosen))
        for title, counts in (
            ("Errors", opened.count_errors(chosen)),
            ("Not assessed because of", opened.count_reasons(chosen)),
        ):
            if counts:
                print(f"\n{title}")
                for name, count in counts.items():
                    print(f"    {name:28} {count:7}")
        _print_days(opened, chosen)
        _print_feedback(opened, chosen)
        for comparison in _compare(opened, chosen, alpha):
            _print_comparison(comparison)


def feedback_command(
    analysis_id: Annotated[
        int, typer.Argument(metavar="ID", help="Number of the analysis.", show_default=False)
    ],
    verdict: Annotated[
        Verdicts, typer.Argument(help="What you say of its answer.", show_default=False)
    ],
    journal: Place = OWN,
) -> None:
    """Say of an answer whether you agree. What was said last counts."""
    with open_named(journal) as opened:
        told = opened.add_feedback(analysis_id, verdict.value)
    print(f"analysis {told.analysis_id}: {told.verdict}")


def export_command(
    journal: Place = OWN,
    what: Annotated[What, typer.Option(help="Which rows.")] = What.ANALYSES,
    form: Annotated[ExportForm, typer.Option("--format", help="Form of the file.")] = (
        ExportForm.CSV
    ),
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write there.", show_default="stdout")
    ] = None,
    days: Days = None,
    model: Model = None,
) -> None:
    """Write all analyses, or all feedback, as CSV or JSON lines."""
    from hilum.store import export_journal, write_journal

    if out is not None:
        check_target(out)
    with open_named(journal) as opened:
        chosen = _select(days, model)
        if out is None:
            write_journal(opened, sys.stdout, what=what.value, form=form.value, selection=chosen)
            return
        count = export_journal(opened, out, what=what.value, form=form.value, selection=chosen)
    print(f"{out}: {count} rows")


def purge_command(
    older_than_days: Annotated[
        float, typer.Option(min=0.0, help="Keep so many days.", show_default=False)
    ],
    journal: Place = OWN,
) -> None:
    """Remove old analyses, and what was said of them, for good."""
    with open_named(journal) as opened:
        removed = opened.purge(older_than_days=older_than_days)
        left = opened.count()
    print(f"{removed} analyses removed, {left} left")


def _select(
    days: float | None,
    model: str | None,
    outcome: Outcomes | None = None,
    feedback: Verdicts | None = None,
) -> Selection:
    from hilum.errors import ConfigError
    from hilum.store import OUTCOMES, Selection
    from hilum.store.analysis import check_verdict

    since = None
    if days is not None:
        try:
            since = datetime.now(UTC) - timedelta(days=days)
        except (OverflowError, ValueError) as error:
            raise ConfigError(f"Time does not reach back {days:g} days.") from error
    return Selection(
        since=since,
        model=model,
        outcome=next((one for one in OUTCOMES if one.replace(" ", "-") == outcome), None),
        feedback=None if feedback is None else check_verdict(feedback.value),
    )


def _describe(analysis: Analysis) -> str:
    probability = "-" if analysis.probability is None else f"{analysis.probability:.4f}"
    decision = analysis.error or analysis.decision or analysis.outcome
    model = "-" if analysis.model is None else f"{analysis.model} {analysis.model_version}"
    return _make_plain(
        f" {analysis.id:7}  {analysis.time:%Y-%m-%d %H:%M:%S}  {probability:>6}  {decision:12}  "
        f"{_write_ms(analysis.latency_ms):>6}  {analysis.feedback or '':8}  {model}"
    )


def _make_plain(text: str) -> str:
    """Keep control characters of a label or a version from the terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _print_counts(counts: OutcomeCounts) -> None:
    rate = "-" if counts.error_rate is None else f"{counts.error_rate:.1%}"
    print(
        f"{counts.total} analyses: {counts.answered} answered, {counts.uncertain} uncertain, "
        f"{counts.not_assessed} not assessed, {counts.failed} failed ({rate})"
    )


def _print_days(journal: Journal, chosen: Selection) -> None:
    latencies = {one.day: one.latency for one in journal.measure_latency_by_day(chosen)}
    days = journal.count_by_day(chosen)
    if not days:
        return
    head = ("answered", "uncertain", "not assessed", "failed", "median ms", "95 % ms")
    print(f"\n{'day (UTC)':10}  " + "  ".join(f"{name:>12}" for name in head))
    for one in days:
        counts, latency = one.counts, latencies.get(one.day)
        cells = [
            *map(str, (counts.answered, counts.uncertain, counts.not_assessed, counts.failed)),
            *("--" if latency is None else map(_write_ms, (latency.median_ms, latency.p95_ms))),
        ]
        print(f"{one.day}  " + "  ".join(f"{cell:>12}" for cell in cells))


def _write_ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _print_feedback(journal: Journal, chosen: Selection) -> None:
    counts = journal.count_feedback(chosen)
    if counts:
        print(f"\n{'feedback on':14}" + "".join(f"{verdict.value:>10}" for verdict in Verdicts))
    for decision, said in counts.items():
        cells = "".join(f"{said[verdict.value]:10}" for verdict in Verdicts)
        print(_make_plain(f"{decision:14}{cells}"))


def _compare(journal: Journal, chosen: Selection, alpha: float) -> Iterator[ScoreComparison]:
    """Compare the scores of each shipped model that the journal knows."""
    from hilum.models.zoo import list_models

    known = {use.weights_sha256 for use in journal.list_models(chosen)}
    for spec in list_models():
        if spec.weights.sha256 in known:
            yield journal.compare_scores(spec, chosen, alpha=alpha)


def _print_comparison(comparison: ScoreComparison) -> None:
    from hilum.store import describe_drift

    print(f"\nScores of {comparison.model} {comparison.version} beside its validation films")
    for line in describe_drift(comparison):
        print(f"    {line}")
