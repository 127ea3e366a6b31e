"""``write_report``: an evaluation as one page, with JSON and every figure beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.errors import DatasetError
from hilum.evaluation import Candidate, Evaluation, write_evaluation
from hilum.files import write_whole
from hilum.report.evaluation_figures import DrawnFigure, draw_figures, draw_gallery, write_figures
from hilum.report.evaluation_films import (
    ShownFilm,
    choose_gallery,
    choose_worst,
    read_shown_films,
    render_films,
)
from hilum.report.evaluation_page import render_sections
from hilum.report.html import Section, render_facts, render_page, render_paragraph

PAGE_NAME, DATA_NAME, FIGURES_NAME = "report.html", "evaluation.json", "figures"


@dataclass(frozen=True, slots=True)
class _Films:
    name: str
    gallery: list[ShownFilm]
    missed: list[ShownFilm]
    alarms: list[ShownFilm]


def write_report(
    evaluation: Evaluation,
    candidates: Sequence[Candidate],
    folder: str | os.PathLike[str],
    *,
    films: Path | None = None,
    threads: int | None = None,
) -> Path:
    """Write ``report.html``, ``evaluation.json`` and ``figures/*.{png,svg}``.

    The page stands alone: it can be moved, sent and printed without its folder. Everything is
    computed before the first file is written.

    Parameters
    ----------
    evaluation, candidates
        What was found, and what it was found of, in the same order.
    films
        The folder that the films' paths are relative to: the page then shows films, a sample
        and the worst errors. ``None`` shows none.
    threads
        Threads of a network that is run again for its evidence.

    Returns
    -------
    The path of the page.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    DatasetError
        A film cannot be shown, or the folder cannot be written to.
    """
    shown = [] if films is None else _read_films(candidates, films, threads)
    figures = draw_figures(candidates)
    sections = render_sections(evaluation, figures)
    sections += _render_film_sections(shown)
    sections.append(Section("How it was computed", _render_method(evaluation)))
    drawn = [*figures.values(), *_draw_sheets(shown)]
    page = render_page(
        _make_title(evaluation),
        sections,
        subtitle=_make_subtitle(evaluation),
        details=f"hilum {evaluation.hilum_version} · {evaluation.command}",
    )
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_figures(drawn, folder / FIGURES_NAME)
        write_evaluation(evaluation, folder / DATA_NAME)
        # The page last: where it is, the rest is too.
        write_whole(folder / PAGE_NAME, page)
    except OSError as error:
        raise DatasetError(
            f"The report cannot be written to {folder}: {error.strerror}."
        ) from error
    return folder / PAGE_NAME


def _make_title(evaluation: Evaluation) -> str:
    names = [model.name for model in evaluation.models]
    if len(names) == 1:
        return names[0]
    return " and ".join(names) if len(names) == 2 else f"{len(names)} models compared"


def _make_subtitle(evaluation: Evaluation) -> str:
    metrics = evaluation.models[0].metrics
    part = f"part {evaluation.part} of " if evaluation.part else ""
    counts = {
        (own.metrics.films, own.metrics.positive, own.metrics.patients) for own in evaluation.models
    }
    if len(counts) > 1:
        sets = ", ".join(f"{own.name} {own.metrics.films}" for own in evaluation.models)
        return f"Judged on different films, which makes a comparison idle. Films: {sets}."
    return (
        f"Judged on {part}{evaluation.data}: {metrics.films} films of {metrics.patients} patients, "
        f"{metrics.positive} with pneumonia and {metrics.negative} normal."
    )


def _read_films(candidates: Sequence[Candidate], root: Path, threads: int | None) -> list[_Films]:
    found = []
    for candidate in candidates:
        places = [
            choose_gallery(candidate),
            choose_worst(candidate, 1),
            choose_worst(candidate, 0),
        ]
        shown = read_shown_films(candidate, root, places, threads=threads)
        found.append(_Films(candidate.name, *shown))
    return found


def _render_film_sections(shown: Sequence[_Films]) -> list[Section]:
    sections = []
    for films in shown:
        own = f": {films.name}" if len(shown) > 1 else ""
        worst = render_paragraph(
            "The wrong decisions at the default operating point that were made with most "
            "confidence, the worst first. On the evidence orange speaks for pneumonia and blue "
            "against it; look whether it lies in the lungs."
        )
        for title, wrong in (("Missed pneumonia", films.missed), ("False alarms", films.alarms)):
            worst += f"<h3>{title}</h3>"
            worst += render_films(wrong, evidence=True) if wrong else render_paragraph("None.")
        sections.append(Section(f"The worst errors{own}", worst))
        gallery = render_paragraph(
            "Drawn at random, as many of each class. Green is decided rightly and red wrongly; "
            "the number is the probability of pneumonia."
        ) + render_films(films.gallery)
        sections.append(Section(f"Some of the films{own}", gallery))
    return sections


def _draw_sheets(shown: Sequence[_Films]) -> list[DrawnFigure]:
    return [
        draw_gallery(f"{kind}-{number}", f"{title} of {films.name}", chosen)
        for number, films in enumerate(shown, start=1)
        for kind, title, chosen in (
            ("films", "Some films", films.gallery),
            ("errors", "The worst errors", films.missed + films.alarms),
        )
        if chosen
    ]


def _render_method(evaluation: Evaluation) -> str:
    metrics = evaluation.models[0].metrics
    facts = {
        "Figures": f"{evaluation.computed_with} (hilum's own NumPy figures are the same numbers)",
        "Intervals": metrics.interval_method,
        "Calibration error": metrics.ece_binning or "not computed",
        "Ranking": "by the logit where there is one, else by the probability",
        "Positive": "at or above the threshold",
    }
    return render_facts(facts) + render_paragraph(
        "Patients are drawn with all their films, within each class, so the mix of the set is "
        "given. Two films of one patient are not two independent facts, and a test set that "
        "chose nothing is worth more than one that did.",
        quiet=True,
    )
