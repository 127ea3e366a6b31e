"""Figures with their intervals, in words and as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable

from hilum.language import Text, join_texts
from hilum.spec import Interval, ModelSpec, Restraint, SetMetrics
from hilum.spec.words import say_method

# As the public set's files name them.
_PATHOGENS = {"bacteria": Text("bacteria"), "virus": Text("virus")}
_COLUMNS = (
    Text("operating point"),
    Text("threshold"),
    Text("accuracy"),
    Text("sensitivity"),
    Text("specificity"),
    Text("precision"),
    Text("F1"),
)
POINT_FIGURES = ("accuracy", "sensitivity", "specificity", "precision", "f1")


def format_interval(interval: Interval | None) -> Text:
    """Give a figure with its 95 % interval: ``0.973 (0.961 to 0.983)``."""
    if interval is None:
        return Text("undefined")
    return Text(
        "{value:.3f} ({low:.3f} to {high:.3f})",
        value=interval.value,
        low=interval.low,
        high=interval.high,
    )


def format_p(p_value: float) -> str:
    """Give a p value as one reads it: ``< 0.001``, ``0.038``."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def render_metrics_table(spec: ModelSpec, part: str) -> Text:
    """Render what a model does on one set of films as a Markdown table.

    Raises
    ------
    KeyError
        The spec has no figures of that part.
    """
    metrics = spec.metrics[part]
    intro = Text(
        "AUC {auc}, Brier score {brier}; {films} films, {positive} with pneumonia and {negative} "
        "normal. In brackets 95 % intervals ({method}). Command: `{command}`.",
        auc=format_interval(metrics.roc_auc),
        brier=format_interval(metrics.brier),
        films=metrics.films,
        positive=metrics.positive,
        negative=metrics.negative,
        method=say_method(metrics.interval_method),
        command=metrics.command,
    )
    lines: list[str] = [intro, "", render_row(_COLUMNS), "|---|---|---|---|---|---|---|"]
    for name, point in metrics.operating_points.items():
        title: str = f"`{name}`"
        if name == spec.default_operating_point:
            title = Text("{name} (default)", name=title)
        threshold = f"{spec.operating_points[name].threshold:.4f}"
        figures = [format_interval(getattr(point, figure)) for figure in POINT_FIGURES]
        lines.append(render_row([title, threshold, *figures]))
    sentences = _render_more(spec, metrics)
    if sentences:
        lines += ["", *(join_texts(["* ", sentence], "") for sentence in sentences)]
    return join_texts(lines, "\n")


def render_row(cells: Iterable[str]) -> Text:
    """Render a row of a Markdown table."""
    return join_texts(["|", join_texts(cells, " | "), "|"])


def _render_more(spec: ModelSpec, metrics: SetMetrics) -> list[Text]:
    """Say in sentences what the table has no column for, as far as it was recorded."""
    name = spec.default_operating_point
    point = metrics.operating_points[name]
    sentences = []
    if metrics.average_precision is not None:
        sentences.append(
            Text("Average precision {figure}.", figure=format_interval(metrics.average_precision))
        )
    if metrics.ece is not None:
        sentences.append(_render_calibration(spec, metrics, metrics.ece))
    for pathogen, found in metrics.pathogens.items():
        sentences.append(
            Text(
                "On the {films} films with {pathogen}: AUC {auc}, sensitivity at `{point}` "
                "{sensitivity}.",
                films=found.films,
                pathogen=_PATHOGENS.get(pathogen, pathogen),
                auc=format_interval(found.roc_auc),
                point=name,
                sensitivity=format_interval(found.sensitivity[name]),
            )
        )
    sentences += [
        Text(
            "Of the films called pneumonia at `{point}`, {ppv} would show it where {percent:g} % "
            "of all do, and of those called normal {npv} would be normal.",
            point=name,
            ppv=format_interval(own.ppv),
            percent=100 * own.prevalence,
            npv=format_interval(own.npv),
        )
        for own in point.predictive_values[:1]
    ]
    if metrics.restraint is not None:
        sentences += describe_restraint(metrics.films, metrics.restraint)
    return sentences


def describe_restraint(films: int, found: Restraint) -> list[Text]:
    """Say how many of so many films a model answers, and what its zone holds, in sentences."""
    sentences = [
        Text(
            "All figures above are of every film. The model answers {answered} of the {films}: "
            "its gate refuses {refused:.1%}, and {uncertain:.1%} are uncertain. Of the answers "
            "{accuracy} are right.",
            answered=found.answered,
            films=films,
            refused=found.refused.value,
            uncertain=found.uncertain.value,
            accuracy=format_interval(found.accuracy),
        )
    ]
    if found.promised is not None:
        sentences.append(
            Text(
                "The set of possible answers holds the truth for {positive} of the films with "
                "pneumonia and {negative} of the normal ones; {promised:.0%} were promised.",
                positive=format_interval(found.covered_positive),
                negative=format_interval(found.covered_negative),
                promised=found.promised,
            )
        )
    return sentences


def _render_calibration(spec: ModelSpec, metrics: SetMetrics, ece: Interval) -> Text:
    binning, figure = say_method(metrics.ece_binning or ""), format_interval(ece)
    if metrics.ece_at_prevalence is None:
        return Text(
            "Expected calibration error ({binning}) {figure}.", binning=binning, figure=figure
        )
    return Text(
        "Expected calibration error ({binning}) {figure}, and {weighted} with the classes weighted "
        "to the {percent:g} % of pneumonia that it was calibrated for.",
        binning=binning,
        figure=figure,
        weighted=format_interval(metrics.ece_at_prevalence),
        percent=100 * spec.calibration.prevalence,
    )
