"""What `hilum calibrate` and `hilum ensemble` share: the split, and words for what was fitted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.errors import ConfigError

if TYPE_CHECKING:
    from hilum.data import Film, Split
    from hilum.spec import ModelSpec


def choose_split(
    folder: Path, films: list[Film], recipe: Path | None, manifest: Path | None
) -> Split:
    """Split films as a model's training did.

    Parameters
    ----------
    folder
        Of the model; a ``recipe.yaml`` there says how its films were split.
    recipe, manifest
        What the user named instead: a recipe, or a manifest of `hilum data split`.

    Raises
    ------
    ConfigError
        Both are named, or the one that is cannot be used.
    """
    from hilum.data import read_split, split_by_patient

    if recipe is not None and manifest is not None:
        raise ConfigError("Give --recipe or --split, not both.")
    if manifest is not None:
        return read_split(manifest)
    beside = folder / "recipe.yaml"
    if recipe is None and beside.is_file():
        recipe = beside
    if recipe is None:
        rest = [film for film in films if film.part != "test"]
        return split_by_patient(rest, validation_fraction=0.15, seed=0)
    from hilum.training.recipe import read_recipe
    from hilum.training.sides import choose_sides

    return choose_sides(films, read_recipe(recipe).data)


def say(stage: str) -> None:
    """Tell on stderr what is being done."""
    print(f"hilum: {stage}", file=sys.stderr)


def print_fitted(after: ModelSpec, before: ModelSpec | None = None) -> None:
    """Print what validation films decided of a model, beside what they had decided before."""
    old = {} if before is None else before.operating_points
    print(f"{after.name} {after.version}")
    for fact in ("temperature", "offset"):
        was = "" if before is None else f"{getattr(before.calibration, fact):.4f} -> "
        print(f"    {fact:13} {was}{getattr(after.calibration, fact):.4f}")
    for name, point in after.operating_points.items():
        was = f"{old[name].threshold:.4f} -> " if name in old else ""
        print(
            f"    {name:16} threshold {was}{point.threshold:.4f}  on validation: "
            f"sensitivity {point.sensitivity:.3f}  specificity {point.specificity:.3f}"
        )
    if found := after.validation_auc:
        worst = min(found, key=lambda name: found[name])
        print(
            f"    AUC {found['clean']:.4f}; {sum(found.values()) / len(found):.4f} on average over "
            f"{len(found) - 1} disturbances too, {found[worst]:.4f} at worst ({worst})"
        )
    if (zone := after.conformal) is None:
        print("    no conformal zone: too few validation films")
    else:
        held = zone.coverage
        print(
            f"    conformal zone, alpha {zone.alpha:g}: pneumonia possible from "
            f"{zone.positive_from:.4f}, normal up to {zone.negative_to:.4f}\n"
            f"        coverage on {held.folds} held-out folds: positive {held.positive:.4f}, "
            f"negative {held.negative:.4f}, lowest under any disturbance {held.lowest:.4f}"
        )
    if after.gate is None:
        print("    no input gate: too few validation films")
    else:
        print(f"    input gate: refuses {after.gate.validation_refused:.2%} of validation films")
