"""Figures with their intervals, in words and as Markdown tables."""

from __future__ import annotations

from hilum.spec import Interval, ModelSpec

POINT_FIGURES = ("accuracy", "sensitivity", "specificity", "precision", "f1")


def format_interval(interval: Interval) -> str:
    """Give a figure with its 95 % interval: ``0.973 (0.961 to 0.983)``."""
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


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
    return "\n".join(lines) + "\n"
