"""A model's card for a hub: the card, under the front matter that hubs read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from hilum.report.figures import format_interval
from hilum.report.model_card import render_model_card
from hilum.spec import Interval, ModelSpec, PointMetrics

# Licences by the ids of the hub: https://huggingface.co/docs/hub/repositories-licenses
HUB_LICENCES = frozenset(
    {
        "agpl-3.0",
        "apache-2.0",
        "bsd-2-clause",
        "bsd-3-clause",
        "cc-by-4.0",
        "cc-by-nc-4.0",
        "cc-by-nc-nd-4.0",
        "cc-by-nc-sa-4.0",
        "cc-by-sa-4.0",
        "cc0-1.0",
        "gpl-3.0",
        "mit",
        "mpl-2.0",
        "openrail",
    }
)
TAGS = ("hilum", "chest-radiograph", "pneumonia", "medical-imaging", "explainability", "onnx")
# Figures of an operating point: hilum's name -> (id of the metric on the hub, name).
_POINT_METRICS = {
    "accuracy": ("accuracy", "Accuracy"),
    "sensitivity": ("recall", "Sensitivity"),
    "specificity": ("specificity", "Specificity"),
    "precision": ("precision", "Precision"),
    "f1": ("f1", "F1"),
}


def describe_for_hub(spec: ModelSpec, datasets: Sequence[str] = ()) -> dict[str, Any]:
    """Give the front matter of a model's card, all of it from the spec.

    Parameters
    ----------
    datasets
        Ids on the hub of the sets that the model learned from; a spec names no hub.
    """
    licence = re.sub(r"[^a-z0-9.]+", "-", spec.licence.lower())
    facts: dict[str, Any] = {"license": licence}
    if licence not in HUB_LICENCES:
        facts = {"license": "other", "license_name": licence}
    facts |= {
        "library_name": "hilum",
        "pipeline_tag": "image-classification",
        "tags": [*TAGS, spec.architecture.timm_name],
    }
    if datasets:
        facts["datasets"] = list(datasets)
    results = [_describe_results(spec, part) for part in spec.metrics]
    if results:
        names = dict.fromkeys(one["type"] for result in results for one in result["metrics"])
        facts["metrics"] = list(names)
        facts["model-index"] = [{"name": spec.name, "results": results}]
    return facts


def _describe_results(spec: ModelSpec, part: str) -> dict[str, Any]:
    found = spec.metrics[part]
    point: PointMetrics = found.operating_points[spec.default_operating_point]
    metrics = [
        _describe_metric("roc_auc", "ROC AUC", found.roc_auc),
        _describe_metric("brier_score", "Brier score", found.brier),
    ]
    for figure, (metric, name) in _POINT_METRICS.items():
        interval: Interval | None = getattr(point, figure)
        if interval is not None:
            at = f"{name} at {spec.default_operating_point}"
            metrics.append(_describe_metric(metric, at, interval))
    data = spec.training_data.name
    return {
        "task": {"type": "image-classification", "name": "Pneumonia on chest radiographs"},
        "dataset": {
            "type": re.sub(r"[^a-z0-9]+", "-", data.lower()).strip("-"),
            "name": f"{data}, {part}: {found.films} films",
            "split": part,
        },
        "metrics": metrics,
    }


def _describe_metric(metric: str, name: str, figure: Interval) -> dict[str, Any]:
    # The hub has no place for an interval but the name.
    _, _, interval = format_interval(figure).partition(" ")
    return {
        "type": metric,
        "value": round(figure.value, 4),
        "name": f"{name}, 95 % interval {interval.strip('()')}",
    }


def render_hub_card(spec: ModelSpec, repository: str, datasets: Sequence[str] = ()) -> str:
    """Render the card with its front matter, and how to use the files beside it.

    Parameters
    ----------
    repository
        Where the card will lie: OWNER/NAME.
    datasets
        As :func:`describe_for_hub` takes them.

    Raises
    ------
    ImportError
        PyYAML is absent; it comes with the extra ``hub``.
    """
    import yaml

    front = yaml.safe_dump(
        describe_for_hub(spec, datasets), sort_keys=False, allow_unicode=True, width=1000
    )
    use = (
        "## Use it\n\nFetch all files of this repository into one folder, and give the folder to "
        "hilum:\n\n```console\n"
        f"hf download {repository} --local-dir {spec.name}\n"
        f"hilum models verify ./{spec.name}\n"
        f"hilum analyze film.dcm --model ./{spec.name}\n```\n"
    )
    return f"---\n{front}---\n\n{render_model_card(spec)}\n{use}"
