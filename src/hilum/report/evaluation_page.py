"""The sections of an evaluation's page, each a function of what was found."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from hilum.evaluation import Evaluation
from hilum.evaluation.document import JudgedModel, PointFacts
from hilum.report.comparison_page import POINT_TITLES, SET_TITLES, render_comparisons
from hilum.report.evaluation_figures import MAX_OVERLAID, DrawnFigure
from hilum.report.html import (
    Section,
    Stacked,
    embed_svg,
    render_figure,
    render_key_figures,
    render_pair,
    render_paragraph,
    render_table,
)
from hilum.spec import Interval, PointMetrics, Restraint

Figures = Mapping[str, DrawnFigure]


def render_sections(evaluation: Evaluation, figures: Figures) -> list[Section]:
    """Render everything but the films."""
    several = len(evaluation.models) > 1
    sections = [Section("In short", _render_summary(evaluation))]
    if evaluation.comparisons:
        sections.append(Section("Between the models", render_comparisons(evaluation)))
    sections.append(Section("Telling the films apart", _render_curves(evaluation, figures)))
    points = "".join(
        _render_points(model, number, figures, titled=several)
        for number, model in enumerate(evaluation.models, start=1)
    )
    sections.append(Section("At a threshold", points))
    sections.append(
        Section("What a probability is worth", _render_calibration(evaluation, figures))
    )
    if any(model.metrics.pathogens for model in evaluation.models):
        sections.append(Section("Bacterial and viral apart", _render_pathogens(evaluation)))
    if any(model.metrics.restraint for model in evaluation.models):
        sections.append(Section("What it would not answer", _render_restraint(evaluation)))
    return sections


def stack_interval(interval: Interval | None) -> Stacked:
    """Set a figure above its interval, so that a table of many figures stays narrow."""
    if interval is None:
        return Stacked("undefined", "")
    return Stacked(f"{interval.value:.3f}", f"{interval.low:.3f} to {interval.high:.3f}")


def _get_default(model: JudgedModel) -> PointMetrics:
    return model.metrics.operating_points[model.default_operating_point]


def _say_bounds(interval: Interval | None) -> str:
    return "" if interval is None else f"95 %: {interval.low:.3f} to {interval.high:.3f}"


# --- in short --------------------------------------------------------------------------------


def _render_summary(evaluation: Evaluation) -> str:
    if len(evaluation.models) > 1:
        return _render_ranking(evaluation)
    (model,) = evaluation.models
    metrics, point = model.metrics, _get_default(model)
    key = [
        ("ROC-AUC", metrics.roc_auc),
        ("Accuracy", point.accuracy),
        ("Sensitivity", point.sensitivity),
        ("Specificity", point.specificity),
    ]
    found, alarms = point.true_positive, point.false_positive
    threshold = model.operating_points[model.default_operating_point].threshold
    words = (
        f"At the operating point {model.default_operating_point} (threshold {threshold:.4f}) the "
        f"model finds {found} of the {metrics.positive} films with pneumonia and misses "
        f"{point.false_negative}; of the {metrics.negative} normal films it calls {alarms} "
        "pneumonia. The films had no say in the threshold."
    )
    if model.operating_points[model.default_operating_point].chosen_on == "not told":
        words = words.removesuffix(" The films had no say in the threshold.")
    return (
        render_key_figures(
            (name, f"{own.value:.3f}", _say_bounds(own)) for name, own in key if own is not None
        )
        + render_paragraph(words)
        + render_paragraph(
            f"Intervals hold 95 % ({metrics.interval_method}): {metrics.films} films of "
            f"{metrics.patients} patients. They tell the chance of the draw of patients and "
            "nothing else; films of another hospital are another matter.",
            quiet=True,
        )
    )


def _render_ranking(evaluation: Evaluation) -> str:
    ranked = sorted(evaluation.models, key=lambda model: -model.metrics.roc_auc.value)
    rows = []
    for model in ranked:
        point = _get_default(model)
        rows.append(
            [
                model.name,
                model.default_operating_point,
                stack_interval(model.metrics.roc_auc),
                stack_interval(model.metrics.average_precision),
                stack_interval(point.accuracy),
                stack_interval(point.sensitivity),
                stack_interval(point.specificity),
            ]
        )
    header = ["model", "at", "ROC-AUC", "average precision", "accuracy", "sensitivity"]
    metrics = ranked[0].metrics
    return render_table([*header, "specificity"], rows, words=2) + render_paragraph(
        f"By ROC-AUC, each at its default operating point. Below each figure its 95 % interval "
        f"({metrics.interval_method}). Intervals that overlap do not settle whether two models "
        "differ: they were judged on the same films, and a paired test says more.",
        quiet=True,
    )


# --- curves ----------------------------------------------------------------------------------


def _show(figures: Figures, name: str, caption: str, *, scroll: bool = False) -> str:
    figure = figures[name]
    svg = embed_svg(figure.svg, name=name, title=figure.title)
    return render_figure(svg, caption, scroll=scroll)


def _render_curves(evaluation: Evaluation, figures: Figures) -> str:
    rows = [
        [model.name, *(stack_interval(getattr(model.metrics, name)) for name in SET_TITLES)]
        for model in evaluation.models
    ]
    alone = len(evaluation.models) == 1
    roc = (
        "ROC curve with its 95 % band and the operating points; the corner is drawn larger "
        "where the curve reaches it."
        if alone
        else "ROC curves; the marks are the models' default operating points."
    )
    left_out = len(evaluation.models) - MAX_OVERLAID
    note = (
        render_paragraph(f"The figures show the first {MAX_OVERLAID} models.", quiet=True)
        if left_out > 0
        else ""
    )
    metrics = evaluation.models[0].metrics
    share = metrics.positive / metrics.films
    return (
        render_pair(
            _show(figures, "roc", roc),
            _show(
                figures,
                "precision-recall",
                f"Precision against recall. A model that knows nothing has the precision "
                f"{share:.3f}, the share of films with pneumonia (dotted).",
            ),
        )
        + note
        + render_table(["model", *SET_TITLES.values()], rows)
    )


# --- at a threshold --------------------------------------------------------------------------


def _render_points(model: JudgedModel, number: int, figures: Figures, *, titled: bool) -> str:
    facts, found = model.operating_points, model.metrics.operating_points
    rows = [
        [
            name + (" (default)" if name == model.default_operating_point else ""),
            f"{facts[name].threshold:.4f}",
            *(stack_interval(getattr(point, figure)) for figure in POINT_TITLES),
        ]
        for name, point in found.items()
    ]
    title = f"<h3>{escape(model.name)}</h3>" if titled else ""
    return (
        title
        + render_table(["operating point", "threshold", *POINT_TITLES.values()], rows)
        + _show(
            figures,
            f"confusion-{number}",
            "Confusion matrices. Shares are of a row: of the films that are so.",
            scroll=True,
        )
        + _show(
            figures,
            f"sweep-{number}",
            "What each threshold would do on these films. It shows how much hangs on the "
            "choice; choosing from it would make the figures above too good.",
            scroll=True,
        )
        + _render_rules(facts)
        + _render_predictive_values(model)
    )


def _render_rules(points: Mapping[str, PointFacts]) -> str:
    """Say how the thresholds were chosen; once, where all were chosen on the same films."""
    places = {point.chosen_on for point in points.values()}
    if len(places) == 1:
        rows = [[name, point.rule] for name, point in points.items()]
        caption = f"Chosen on: {places.pop()}"
        return render_table(["operating point", "rule"], rows, words=2, caption=caption)
    rows = [[name, point.rule, point.chosen_on] for name, point in points.items()]
    return render_table(["operating point", "rule", "chosen on"], rows, words=3)


def _render_predictive_values(model: JudgedModel) -> str:
    point = _get_default(model)
    if not point.predictive_values:
        return ""
    rows = [
        [f"{100 * own.prevalence:g} %", stack_interval(own.ppv), stack_interval(own.npv)]
        for own in point.predictive_values
    ]
    table = render_table(
        ["share with pneumonia", "PPV", "NPV"],
        rows,
        caption=f"Predictive values at {model.default_operating_point}, elsewhere",
    )
    return table + render_paragraph(
        "The share of films with pneumonia in a set is its makers' choice, and precision and NPV "
        "hang on it. Here they are reckoned for other shares from sensitivity and specificity "
        "(Bayes), on the assumption that those two stay as they are.",
        quiet=True,
    )


# --- calibration, pathogens ------------------------------------------------------------------


def _render_calibration(evaluation: Evaluation, figures: Figures) -> str:
    binning = evaluation.models[0].metrics.ece_binning
    parts = [
        _show(
            figures,
            "reliability",
            f"Share of films with pneumonia in each bin ({binning}); on the dotted line a "
            "probability means what it says. Marks grow with their films.",
        )
    ]
    several = len(evaluation.models) > 1
    for number, model in enumerate(evaluation.models, start=1):
        lead = f"{model.name}: p" if several else "P"
        parts.append(
            _show(
                figures,
                f"scores-{number}",
                f"{lead}robabilities of the films with pneumonia (up) and the normal ones (down).",
            )
        )
    parts.append(_render_calibration_table(evaluation))
    return render_pair(*parts[:2]) + "".join(parts[2:])


def _render_calibration_table(evaluation: Evaluation) -> str:
    rows = []
    for model in evaluation.models:
        share = model.calibration_prevalence
        rows.append(
            [
                model.name,
                stack_interval(model.metrics.brier),
                stack_interval(model.metrics.ece),
                "not told" if share is None else f"{100 * share:g} %",
                "–" if share is None else stack_interval(model.metrics.ece_at_prevalence),
            ]
        )
    header = ["model", "Brier score", "ECE, films as they are", "calibrated for a share of"]
    return render_table([*header, "ECE at that share"], rows) + render_paragraph(
        "ECE is the expected calibration error: the gap between probability and share, averaged "
        "over the films. A probability holds at one share of pneumonia; the last column weights "
        "the two classes to it. Resampling scatters the bins, so these intervals lie a little "
        "too high.",
        quiet=True,
    )


def _render_pathogens(evaluation: Evaluation) -> str:
    rows = []
    for model in evaluation.models:
        for pathogen, found in model.metrics.pathogens.items():
            rows.append(
                [
                    model.name,
                    pathogen,
                    str(found.films),
                    stack_interval(found.roc_auc),
                    stack_interval(found.sensitivity[model.default_operating_point]),
                ]
            )
    return render_table(
        ["model", "pathogen", "films", "AUC against normal", "sensitivity at the default"],
        rows,
        words=2,
    ) + render_paragraph(
        "Specificity is that of the normal films and the same for both. The model tells "
        "pneumonia from normal, not bacteria from virus.",
        quiet=True,
    )


def _render_restraint(evaluation: Evaluation) -> str:
    found = {
        model.name: model.metrics.restraint
        for model in evaluation.models
        if model.metrics.restraint is not None
    }
    rows = [
        [
            name,
            _stack_share(own.refused),
            f"{own.refused_positive} / {own.refused_negative}",
            _stack_share(own.uncertain),
            str(own.answered),
            *map(stack_interval, (own.accuracy, own.sensitivity, own.specificity)),
        ]
        for name, own in found.items()
    ]
    header = ["model", "refused", "pneumonia / normal", "uncertain", "answered"]
    table = render_table([*header, "accuracy", "sensitivity", "specificity"], rows)
    reasons = [
        [name, code, str(count)]
        for name, own in found.items()
        for code, count in sorted(own.reasons.items(), key=lambda item: -item[1])
    ]
    if reasons:
        table += render_table(["model", "reason to refuse", "films"], reasons, words=2)
    text = render_paragraph(
        "All figures above are of every film. Here is what the model's input gate would refuse "
        "to assess and what it would call uncertain, and on the right how good the remaining "
        "answers are at the default operating point. On films of the kind that the model "
        "knows, every film refused is a price.",
        quiet=True,
    )
    return table + text + _render_coverage(found)


def _render_coverage(found: Mapping[str, Restraint]) -> str:
    rows = [
        [
            name,
            f"{100 * own.promised:g} %",
            *map(_stack_share, (own.covered_positive, own.covered_negative)),
        ]
        for name, own in found.items()
        if own.promised is not None
    ]
    if not rows:
        return ""
    return render_table(["model", "promised", "pneumonia", "normal"], rows) + render_paragraph(
        "Share of the films of each class whose set of possible answers holds the truth, as the "
        "zone of uncertain answers promises it. Where it is less by more than chance, these films "
        "are not like those that set the zone.",
        quiet=True,
    )


def _stack_share(interval: Interval | None) -> Stacked:
    if interval is None:
        return Stacked("undefined", "")
    low, high = 100 * interval.low, 100 * interval.high
    return Stacked(f"{100 * interval.value:.1f} %", f"{low:.1f} to {high:.1f} %")
