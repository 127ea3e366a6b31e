"""What a model's spec holds of its worth: curves of validation, figures of the test, its maps."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from hilum.app.curves import show_reliability, show_roc, show_rocs, show_scores
from hilum.app.parts import show_notes, show_part, show_quiet, show_sentence
from hilum.app.thresholds import read_roc, show_points, show_table
from hilum.app.wording import format_percent, name_operating_point
from hilum.language import Text, join_texts, recall, template
from hilum.report.figures import describe_restraint
from hilum.report.wording import format_interval_percent
from hilum.spec import Faithfulness, Interval, ModelSpec, SetMetrics
from hilum.spec.words import say_films

# Sets of films that a spec may tell figures of.
_PARTS = (template("test"), template("validation"))


def show_all_curves(specs: Sequence[ModelSpec]) -> None:
    """Show the ROC curves of all models whose specs hold them, in one figure."""
    traced = [(spec, roc) for spec in specs if (roc := read_roc(spec)) is not None]
    if not traced:
        return
    show_part(Text("ROC on validation films"))
    with st.container(key="all_curves"):
        show_rocs(traced, key="all_rocs")
    show_quiet(
        Text(
            "The mark on each curve is the model's own operating point. Validation films chose "
            "epochs and thresholds, so they flatter: the figures of the test films are above."
        )
    )


def show_scorecard(spec: ModelSpec) -> None:
    """Show curves, calibration, figures and the worth of maps of one model."""
    _show_curves(spec)
    for part, metrics in spec.metrics.items():
        _show_set(spec, part, metrics)
    show_part(Text("Which maps deserve belief"))
    if spec.faithfulness is None:
        show_quiet(Text("Not measured. hilum faithfulness measures it on films with labels."))
    else:
        _show_faithfulness(spec, spec.faithfulness)


def _show_curves(spec: ModelSpec) -> None:
    roc = read_roc(spec)
    show_part(Text("Curves of the validation films"))
    if roc is None:
        show_quiet(
            Text(
                "The spec of {model} does not hold how its validation films scored; hilum "
                "calibrate adds it.",
                model=spec.name,
            )
        )
        show_points(spec)
        return
    with st.container(key="model_curves"):
        with st.container(key="model_roc", gap="xsmall"):
            show_quiet(Text("ROC with the operating points"))
            show_roc(spec, roc, key="model_roc_plot")
        with st.container(key="model_reliability", gap="xsmall"):
            show_quiet(Text("Reliability: does a probability mean what it says?"))
            show_reliability(spec, roc, key="model_reliability_plot")
        with st.container(key="model_scores", gap="xsmall"):
            show_quiet(Text("How films score; the line is the model's own threshold"))
            show_scores(spec, roc, key="model_scores_plot")
    show_quiet(
        join_texts(
            [
                Text("{films}.", films=say_films(spec.calibration.fitted_on).as_start()),
                Text(
                    "Calibration and operating points were fitted on them. Classes are weighted to "
                    "the {prevalence:.0f} % of {label} that the probability holds for; the size of "
                    "a disc is the share of films in its bin.",
                    prevalence=100 * spec.calibration.prevalence,
                    label=recall(spec.labels.positive),
                ),
            ]
        )
    )


def _show_set(spec: ModelSpec, part: str, metrics: SetMetrics) -> None:
    show_part(Text("Figures on {part} films", part=recall(part, *_PARTS)))
    titles = (
        Text("Operating point"),
        Text("Threshold"),
        Text("Accuracy"),
        Text("Sensitivity"),
        Text("Specificity"),
        Text("Precision"),
        Text("Missed"),
        Text("False alarms"),
    )
    rows = []
    for name, found in metrics.operating_points.items():
        own = name_operating_point(name)
        if name == spec.default_operating_point:
            own = Text("{point} (the model's own)", point=own)
        rates = (found.accuracy, found.sensitivity, found.specificity, found.precision)
        rows.append(
            [
                own,
                format_percent(spec.operating_points[name].threshold),
                *(_tell_rate(rate) for rate in rates),
                f"{found.false_negative} / {metrics.positive}",
                f"{found.false_positive} / {metrics.negative}",
            ]
        )
    show_table(titles, rows, Text("Figures on {part} films", part=recall(part, *_PARTS)))
    said = [
        Text(
            "AUC {auc}, Brier score {brier}, on {films} films: {positive} {positive_label}, "
            "{negative} {negative_label}.",
            auc=_tell_figure(metrics.roc_auc),
            brier=_tell_figure(metrics.brier),
            films=metrics.films,
            positive=metrics.positive,
            negative=metrics.negative,
            positive_label=recall(spec.labels.positive),
            negative_label=recall(spec.labels.negative),
        )
    ]
    if metrics.ece_at_prevalence is not None:
        said.append(
            Text(
                "Expected calibration error {ece}, at {prevalence:.0f} % of {label}.",
                ece=_tell_figure(metrics.ece_at_prevalence),
                prevalence=100 * spec.calibration.prevalence,
                label=recall(spec.labels.positive),
            )
        )
    if metrics.restraint is not None:
        said += describe_restraint(metrics.films, metrics.restraint)
    said.append(Text("In brackets 95 % intervals."))
    show_quiet(join_texts(said))


def _tell_rate(interval: Interval | None) -> str:
    return Text("undefined") if interval is None else format_interval_percent(interval)


def _tell_figure(interval: Interval | None) -> str:
    if interval is None:
        return Text("not measured")
    return Text(
        "{value:.3f} ({low:.3f} to {high:.3f})",
        value=interval.value,
        low=interval.low,
        high=interval.high,
    )


def _tell_short(interval: Interval | None) -> str:
    if interval is None:
        return Text("not measured")
    return Text(
        "{value:.2f} ({low:.2f} to {high:.2f})",
        value=interval.value,
        low=interval.low,
        high=interval.high,
    )


def _show_faithfulness(spec: ModelSpec, found: Faithfulness) -> None:
    titles = (
        Text("Map"),
        Text("Finds planted opacities"),
        Text("Overlap (IoU)"),
        Text("Insertion"),
        Text("ROAD"),
        Text("After a small shift"),
        Text("With shuffled weights"),
    )
    rows: list[list[str]] = [
        [
            name,
            *(
                _tell_short(figure)
                for figure in (
                    one.hit,
                    one.iou,
                    one.insertion_gain,
                    one.road_gain,
                    one.shift,
                    one.random_weights,
                )
            ),
        ]
        for name, one in found.methods.items()
    ]
    show_table(titles, rows, Text("Which maps deserve belief"))
    show_quiet(
        Text(
            "Hits and overlap are of planted opacities: more is better, and a map of noise or "
            "edges hits {control}. Insertion and ROAD say by how much the order of the map's "
            "pixels does better than chance. The last two are rank correlations: after a shift "
            "the map should stay (near 1), with shuffled weights it should not (near 0).",
            control=_tell_short(found.control_hit),
        )
    )
    show_notes([said for name in found.methods for said in spec.list_map_warnings(name)])
    show_sentence(
        Text(
            "AUC of these films {auc}; with everything but the lungs levelled {lungs}; with the "
            "lungs levelled {without}.",
            auc=_tell_figure(found.auc),
            lungs=_tell_figure(found.auc_lungs_only),
            without=_tell_figure(found.auc_lungs_levelled),
        )
    )
    show_sentence(
        Text(
            "Of the evidence for {label} {share} lies outside of the lungs; {flat} if it were "
            "everywhere alike. A lead letter put into a corner changes the probability by "
            "{marker} on average.",
            label=recall(spec.labels.positive),
            share=format_interval_percent(found.outside_lungs),
            flat=format_percent(found.outside_lungs_flat),
            marker=_tell_figure(found.put_in_marker),
        )
    )
    show_quiet(
        Text(
            "Measured on {films} films of {set_name} by hilum faithfulness.",
            films=found.films,
            set_name=found.set_name,
        )
    )
