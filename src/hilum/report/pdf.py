"""The report of one film as a PDF of one A4 page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from hilum.decision import get_uncertain_range
from hilum.files import write_whole
from hilum.language import Text, check_language, join_texts, recall, template
from hilum.report.colormaps import Scale
from hilum.report.overlay import draw_film
from hilum.report.pdf_pictures import PICTURE_PX, Pictures, fit_picture
from hilum.report.pdf_sheet import (
    COLUMN,
    GAP,
    HEADING,
    INK,
    LINE,
    MARGIN,
    PAGE,
    QUIET,
    SMALL,
    STRIPE,
    WIDTH,
    Sheet,
    Style,
)
from hilum.report.wording import (
    NOT_AN_OUTLINE,
    RESEARCH_ONLY,
    describe_decision,
    describe_evidence,
    describe_probability,
    describe_spread,
    describe_zone,
    format_interval_percent,
    format_percent,
    format_whole_percent,
    name_operating_point,
)
from hilum.spec.words import say_films, say_rule

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

    from hilum.spec import ModelSpec
    from hilum.types import Explanation, FilmWarning, Prediction, Region

# How high pictures are, at most and at least.
_PICTURE_PT = (300.0, 150.0)
_FOOT = 62.0
_MOST_REGIONS = 4
_MOST_NOTES = 8
# Sets of films that a spec may tell figures of.
_PARTS = (template("test"), template("validation"))


def draw_pdf(
    prediction: Prediction,
    spec: ModelSpec,
    *,
    made: datetime,
    language: str = "en",
    explanation: Explanation | None = None,
    regions: Sequence[Region] | None = None,
    opacity: float = 0.6,
    colormap: str | None = None,
    scale: Scale = None,
) -> bytes:
    """Draw the report of one film: the answer, film and evidence, and what they are worth.

    A film that was not assessed gets a page that says why, without a map. The page holds the
    film's digest, and no name of a file, no age and no sex. Text can be selected, fonts are
    embedded as far as they are used, and equal input gives equal bytes.

    Parameters
    ----------
    spec
        Of the model that gave the prediction.
    made
        When the analysis was made, as it is to stand on the page.
    language
        One of :data:`hilum.language.LANGUAGES`.
    explanation
        The map; ``None`` is the prediction's own.
    regions
        Of that map; ``None`` finds those for its target.
    opacity, colormap, scale
        As for :func:`hilum.report.draw_panel`.

    Returns
    -------
    The bytes of the file.

    Raises
    ------
    MissingExtraError
        The extra ``pdf`` is not installed.
    ConfigError
        An option is out of its range.
    """
    sheet = Sheet(check_language(language), made)
    software = f"hilum {version('hilum')}"
    model = Text("{model} {version}", model=spec.name, version=spec.version)
    sheet.describe(Text("Report on a chest film"), model, software)
    top = _write_head(sheet)
    bottom = _write_foot(sheet, prediction, made, software)
    if prediction.probability is None:
        _fill_refused(sheet, prediction, spec, top, bottom)
    else:
        shown = prediction.evidence if explanation is None else explanation
        top = _write_answer(sheet, prediction, spec, prediction.probability, top)
        found = shown.regions(prediction.radiograph) if regions is None else regions
        regions = found[:_MOST_REGIONS]
        left = _tell_evidence(sheet, prediction, shown, regions)
        # Where the gate was off, what it would have said.
        left += _tell_notes(sheet, (*prediction.warnings, *prediction.reasons))
        right = _tell_worth(sheet, prediction, spec) + _tell_model(sheet, spec)
        needed = max(sheet.measure(parts, COLUMN) for parts in (left, right))
        # Long texts take room from the pictures before they grow small.
        most, least = _PICTURE_PT
        height = max(least, min(most, top - bottom - needed - 74.0))
        pictures = Pictures(sheet, prediction, shown, regions)
        below = pictures.draw(top, height, opacity, colormap, scale)
        sheet.place(left, MARGIN, below, COLUMN, below - bottom)
        sheet.place(right, MARGIN + COLUMN + GAP, below, COLUMN, below - bottom)
    return sheet.finish()


def write_pdf(
    path: str | os.PathLike[str],
    prediction: Prediction,
    spec: ModelSpec,
    *,
    made: datetime,
    language: str = "en",
) -> None:
    """Write the report of one film, whole or not at all; see :func:`draw_pdf`.

    Raises
    ------
    OSError
        It cannot be written; what was there before is still there.
    """
    write_whole(path, draw_pdf(prediction, spec, made=made, language=language))


def _write_head(sheet: Sheet) -> float:
    y = PAGE[1] - 46.0
    name = sheet.write("hilum", MARGIN, y, Style(size=15.0, bold=True))
    title = Style(size=10.0, color=QUIET)
    sheet.write(Text("Report on a chest film"), MARGIN + name + 8.0, y, title)
    sheet.write(RESEARCH_ONLY, PAGE[0] - MARGIN, y, Style(size=8.5, color=QUIET), right=True)
    sheet.draw_rule(y - 9.0)
    return y - 22.0


def _write_foot(sheet: Sheet, prediction: Prediction, made: datetime, software: str) -> float:
    """Write which film, when and by what; give where the page above it ends."""
    sheet.draw_rule(_FOOT)
    film = prediction.radiograph
    digest = recall(film.sha256) if film.sha256 else Text("none: the film was no file")
    size = f"{film.header.columns} × {film.header.rows} px"
    lines = (
        Text("Film: SHA-256 {digest}", digest=digest),
        Text("{format}, {size}, read by {recipe}", format=film.format, size=size,
             recipe=film.recipe),
        Text("Made {time} by {software}. A film's name, age and sex are left out.",
             time=made.isoformat(" ", "minutes"), software=software),
    )  # fmt: skip
    for number, line in enumerate(lines):
        sheet.write(line, MARGIN, _FOOT - 11.0 - 10.0 * number, Style(size=7.0, color=QUIET))
    return _FOOT + 6.0


def _write_answer(
    sheet: Sheet, prediction: Prediction, spec: ModelSpec, probability: float, top: float
) -> float:
    """Write probability, decision and scale; give where they end."""
    figure = Style(size=30.0, bold=True)
    sheet.write(format_percent(probability), MARGIN, top - 27.0, figure)
    under = [sheet.make_paragraph(describe_probability(spec), SMALL)]
    left = sheet.place(under, MARGIN, top - 34.0, 150.0, 40.0)
    verdict, reason = describe_decision(prediction, spec)
    x, width = MARGIN + 166.0, WIDTH - 166.0
    said = [
        sheet.make_paragraph(verdict, Style(size=12.0, bold=True, space=2.0)),
        sheet.make_paragraph(reason.as_start(), Style(size=9.0)),
    ]
    if between := describe_spread(prediction):
        said.append(sheet.make_paragraph(between, SMALL))
    y = sheet.place(said, x, top - 2.0, width, 70.0)
    low, high = get_uncertain_range(spec, prediction.operating_point)
    _draw_scale(sheet, x, y - 10.0, width, probability, prediction.threshold, (low, high))
    y -= 24.0
    if low < high:
        zone = [sheet.make_paragraph(describe_zone(low, high), SMALL)]
        y = sheet.place(zone, x, y, width, 24.0)
    return min(y, left) - 6.0


def _draw_scale(
    sheet: Sheet,
    x: float,
    y: float,
    width: float,
    probability: float,
    threshold: float,
    zone: tuple[float, float],
) -> None:
    """Draw the probability as a bar, the threshold as a mark and the uncertain zone striped."""
    pen, height = sheet.canvas, 7.0
    pen.saveState()
    pen.setStrokeColor(LINE)
    pen.setLineWidth(0.5)
    pen.rect(x, y, width, height)
    box = pen.beginPath()
    box.rect(x + zone[0] * width, y, (zone[1] - zone[0]) * width, height)
    pen.saveState()
    pen.clipPath(box, stroke=0)
    pen.setStrokeColor(STRIPE)
    for start in np.arange(x + zone[0] * width - height, x + zone[1] * width, 3.0).tolist():
        pen.line(start, y, start + height, y + height)
    pen.restoreState()
    pen.setFillColor(INK)
    pen.rect(x, y + 2.2, probability * width, height - 4.4, stroke=0, fill=1)
    pen.setStrokeColor(INK)
    pen.setLineWidth(1.2)
    at = x + threshold * width
    pen.line(at, y - 2.0, at, y + height + 2.0)
    pen.restoreState()
    tick = Style(size=7.0, color=QUIET)
    sheet.write(format_whole_percent(0.0), x, y - 9.0, tick)
    sheet.write(format_whole_percent(1.0), x + width, y - 9.0, tick, right=True)
    # Near an end the word would lie on that end's figure.
    place = min(max(at, x + 0.09 * width), x + 0.84 * width)
    sheet.write(Text("threshold"), place, y - 9.0, tick)


def _tell_evidence(
    sheet: Sheet, prediction: Prediction, shown: Explanation, regions: Sequence[Region]
) -> list[Flowable]:
    parts = [sheet.make_paragraph(Text("Where the evidence lies"), HEADING)]
    if shown is prediction.evidence:
        parts.append(sheet.make_paragraph(describe_evidence(prediction)))
    for number, region in enumerate(regions, 1):
        numbered = Text("{number}. {sentence}", number=number, sentence=region.sentence)
        parts.append(sheet.make_paragraph(numbered))
    if not regions:
        parts.append(sheet.make_paragraph(Text("No region stands out.")))
    parts += [_make_note(sheet, warning) for warning in shown.warnings]
    parts.append(sheet.make_paragraph(NOT_AN_OUTLINE, SMALL))
    return parts


def _tell_notes(sheet: Sheet, warnings: Sequence[FilmWarning]) -> list[Flowable]:
    """Tell what the reader should know of film and answer."""
    if not warnings:
        return []
    parts = [sheet.make_paragraph(Text("Notes"), HEADING)]
    parts += [_make_note(sheet, warning.message) for warning in warnings[:_MOST_NOTES]]
    more = len(warnings) - _MOST_NOTES
    if more > 0:
        parts.append(
            sheet.make_paragraph(
                Text.counted("And {count} more note.", "And {count} more notes.", more), SMALL
            )
        )
    return parts


def _make_note(sheet: Sheet, message: str) -> Flowable:
    return sheet.make_paragraph(Text("– {note}", note=message))


def _tell_worth(sheet: Sheet, prediction: Prediction, spec: ModelSpec) -> list[Flowable]:
    """Tell the operating point, and what it bought where it was chosen and where it was judged."""
    name = prediction.operating_point
    point = spec.operating_points[name]
    said = Text(
        "{point}: threshold {threshold}, {rule}.",
        point=name_operating_point(name),
        threshold=format_percent(point.threshold),
        rule=say_rule(point),
    )
    rows: list[list[str]] = [
        [Text("films"), Text("sensitivity"), Text("specificity")],
        [
            Text("validation"),
            format_percent(point.sensitivity),
            format_percent(point.specificity),
        ],
    ]
    for part, metrics in spec.metrics.items():
        judged = metrics.operating_points[name]
        rows.append(
            [
                Text("{part}: {films}", part=recall(part, *_PARTS), films=metrics.films),
                format_interval_percent(judged.sensitivity),
                format_interval_percent(judged.specificity),
            ]
        )
    chosen = Text(
        "Chosen on {films}. In brackets 95 % intervals.", films=say_films(point.chosen_on)
    )
    return [
        sheet.make_paragraph(Text("Operating point"), HEADING),
        sheet.make_paragraph(said),
        sheet.make_table(rows, (0.22 * COLUMN, 0.39 * COLUMN, 0.39 * COLUMN)),
        sheet.make_paragraph(chosen, SMALL),
    ]


def _tell_model(sheet: Sheet, spec: ModelSpec) -> list[Flowable]:
    data = spec.training_data
    population = data.population
    said: list[str] = [recall(spec.description), recall(population.description)]
    if population.age_min_years is not None and population.age_max_years is not None:
        said.append(
            Text(
                "Ages {youngest:g} to {oldest:g} years.",
                youngest=population.age_min_years,
                oldest=population.age_max_years,
            )
        )
    said.append(
        Text("Learned from {films:,} films of {name}.", films=data.train_films, name=data.name)
    )
    beyond = Text("A film of anyone else is outside of what the model has seen.")
    return [
        sheet.make_paragraph(Text("Model"), HEADING),
        sheet.make_paragraph(f"{spec.name} {spec.version}", Style(size=8.5, bold=True)),
        sheet.make_paragraph(join_texts(said)),
        sheet.make_paragraph(beyond, SMALL),
    ]


def _fill_refused(
    sheet: Sheet, prediction: Prediction, spec: ModelSpec, top: float, bottom: float
) -> None:
    """Fill the page of a film that was not assessed: why, and no map."""
    refused = Text("The input gate refused this film, so there is no probability:")
    answer = [
        sheet.make_paragraph(Text("Not assessed"), Style(size=22.0, bold=True, space=10.0)),
        sheet.make_paragraph(refused, Style(size=10.0)),
        *(
            sheet.make_paragraph(Text("– {note}", note=reason.message), Style(size=10.0))
            for reason in prediction.reasons[:_MOST_NOTES]
        ),
        sheet.make_paragraph(Text("Ask a radiologist."), Style(size=10.0, bold=True)),
    ]
    top = sheet.place(answer, MARGIN, top, WIDTH, 220.0) - 14.0
    film = draw_film(prediction.radiograph, max_side_px=PICTURE_PX)
    size = fit_picture(film.size, min(260.0, top - bottom - 40.0))
    sheet.write(Text("Film"), MARGIN, top - 9.0, HEADING)
    sheet.draw_picture(film, MARGIN, top - 14.0, size)
    no_map = Text("No map is shown: it would look like an answer.")
    told = {reason.code for reason in prediction.reasons}
    others = [warning for warning in prediction.warnings if warning.code not in told]
    parts = [
        sheet.make_paragraph(no_map),
        *_tell_notes(sheet, others),
        *_tell_model(sheet, spec),
    ]
    sheet.place(parts, MARGIN + COLUMN + GAP, top - 14.0, COLUMN, top - 14.0 - bottom)
