"""One run of a recipe, from a folder of films to a model that can be shipped.

What a run leaves in its folder::

    recipe.yaml                the recipe, as it was used
    split.csv                  every film with its patient and side
    history.csv                one line an epoch
    tensorboard/               the same and the loss of every step, where it is installed
    checkpoint.safetensors     the kept weights; while it goes on, the best ones so far
    NAME.onnx, NAME.json       the exported graph and its spec

and, until it has ended, ``state.pt``: what it takes to go on after a break.
"""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.data import Split, read_dataset
from hilum.models.checkpoint import CheckpointMetadata, load_checkpoint, save_checkpoint
from hilum.models.head import EvidenceNetwork, merge_logits
from hilum.models.initialisation import describe_initialisation
from hilum.spec import ModelSpec, Storage
from hilum.training.arithmetic import lacks
from hilum.training.distillation import refer_to_teachers
from hilum.training.distributed import Group, join_group
from hilum.training.failures import explain_failures
from hilum.training.film_cache import load_training_films
from hilum.training.films import load_films
from hilum.training.finish import finish_model
from hilum.training.loop import train_network
from hilum.training.network import build_recipe_network, settle_network
from hilum.training.recipe import Recipe
from hilum.training.resume import StateFile
from hilum.training.run_folder import (
    CHECKPOINT,
    STATE,
    check_folder,
    clear_failed_run,
    find_finished,
    write_recipe,
    write_sides,
)
from hilum.training.sides import choose_sides
from hilum.training.stress import stress_films
from hilum.training.tracking import (
    Chronicle,
    HistoryTable,
    MlflowRun,
    TensorBoard,
    Tracker,
)
from hilum.training.validation import EpochRecord


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: its folder, what it says of itself, and its history.

    history
        Empty where the run had ended before.
    """

    folder: Path
    spec: ModelSpec
    history: tuple[EpochRecord, ...]


@dataclass(frozen=True, slots=True)
class Persistence:
    """How a run outlives a break, and where it is written down.

    resume
        Go on with the run in the folder, where there is one.
    save_every_s, save_every_steps
        How often the state is written, beside the end of every epoch.
    tensorboard
        ``None``: where it is installed.
    mlflow
        Server or folder of MLflow.
    """

    resume: bool = False
    save_every_s: float = 60.0
    save_every_steps: int | None = None
    tensorboard: bool | None = None
    mlflow: str | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """The films of a run: where they lie, how they are split, and their pixels."""

    root: Path
    split: Split
    train: tuple[NDArray[Any], NDArray[np.intp]]
    validation: tuple[NDArray[Any], NDArray[np.intp]]

    def compute_fingerprint(self) -> str:
        """Digest of split, labels and pixels: a film that was changed is another dataset."""
        digest = hashlib.sha256(self.split.fingerprint.encode())
        for films, _ in (self.train, self.validation):
            digest.update(np.ascontiguousarray(films).data)
        return digest.hexdigest()


def run_recipe(
    recipe: Recipe,
    data: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    init: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    workers: int = 1,
    storage: Storage = "float16",
    cache: Path | None = None,
    persistence: Persistence = Persistence(),
    report_stage: Callable[[str], None] = lambda _: None,
    report_films: Callable[[int, int], None] = lambda *_: None,
    report_step: Callable[[int, int, float], None] = lambda *_: None,
    report_epoch: Callable[[EpochRecord], None] = lambda _: None,
) -> Run:
    """Train, calibrate, choose operating points and export, as ``recipe`` says.

    Under ``torchrun``, all processes call this alike; the first one writes and reports.

    Parameters
    ----------
    data
        The dataset; see :func:`hilum.data.read_dataset`. Its ``test`` part is not read.
    folder
        Folder of the run; it must not exist or be empty, unless the run in it is resumed.
    init
        Takes the place of the recipe's ``network.init``: a model or a file of weights, say.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
    threads
        Threads of torch on the CPU; ``None`` leaves torch's own choice.
    workers
        Processes that augment films beside the training.
    cache
        Folder that keeps the training films, read and resized, from one run to the next; see
        :mod:`hilum.training.film_cache`.

    Raises
    ------
    ConfigError
        The recipe or an option cannot be used, or the folder holds something else.
    DatasetError
        The films cannot be used.
    TrainingError
        Memory or disk ran out, or training diverged. What was trained before is kept.
    """
    folder = Path(folder)
    init = init or recipe.network.init
    initialisation = describe_initialisation(init, recipe.network.architecture)
    if threads is not None:
        torch.set_num_threads(threads)
    with join_group(device) as (group, place):
        if group.leads:
            check_folder(folder, recipe, resume=persistence.resume)
        group.agree(None)  # Nobody writes before that.
        if persistence.resume and (spec := find_finished(folder, recipe)):
            return Run(folder, spec, ())
        talk = report_stage if group.leads else lambda _: None
        batch_size = recipe.optimization.batch_size
        with explain_failures(lambda: clear_failed_run(folder, begun=False), batch_size):
            network = build_recipe_network(recipe, init=init)
            check_exportable(network, recipe)
            network.to(place)
            talk("reading films")
            with group.lead_first():
                material = read_material(recipe, data, cache, report_films, group)
            settle_network(network, recipe, material.train[0])
        with explain_failures(lambda: clear_failed_run(folder, begun=group.leads), batch_size):
            if group.leads:
                folder.mkdir(parents=True, exist_ok=True)
                write_recipe(recipe, folder / "recipe.yaml")
                write_sides(material.split, folder / "split.csv")
            films, labels = material.validation
            validation = {"clean": films}
            if recipe.selection.stress_every:
                talk("stressing validation films")
                validation = stress_films(films, labels.tolist())
            chronicle = Chronicle()
            if group.leads:
                trackers = _choose_trackers(recipe, folder, persistence)
                chronicle = Chronicle(trackers, report_step, report_epoch)
            talk("going on with the run" if (folder / STATE).exists() else "training")
            if lacks(place, recipe.optimization.precision):
                talk("computing in float32: this device has no bfloat16, and would imitate it")
            with chronicle:
                history = train_network(
                    network,
                    recipe,
                    material.train,
                    (validation, labels),
                    workers=workers,
                    group=group,
                    states=_place_states(
                        recipe, material, folder, initialisation, group, persistence
                    ),
                    keep=_make_keeper(network, recipe, folder, initialisation),
                    report_step=chronicle.tell_step,
                    report_epoch=chronicle.tell_epoch,
                )
            talk("exporting")
            finished = None
            if group.leads:
                finished = _finish(recipe, material, folder, initialisation, storage)
            finished = group.agree(finished)
    assert finished is not None
    return Run(folder, finished, tuple(history))


def check_exportable(network: nn.Module, recipe: Recipe) -> None:
    """Refuse, before hours of training, a network that cannot be exported after them.

    Raises
    ------
    ExportError
        Its logit has no exact evidence map.
    """
    duplicate = copy.deepcopy(network)
    merge_logits(duplicate)
    size_px = (recipe.input.height_px, recipe.input.width_px)
    EvidenceNetwork(duplicate, in_channels=recipe.input.channels, size_px=size_px)


def read_material(
    recipe: Recipe,
    data: str | os.PathLike[str],
    cache: Path | None,
    report_films: Callable[[int, int], None],
    group: Group,
) -> Material:
    """Read the films of a run and split them; training films come from the cache, if any."""
    root, films = read_dataset(Path(data))
    split = choose_sides(films, recipe.data)
    train_labels, validation_labels = (
        np.array([film.label for film in side]) for side in (split.train, split.validation)
    )
    report = report_films if group.leads else lambda *_: None
    train = load_training_films(root, split, recipe.input, cache, report=report)
    validation = load_films(root, split.validation, recipe.input)
    return Material(root, split, (train, train_labels), (validation, validation_labels))


def _place_states(
    recipe: Recipe,
    material: Material,
    folder: Path,
    initialisation: str,
    group: Group,
    persistence: Persistence,
) -> StateFile:
    """Say where the state lies, and what another run would have different."""
    identity = {
        "recipe": recipe.sha256,
        "dataset": material.compute_fingerprint(),
        "initialisation": initialisation,
        "number of processes": str(group.size),
        "teachers": ", ".join(
            teacher.weights_sha256 for teacher in refer_to_teachers(recipe.distillation)
        ),
    }
    return StateFile(
        folder / STATE,
        identity,
        every_s=persistence.save_every_s,
        every_steps=persistence.save_every_steps,
    )


def _make_keeper(
    network: nn.Module, recipe: Recipe, folder: Path, initialisation: str
) -> Callable[[dict[str, Tensor], EpochRecord], None]:
    """Make what writes the best weights so far as a checkpoint that can be used at once."""
    blank = copy.deepcopy(network).cpu()
    metadata = CheckpointMetadata(
        timm_name=recipe.network.architecture,
        in_channels=recipe.input.channels,
        height_px=recipe.input.height_px,
        width_px=recipe.input.width_px,
        initialisation=initialisation,
    )

    def keep(weights: dict[str, Tensor], record: EpochRecord) -> None:
        best = copy.deepcopy(blank)
        best.load_state_dict(weights)
        merge_logits(best)
        save_checkpoint(folder / CHECKPOINT, best, metadata)

    return keep


def _choose_trackers(recipe: Recipe, folder: Path, persistence: Persistence) -> list[Tracker]:
    trackers: list[Tracker] = [HistoryTable(folder / "history.csv")]
    if persistence.tensorboard is not False:
        try:
            trackers.append(TensorBoard(folder / "tensorboard"))
        except ImportError:
            if persistence.tensorboard:
                raise
    if persistence.mlflow is not None:
        trackers.append(MlflowRun(persistence.mlflow, folder, recipe))
    return trackers


def _finish(
    recipe: Recipe,
    material: Material,
    folder: Path,
    initialisation: str,
    storage: Storage,
) -> ModelSpec:
    """Make a model of the kept weights; with it written, the run has ended."""
    films, labels = material.validation
    spec = finish_model(
        load_checkpoint(folder / CHECKPOINT).network,
        recipe,
        folder,
        initialisation=initialisation,
        root=material.root,
        split=material.split,
        films=films,
        labels=labels,
        storage=storage,
    )
    (folder / STATE).unlink(missing_ok=True)
    return spec
