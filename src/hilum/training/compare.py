"""Several recipes trained alike and ranked: ``compare`` in a recipe."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hilum.files import write_whole
from hilum.spec import ModelSpec
from hilum.training.recipe import Recipe

RANKING = "ranking.csv"

# The recipe's word for a metric -> its column in history.csv, and whether less is better.
_COLUMNS = {
    "auc": ("auc_clean", False),
    "loss": ("validation_loss", True),
    "last": ("epoch", False),
}
_MEASURES = ("accuracy", "AUC", "loss", "films/s")


@dataclass(frozen=True, slots=True)
class Standing:
    """One variant, trained.

    metric
        Of the epoch that was kept, by the recipe's own measure.
    auc, accuracy, loss
        Of the same epoch, on the validation films as they are.
    initialisation
        Where its first weights came from: a rank says little without it.
    """

    variant: str
    architecture: str
    parameters: int
    metric: float
    auc: float
    accuracy: float
    loss: float
    epoch: int
    films_per_s: float
    initialisation: str


def compare_variants(
    recipe: Recipe,
    folder: Path,
    train: Callable[[Recipe, Path], ModelSpec],
    *,
    write: bool = True,
) -> list[Standing]:
    """Train every variant of ``recipe`` into a folder of its own, and rank them.

    Parameters
    ----------
    folder
        Gets one folder a variant, and ``ranking.csv``, which is written after each variant.
    train
        Trains one recipe into one folder and gives its spec.
    write
        Write the ranking: of several processes, one.

    Returns
    -------
    The best first, by ``recipe.selection.metric`` on the validation films.
    """
    standings: list[Standing] = []
    for variant in recipe.compare:
        own = recipe.vary(variant)
        spec = train(own, folder / variant)
        standings.append(_read_standing(variant, own, spec, folder / variant / "history.csv"))
        less_is_better = _COLUMNS.get(recipe.selection.metric, ("", False))[1]
        standings.sort(key=lambda one: one.metric, reverse=not less_is_better)
        if write:
            _write_ranking(recipe, standings, folder / RANKING)
    return standings


def _read_standing(variant: str, recipe: Recipe, spec: ModelSpec, history: Path) -> Standing:
    with history.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    metric = recipe.selection.metric
    column, less_is_better = _COLUMNS.get(metric, (metric, False))
    # An epoch that was not judged by the metric has an empty cell, and is not kept either.
    rows = [row for row in rows if row[column]]
    # Of equals the first is kept, as training does.
    best = (min if less_is_better else max)(rows, key=lambda row: float(row[column]))
    return Standing(
        variant=variant,
        architecture=spec.architecture.timm_name,
        parameters=spec.architecture.parameters,
        metric=float(best[column]),
        auc=float(best["auc_clean"]),
        accuracy=float(best["accuracy"]),
        loss=float(best["validation_loss"]),
        epoch=int(best["epoch"]),
        films_per_s=float(best["films_per_s"]),
        initialisation=spec.provenance.initialisation,
    )


def _write_ranking(recipe: Recipe, standings: list[Standing], path: Path) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [name for name in Standing.__dataclass_fields__ if name != "metric"]
    writer.writerow(["rank", *names, f"ranked_by_{recipe.selection.metric}"])
    for rank, one in enumerate(standings, start=1):
        writer.writerow([rank, *(_show(getattr(one, name)) for name in names), _show(one.metric)])
    write_whole(path, text.getvalue())


def _show(value: float | int | str) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def describe_standings(recipe: Recipe, standings: list[Standing]) -> str:
    """Give the ranking as a table of text."""
    # The measure itself, where no other column is it.
    own = recipe.selection.metric
    own_head = () if own in {"accuracy", *_COLUMNS} else (own,)
    head = ("rank", "variant", "network", "parameters", *own_head, *_MEASURES)
    rows = [
        (
            str(rank),
            one.variant,
            one.architecture,
            f"{one.parameters / 1e6:.1f} M",
            *(f"{one.metric:.4f}" for _ in own_head),
            f"{one.accuracy:.4f}",
            f"{one.auc:.4f}",
            f"{one.loss:.4f}",
            f"{one.films_per_s:.1f}",
        )
        for rank, one in enumerate(standings, start=1)
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ["  ".join(_align(row, widths)).rstrip() for row in (head, *rows)]
    begun = sorted({one.initialisation for one in standings})
    note = f"ranked by {recipe.selection.metric} on validation films; first weights: "
    return "\n".join([*lines, note + "; ".join(begun)])


def _align(row: tuple[str, ...], widths: list[int]) -> list[str]:
    # Words to the left, numbers to the right.
    words = {1, 2}
    return [
        cell.ljust(width) if column in words else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
