"""The section of an evaluation's page that sets models against each other."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.evaluation import Evaluation, PairComparison
from hilum.report.figures import format_p
from hilum.report.html import Stacked, render_paragraph, render_table
from hilum.spec import Interval

POINT_TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "npv": "NPV",
    "f1": "F1",
}
SET_TITLES = {
    "roc_auc": "ROC-AUC",
    "average_precision": "average precision",
    "brier": "Brier score",
    "ece": "ECE",
}
DIFFERENCE_TITLES = SET_TITLES | POINT_TITLES


def render_comparisons(evaluation: Evaluation) -> str:
    """Render the tests between each two models."""
    rows = []
    for pair in evaluation.comparisons:
        auc, decisions = pair.auc, pair.decisions
        rows.append(
            [
                f"{pair.first} less {pair.second}",
                Stacked(f"{auc.difference:+.4f}", f"{auc.low:+.4f} to {auc.high:+.4f}"),
                format_p(auc.p_value),
                format_p(pair.auc_p_adjusted),
                f"{decisions.first_only} : {decisions.second_only}",
                format_p(decisions.p_value),
                format_p(pair.decisions_p_adjusted),
            ]
        )
    header = ["pair", "difference of AUC", "DeLong p", "adjusted", "right alone", "McNemar p"]
    first = evaluation.comparisons[0]
    words = (
        f"The {first.films} films are of {first.patients} patients, and films of one patient are "
        "taken as one unit: DeLong's test by Obuchowski's rule for clusters, McNemar's as an "
        "exact test over the signs of the patients' differences. With one film a patient both "
        "are the tests of that name. “Right alone” counts the films that one model decides "
        "rightly and the other wrongly. Adjusted p values are held to one level over all pairs "
        "(Holm)."
    )
    return (
        render_table([*header, "adjusted"], rows)
        + render_paragraph(words, quiet=True)
        + _render_differences(evaluation.comparisons)
    )


def _render_differences(pairs: Sequence[PairComparison]) -> str:
    names = list(pairs[0].differences)
    rows = [
        [
            f"{pair.first} less {pair.second}",
            *(_format_difference(pair.differences[name]) for name in names),
        ]
        for pair in pairs
    ]
    header = ["pair", *(DIFFERENCE_TITLES[name] for name in names)]
    return render_table(
        header, rows, caption="Differences with 95 % intervals, by paired bootstrap over patients"
    )


def _format_difference(interval: Interval) -> Stacked:
    return Stacked(f"{interval.value:+.3f}", f"{interval.low:+.3f} to {interval.high:+.3f}")
