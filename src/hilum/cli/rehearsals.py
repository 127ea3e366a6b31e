"""``hilum train --find-rate`` and ``--profile``: what is tried before a recipe is trained."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.errors import ConfigError

if TYPE_CHECKING:
    from hilum.cli.training_progress import TrainingProgress
    from hilum.training.recipe import Recipe
    from hilum.training.rehearse import Rehearsal


# Films that come this many times faster than they are used do not hold the network up.
_AMPLE = 20.0


def find_rate(
    recipe: Recipe, rehearsal: Rehearsal, folder: Path, progress: TrainingProgress
) -> None:
    """Run the range test, write its table and its figure, and name two rates."""
    from hilum.training import find_rate as finder

    table, figure = folder / "find_rate.csv", folder / "find_rate.png"
    if table.exists():
        raise ConfigError(f"There is a learning-rate curve in {folder} already. Name a new --out.")
    progress.show_stage("raising the learning rate")
    curve = finder.find_rate(
        rehearsal.network,
        recipe,
        rehearsal.batches,
        rehearsal.compute_loss,
        report_step=progress.show_step,
    )
    folder.mkdir(parents=True, exist_ok=True)
    curve.write_csv(table)
    print(table)
    print(f"    the loss falls fastest at  {curve.steepest:.1e}")
    print(f"    a tenth of its lowest point {curve.highest:.1e}")
    print(f"    the recipe has              {recipe.optimization.learning_rate:.1e}")
    curve.write_png(figure)  # last: it needs matplotlib, and the table does not
    print(figure)


def profile(recipe: Recipe, rehearsal: Rehearsal, progress: TrainingProgress) -> None:
    """Measure how near training comes to the bare training step, and say what is slow."""
    from hilum.training.profile import measure_rates

    rates = measure_rates(
        rehearsal.network,
        recipe,
        rehearsal.batches,
        rehearsal.compute_loss,
        report=progress.show_stage,
    )
    print(f"bare training step   {rates.bare:8.1f} films/s")
    print(f"training             {rates.whole:8.1f} films/s   {rates.share:.1%} of it")
    print(f"films by themselves  {rates.films:8.1f} films/s")
    print(f"in single rounds     {min(rates.shares):8.1%} to {max(rates.shares):.1%}")
    if rates.share >= 0.9:
        return
    if rates.films > _AMPLE * rates.bare:
        why = "The films come fast enough; measure again when nothing else runs here."
    else:
        why = "The films hold the network up: try more --workers."
    print(why, file=sys.stderr)
