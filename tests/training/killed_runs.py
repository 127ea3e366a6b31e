"""A run that is killed at one instant after another, beside one that is left alone.

A program of its own: it imports torch once and forks a process for each attempt, and the
attempts are killed by SIGKILL, which no process can catch or put off. Prints, as JSON, what
each attempt left and the digests of what both runs ended with.

    python killed_runs.py DATASET FOLDER
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from factories.training import make_settings
from hilum.training.recipe import Recipe
from hilum.training.run import Persistence, run_recipe

# Where each attempt dies; there are 5 steps an epoch, and 4 epochs.
INSTANTS: tuple[tuple[str, int], ...] = (
    ("step", 2),  # before any state was written
    ("state", 2),  # in the middle of writing one: the one before is left, and half a new one
    ("step", 8),  # in the middle of an epoch
    ("step", 15),  # at the end of an epoch, before it is validated
    ("epoch", 3),  # after the best weights were written, before the state knows of them
    ("stage", 0),  # while the finished network is exported
)


def make_recipe() -> Recipe:
    """Give a recipe that keeps as much state as can be: dropout, mixing, averages, thawing."""
    settings = make_settings()
    settings["network"] |= {"drop_rate": 0.3, "freeze": ["conv1.*", "layer1.*"]}
    settings["mixing"] = {"mixup_alpha": 0.3}
    settings["optimization"] |= {
        "unfreeze": [{"epoch": 2, "parameters": ["layer1.*"]}],
        "clip_gradient_norm": 5.0,
        "layer_decay": 0.9,
        "schedule": "one_cycle",
    }
    settings["selection"] = {"metric": "last"}
    return Recipe.model_validate(settings)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def attempt(data: Path, folder: Path, instant: tuple[str, int] | None, workers: int) -> None:
    """Run, or go on with, the recipe until ``instant``."""
    kind, number = instant or ("", 0)
    syncs = 0
    sync = os.fsync

    def count_syncs(descriptor: int) -> None:
        nonlocal syncs
        sync(descriptor)
        if "state.pt" in Path(f"/proc/self/fd/{descriptor}").readlink().name:
            syncs += 1
            if kind == "state" and syncs == number:
                os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
                die()

    os.fsync = count_syncs  # type: ignore[assignment]  # for this process alone
    run_recipe(
        make_recipe(),
        data,
        folder,
        workers=workers,
        persistence=Persistence(
            resume=True, save_every_s=3600, save_every_steps=3, tensorboard=False
        ),
        report_stage=lambda stage: die() if kind == "stage" and stage == "exporting" else None,
        report_step=lambda step, *_: die() if (kind, number) == ("step", step) else None,
        report_epoch=lambda record: die() if (kind, number) == ("epoch", record.epoch) else None,
    )


def fork(data: Path, folder: Path, instant: tuple[str, int] | None, workers: int = 0) -> int:
    """Give what the attempt ended by: a negative signal, or an exit code."""
    child = os.fork()
    if child == 0:
        try:
            attempt(data, folder, instant, workers)
        except BaseException as error:
            print(f"{instant}: {error!r}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def digest(folder: Path) -> dict[str, Any]:
    """Give the digests of what decides, and the history without the speed."""
    with (folder / "history.csv").open(newline="") as file:
        history = [row[:-1] for row in csv.reader(file)]
    return {
        "weights": hashlib.sha256((folder / "checkpoint.safetensors").read_bytes()).hexdigest(),
        "graph": hashlib.sha256((folder / "drawn-films.onnx").read_bytes()).hexdigest(),
        "history": history,
        "files": sorted(path.name for path in folder.iterdir()),
    }


def main() -> None:
    torch.set_num_threads(1)
    data, folder = Path(sys.argv[1]), Path(sys.argv[2])
    ends = []
    for place, instant in enumerate(INSTANTS):
        end = fork(data, folder / "killed", instant, workers=place % 2)
        ends.append((end, sorted(path.name for path in (folder / "killed").iterdir())))
    last = fork(data, folder / "killed", None)
    alone = fork(data, folder / "alone", None)
    facts = {"ends": ends, "last": [last, alone]}
    if not last and not alone:
        facts |= {"killed": digest(folder / "killed"), "alone": digest(folder / "alone")}
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
