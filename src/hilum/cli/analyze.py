"""``hilum analyze``: films in, one result a film out."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.cli import options
from hilum.cli.failures import SOME_FILMS_FAILED
from hilum.cli.films import STDIN, FilmSearch
from hilum.cli.output import OutputFormat, make_writer
from hilum.errors import ConfigError, UnsupportedImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hilum.cli.output import Writer
    from hilum.cli.overlays import OverlayFolder
    from hilum.predictor import FilmError, Predictor
    from hilum.types import Prediction

    # The film's name, what came of it, and in how many milliseconds.
    Outcome = tuple[str, Prediction | FilmError, float]

# From this many films on, a bar shows how far the work is.
_MANY = 20

# With ``--strict``, a film with one of these has no answer: the film is not of the kind
# that the model can judge, or its pixels are not what they should be. Other warnings
# (a lossy film, an unknown view) are told and leave the answer standing.
STRICT_WARNINGS = frozenset(
    {
        "blank",
        "for_processing",
        "lateral_view",
        "modality_unexpected",
        "not_chest",
        "orientation_unusual",
        "outside_population",
        "presentation_conflict",
        "recipe_forced",
        "untrained_view",
        "window_saturates",
    }
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("analyze")(analyze)


def analyze(
    paths: options.Films,
    model: options.Model = None,
    operating_point: Annotated[
        str | None,
        typer.Option(help="One of the model's operating points.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a picture of the evidence of each film into DIR."),
    ] = None,
    report: Annotated[
        options.Language | None,
        typer.Option(
            help="Write a one-page PDF report of each film into DIR, too, in this language.",
            show_default=False,
        ),
    ] = None,
    output_format: Annotated[
        OutputFormat, typer.Option("--format", help="Form of the output.")
    ] = OutputFormat.TABLE,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Give no answer for films that the model cannot judge."),
    ] = False,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads of the network.", show_default="CPUs, at most 4"),
    ] = None,
    force_recipe: Annotated[
        bool,
        typer.Option("--force-recipe", help="Apply the model's recipe where it has no meaning."),
    ] = False,
    no_gate: Annotated[
        bool,
        typer.Option("--no-gate", help="Answer also for films that the input gate refuses."),
    ] = False,
    views: options.Views = "none",
    journal: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|URL|default",
            help="Record each analysis in a journal; default is this user's own.",
            show_default="none is kept",
        ),
    ] = None,
) -> None:
    """Analyze films: probability, decision and evidence of each.

    A film that the model cannot judge is "not assessed", with reasons and no probability; one
    whose answer the model cannot stand for is "uncertain".

    Exit code: 0 all films were read, 3 some were not, 2 wrong usage, 4 broken model.
    """
    from hilum.cli.overlays import OverlayFolder
    from hilum.cli.recording import open_recorder
    from hilum.decision import get_operating_point
    from hilum.predictor import load_model
    from hilum.types import Prediction

    # A file name that is no valid text is shown with escapes instead of failing.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if report is not None and out is None:
        raise ConfigError("--report needs --out DIR: reports are written beside the pictures.")
    films = failed = refused = 0
    with (
        load_model(model, threads=threads) as predictor,
        open_recorder(journal, predictor.spec) as record,
    ):
        name, point = get_operating_point(predictor.spec, operating_point)
        overlays = None if out is None else OverlayFolder(out, paths)
        draw_report = None
        if overlays is not None and report is not None:
            draw_report = partial(overlays.write_report, predictor.spec, report.value)
        search = FilmSearch(paths, exclude=None if overlays is None else overlays.folder)
        writer = make_writer(output_format)
        outcomes = _analyze_each(
            predictor, search, name, force_recipe, gate=not no_gate, views=views
        )
        for source, outcome, latency_ms in _show_progress(outcomes, search):
            result = _refuse_doubtful(outcome) if strict else outcome
            if not films:
                writer.begin(predictor.spec, name, point)
            films += 1
            failed += _write(writer, source, result, overlays, draw_report)
            refused += isinstance(result, Prediction) and not result.assessed
            record(outcome, latency_ms)
    if search.text_files:
        print(f"hilum: text files in folders, passed over: {search.text_files}", file=sys.stderr)
    if not films:
        raise ConfigError("There are no films in what was given.")
    writer.end()
    if refused:
        print(f"hilum: {refused} of {films} films were not assessed", file=sys.stderr)
    if failed:
        print(f"hilum: {failed} of {films} films have no answer", file=sys.stderr)
        raise typer.Exit(SOME_FILMS_FAILED)


def _analyze_each(
    predictor: Predictor,
    search: FilmSearch,
    operating_point: str,
    force_recipe: bool,
    *,
    gate: bool,
    views: str,
) -> Iterator[Outcome]:
    for source in search:
        film = sys.stdin.buffer if source == STDIN else source
        start = time.perf_counter()
        [outcome] = predictor.analyze_each(
            [film],
            operating_point=operating_point,
            force_recipe=force_recipe,
            gate=gate,
            views=views,
        )
        yield source, outcome, 1e3 * (time.perf_counter() - start)


def _show_progress(outcomes: Iterator[Outcome], search: FilmSearch) -> Iterable[Outcome]:
    """Show a bar where someone looks and the results themselves do not pass by."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        return outcomes
    total = sum(1 for _ in search)
    if total < _MANY:
        return outcomes
    from tqdm import tqdm

    return tqdm(outcomes, total=total, unit="film", file=sys.stderr)


def _refuse_doubtful(outcome: Prediction | FilmError) -> Prediction | FilmError:
    """Take the answer back where a warning says that the model cannot judge the film."""
    from hilum.predictor import FilmError

    if isinstance(outcome, FilmError):
        return outcome
    codes = [warning.code for warning in outcome.warnings if warning.code in STRICT_WARNINGS]
    if not outcome.assessed:
        codes += [reason.code for reason in outcome.reasons if reason.code not in codes]
    if not codes:
        return outcome
    message = f"Refused because of --strict: {', '.join(codes)}."
    return FilmError(outcome.source, UnsupportedImageError(message))


def _write(
    writer: Writer,
    source: str,
    outcome: Prediction | FilmError,
    overlays: OverlayFolder | None,
    draw_report: Callable[[str, Prediction], str] | None,
) -> bool:
    """Write one result, its overlay and its report; tell whether the film failed."""
    from hilum.predictor import FilmError

    if isinstance(outcome, FilmError):
        writer.write_error(source, outcome.error)
        return True
    overlay = None if overlays is None else overlays.write(source, outcome)
    report = None if draw_report is None else draw_report(source, outcome)
    writer.write_prediction(source, outcome, overlay, report)
    return False
