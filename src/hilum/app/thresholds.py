"""What any threshold bought on the validation films: the curve, a slider, and words for it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from hilum.app.curves import show_roc, show_scores
from hilum.app.parts import say, show_part, show_quiet, show_sentence, to_html
from hilum.app.wording import format_percent, name_operating_point
from hilum.decision import ThresholdFigures, ValidationRoc, decide_at, trace_roc
from hilum.language import Text, join_texts, recall
from hilum.spec import Interval, ModelSpec
from hilum.spec.words import say_films
from hilum.types import UNCERTAIN

_SCORES_HEIGHT_PX = 230
# Grid values so near to an operating point would be told like it.
_APART = 0.0016


def read_roc(spec: ModelSpec) -> ValidationRoc | None:
    """Trace the curve of a model; ``None`` where its spec does not hold what that takes."""
    if spec.validation_logits is None:
        return None
    return trace_roc(spec.validation_logits, spec.calibration, spec.operating_points.values())


def show_thresholds(spec: ModelSpec, operating_point: str, probability: float | None) -> None:
    """Show what thresholds bought, with a slider that is for looking only.

    Parameters
    ----------
    operating_point
        The one that the page decides at; the slider begins at its threshold.
    probability
        Of the film that is open; ``None`` where it was not assessed.
    """
    show_part(Text("What a threshold buys"))
    roc = read_roc(spec)
    if roc is None:
        show_quiet(
            Text(
                "The spec of {model} does not hold how its validation films scored, so its curve "
                "is not known; hilum calibrate adds it. These are its operating points.",
                model=spec.name,
            )
        )
        show_points(spec)
        return
    _show_looking(spec, operating_point, probability)


# Only this part runs again when the slider moves: no film is read, and no network asked.
@st.fragment
def _show_looking(spec: ModelSpec, operating_point: str, probability: float | None) -> None:
    roc = read_roc(spec)
    if roc is None:
        return
    key = f"looking:{spec.name}:{spec.version}:{operating_point}"
    stops = list_thresholds(spec)
    if st.session_state.get(key) not in stops:
        st.session_state[key] = spec.operating_points[operating_point].threshold
    # The slider stands after the curve; it has moved before either is drawn.
    threshold: float = st.session_state[key]
    figures = roc.measure_at(threshold)
    with st.container(key="looking"):
        with st.container(key="looking_curve", gap="xsmall"):
            show_roc(spec, roc, own=probability, chosen=figures, key="looking_roc")
        with st.container(key="looking_words", gap="small"):
            st.select_slider(
                say(Text("Threshold to look at")),
                stops,
                format_func=lambda value: say(format_percent(value)),
                key=key,
                help=say(
                    Text(
                        "For looking only. The decision and what is recorded stay with the "
                        "operating point that is chosen among the settings."
                    )
                ),
            )
            st.html(_render_figures(figures, spec))
            show_sentence(_describe_film(spec, probability, threshold))
            show_scores(
                spec,
                roc,
                own=probability,
                threshold=threshold,
                height_px=_SCORES_HEIGHT_PX,
                key="looking_scores",
            )
            show_quiet(_describe_stance(spec, operating_point))
            show_quiet(_describe_origin(roc, spec))


def list_thresholds(spec: ModelSpec) -> list[float]:
    """List the thresholds that the slider stops at: even steps, and the operating points."""
    points = sorted({point.threshold for point in spec.operating_points.values()})
    even = [0.001, *np.arange(0.005, 0.9951, 0.005).round(4).tolist(), 0.999]
    apart = [value for value in even if all(abs(value - point) > _APART for point in points)]
    return sorted([*apart, *points])


def _render_figures(figures: ThresholdFigures, spec: ModelSpec) -> str:
    """Render both rates with their intervals, and the films behind them."""
    counts = figures.counts
    about = "" if figures.exact else "≈ "
    missed = Text(
        "Missed: {about}{films:.0f} of {all:.0f} ({label})",
        about=about,
        films=counts.false_negative,
        all=counts.false_negative + counts.true_positive,
        label=recall(spec.labels.positive),
    )
    alarms = Text(
        "False alarms: {about}{films:.0f} of {all:.0f} ({label})",
        about=about,
        films=counts.false_positive,
        all=counts.false_positive + counts.true_negative,
        label=recall(spec.labels.negative),
    )
    shown = (
        (Text("Sensitivity"), figures.sensitivity, missed),
        (Text("Specificity"), figures.specificity, alarms),
    )
    rows = "".join(
        f"<div><dt>{to_html(name)}</dt><dd>{to_html(format_percent(rate.value))}"
        f"<small>{to_html(_describe_range(rate))}</small><small>{to_html(films)}</small></dd></div>"
        for name, rate, films in shown
    )
    return f'<dl class="tally bought" aria-live="polite">{rows}</dl>'


def _describe_range(rate: Interval) -> Text:
    return Text("{low} to {high}", low=format_percent(rate.low), high=format_percent(rate.high))


def _describe_film(spec: ModelSpec, probability: float | None, threshold: float) -> Text:
    if probability is None:
        return Text("This film was not assessed, so it has no place on the curve.")
    side, decision = decide_at(probability, threshold, spec)
    said = {"probability": format_percent(probability), "threshold": format_percent(threshold)}
    if decision == UNCERTAIN:
        return Text(
            "This film, at {probability}: with a threshold of {threshold} the decision would be "
            "uncertain, on the side of {side}.",
            side=recall(side),
            **said,
        )
    return Text(
        "This film, at {probability}: with a threshold of {threshold} the decision would be "
        "{decision}.",
        decision=recall(decision),
        **said,
    )


def _describe_stance(spec: ModelSpec, operating_point: str) -> Text:
    return Text(
        "The slider is for looking: the decision above, and what is recorded and saved, stay at "
        "the operating point {point}, {threshold}.",
        point=name_operating_point(operating_point),
        threshold=format_percent(spec.operating_points[operating_point].threshold),
    )


def _describe_origin(roc: ValidationRoc, spec: ModelSpec) -> Text:
    """Say which films these are, and what the figures leave out."""
    said = Text(
        "{films}. The operating points were chosen on them, so they flatter; the page Models has "
        "the test films. 95 % intervals (Wilson) take films for independent, which those of one "
        "patient are not.",
        films=say_films(spec.calibration.fitted_on).as_start(),
    )
    steps = Text(
        "≈: the spec tells how films scored in steps of about one in a hundred, and the intervals "
        "hold what that leaves open."
    )
    return join_texts([said, steps])


def show_points(spec: ModelSpec) -> None:
    """Show the operating points of a spec as a table."""
    titles = (
        Text("Operating point"),
        Text("Threshold"),
        Text("Sensitivity"),
        Text("Specificity"),
    )
    rows: list[list[str]] = [
        [
            name_operating_point(name),
            *map(format_percent, (point.threshold, point.sensitivity, point.specificity)),
        ]
        for name, point in spec.operating_points.items()
    ]
    show_table(titles, rows, Text("Operating points"))
    first = next(iter(spec.operating_points.values()))
    show_quiet(Text("Reached on {films}.", films=say_films(first.chosen_on)))


def show_table(titles: tuple[str, ...], rows: list[list[str]], words: str) -> None:
    """Show a table that can be scrolled aside on a narrow screen."""
    head = "".join(f'<th scope="col">{to_html(title)}</th>' for title in titles)
    lines = "".join(
        f'<tr><th scope="row">{to_html(first)}</th>'
        + "".join(f"<td>{to_html(cell)}</td>" for cell in cells)
        + "</tr>"
        for first, *cells in rows
    )
    st.html(
        f'<div class="wide-list" tabindex="0" role="region" aria-label="{to_html(words)}">'
        f'<table class="list figures"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'
        "</div>"
    )
