"""Figures with their intervals, in words and as Markdown tables."""

from __future__ import annotations

from hilum.spec import Interval, ModelSpec, SetMetrics

POINT_FIGURES = ("accuracy", "sensitivity", "specificity", "precision", "f1")


def format_interval(interval: Interval | None) -> str:
    """Give a figure with its 95 % interval: ``0.973 (0.961 to 0.983)``."""
    if interval is None:
        return "undefined"
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def format_p(p_value: float) -> str:
    """Give a p value as one reads it: ``< 0.001``, ``0.038``."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def render_metrics_table(spec: ModelSpec, part: str) -> str:
    """Render what a model does on one set of films as a Markdown table.

    Raises
    ------
    KeyError
        The spec has no figures of that part.
    """
    metrics = spec.metrics[part]
    lines = [
        f"AUC {format_interval(metrics.roc_auc)}, Brier score {format_interval(metrics.brier)}; "
        f"{metrics.films} films, {metrics.positive} with pneumonia and {metrics.negative} normal. "
        f"In brackets 95 % intervals ({metrics.interval_method}). Command: `{metrics.command}`.",
        "",
        "| operating point | threshold | accuracy | sensitivity | specificity | precision | F1 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, point in metrics.operating_points.items():
        title = f"`{name}`" + (" (default)" if name == spec.default_operating_point else "")
        figures = " | ".join(format_interval(getattr(point, figure)) for figure in POINT_FIGURES)
        lines.append(f"| {title} | {spec.operating_points[name].threshold:.4f} | {figures} |")
    sentences = _render_more(spec, metrics)
    if sentences:
        lines += ["", *(f"* {sentence}" for sentence in sentences)]
    return "\n".join(lines) + "\n"


def _render_more(spec: ModelSpec, metrics: SetMetrics) -> list[str]:
    """Say in sentences what the table has no column for, as far as it was recorded."""
    name = spec.default_operating_point
    point = metrics.operating_points[name]
    sentences = []
    if metrics.average_precision is not None:
        sentences.append(f"Average precision {format_interval(metrics.average_precision)}.")
    if metrics.ece is not None:
        own = f"Expected calibration error ({metrics.ece_binning}) {format_interval(metrics.ece)}"
        at = spec.calibration.prevalence
        if metrics.ece_at_prevalence is not None:
            own += (
                f", and {format_interval(metrics.ece_at_prevalence)} with the classes weighted to "
                f"the {100 * at:g} % of pneumonia that it was calibrated for"
            )
        sentences.append(own + ".")
    for pathogen, found in metrics.pathogens.items():
        sentences.append(
            f"On the {found.films} films with {pathogen}: AUC {format_interval(found.roc_auc)}, "
            f"sensitivity at `{name}` {format_interval(found.sensitivity[name])}."
        )
    sentences += [
        f"Of the films called pneumonia at `{name}`, {format_interval(own.ppv)} would show it "
        f"where {100 * own.prevalence:g} % of all do, and of those called normal "
        f"{format_interval(own.npv)} would be normal."
        for own in point.predictive_values[:1]
    ]
    return sentences
