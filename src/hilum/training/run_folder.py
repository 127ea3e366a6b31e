"""The folder of a run: whose it is, what lies in it, and what is left where a run fails."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import yaml

from hilum.data import Split
from hilum.errors import ConfigError
from hilum.files import write_whole
from hilum.spec import ModelSpec, read_spec
from hilum.training.recipe import Recipe, read_recipe

STATE = "state.pt"
CHECKPOINT = "checkpoint.safetensors"
_RECIPE = "recipe.yaml"


def check_folder(folder: Path, recipe: Recipe, *, resume: bool) -> None:
    """Refuse a folder that holds anything but a run of this recipe that may go on.

    Raises
    ------
    ConfigError
        It does.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not resume:
        # A run that was killed before its first epoch ended has a recipe and no state.
        unfinished = (folder / STATE).exists() or (
            (folder / _RECIPE).exists() and not (folder / f"{recipe.name}.json").exists()
        )
        way_out = (
            "It holds a run that has not ended: go on with it (--resume), or name"
            if unfinished
            else "Name"
        )
        raise ConfigError(f"The folder {folder} is not empty. {way_out} a new one for this run.")
    try:
        begun = read_recipe(folder / _RECIPE)
    except ConfigError as error:
        raise ConfigError(f"The folder {folder} holds no run to go on with: {error}") from error
    if begun.sha256 != recipe.sha256:
        raise ConfigError(
            f"The run in {folder} was begun with another recipe. Go on with its recipe.yaml, or "
            "name a new folder."
        )


def find_finished(folder: Path, recipe: Recipe) -> ModelSpec | None:
    """Give the spec of a run that has ended; ``None`` where it has not."""
    path = folder / f"{recipe.name}.json"
    if path.exists() and not (folder / STATE).exists():
        return read_spec(path)
    return None


def clear_failed_run(folder: Path, *, begun: bool) -> str:
    """Say what is left of a run that failed; of one that kept nothing, nothing is left.

    Parameters
    ----------
    begun
        The folder holds what this process wrote.
    """
    if begun:
        for partial in folder.glob("*.partial"):
            partial.unlink(missing_ok=True)
    if (folder / STATE).exists():
        kept = f"What was trained before is kept: --resume goes on with {folder}"
        if (folder / CHECKPOINT).exists():
            kept += f", and {CHECKPOINT} in it holds the best weights so far"
        return f"{kept}."
    if begun and not (folder / CHECKPOINT).exists():
        for name in (_RECIPE, "split.csv", "mlflow.json"):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / "tensorboard", ignore_errors=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return "It had come to nothing yet that could be kept."


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe as it was used."""
    content = yaml.safe_dump(recipe.model_dump(mode="json", exclude_none=True), sort_keys=False)
    write_whole(path, content)


def write_sides(split: Split, path: Path) -> None:
    """Write every film of a run with its patient and side."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "label", "patient", "pathogen", "side"])
    for side, films in (("train", split.train), ("validation", split.validation)):
        for film in films:
            writer.writerow([film.path, film.label, film.patient, film.pathogen or "", side])
    write_whole(path, text.getvalue())
