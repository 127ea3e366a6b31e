"""``hilum calibrate``: everything that validation films decide about a model, anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.errors import ConfigError

if TYPE_CHECKING:
    from hilum.data import Film, Split
    from hilum.spec import ModelSpec


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("calibrate")(calibrate)


def calibrate(
    model: Annotated[
        str,
        typer.Argument(help="Name of a shipped model, or path of a spec.", show_default=False),
    ],
    data: Annotated[
        Path,
        typer.Option(help="The films that the model was trained on.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write spec, gate and weights there.",
            show_default="beside the model",
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="YAML",
            help="The recipe that the model was trained by, for its split.",
            show_default="recipe.yaml beside the model, else 15 % of patients, seed 0",
        ),
    ] = None,
    split: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="A manifest of `hilum data split` instead."),
    ] = None,
    alpha: Annotated[
        float, typer.Option(min=0.001, max=0.499, help="Error that the conformal zone allows.")
    ] = 0.02,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the network.")] = None,
) -> None:
    """Fit temperature, operating points, conformal zone and input gate of a model anew.

    Only films of the model's own training and validation are read; a split that is not the one
    it was trained with is refused. Figures of an evaluation are taken out of the spec where
    they no longer hold: run `hilum evaluate --record` afterwards.
    """
    import sys

    import numpy as np

    from hilum.data import read_dataset
    from hilum.decision.gate import write_gate
    from hilum.models.zoo import resolve_model
    from hilum.spec import read_weights, write_spec
    from hilum.training.calibrate import calibrate_model, check_fingerprint
    from hilum.training.film_cache import read_film

    spec, folder = resolve_model(model)
    weights = read_weights(spec, folder)
    root, films = read_dataset(data)
    sides = _choose_split(folder, films, recipe, split)
    check_fingerprint(spec, sides)
    _say("reading validation films")
    validation = np.stack([read_film(root, film, spec.input) for film in sides.validation])
    fitted, gate = calibrate_model(
        spec,
        weights,
        root,
        sides,
        films=validation,
        labels=np.array([film.label for film in sides.validation]),
        chosen_on=spec.calibration.fitted_on,
        alpha=alpha,
        threads=threads,
        report_stage=_say,
    )
    if fitted.operating_points == spec.operating_points:
        # The answers are the same, so what was measured of them still holds.
        fitted = fitted.model_copy(update={"metrics": spec.metrics})
    target = folder if out is None else out
    target.mkdir(parents=True, exist_ok=True)
    if target.resolve() != folder.resolve():
        (target / spec.weights.file).write_bytes(weights)
    if gate is not None and fitted.gate is not None:
        write_gate(gate, target / fitted.gate.file)
    write_spec(fitted, target / f"{spec.name}.json")
    _print_changes(spec, fitted)
    print(target / f"{spec.name}.json", file=sys.stdout)


def _choose_split(
    folder: Path, films: list[Film], recipe: Path | None, manifest: Path | None
) -> Split:
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


def _say(stage: str) -> None:
    import sys

    print(f"hilum: {stage}", file=sys.stderr)


def _print_changes(before: ModelSpec, after: ModelSpec) -> None:
    print(f"{after.name} {after.version}")
    print(
        f"    temperature   {before.calibration.temperature:.4f} -> "
        f"{after.calibration.temperature:.4f}"
    )
    for name, point in after.operating_points.items():
        old = before.operating_points.get(name)
        was = "-" if old is None else f"{old.threshold:.4f}"
        print(f"    {name:16} threshold {was} -> {point.threshold:.4f}")
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
