"""One run of a recipe, from a folder of films to a model that can be shipped.

What a run leaves in its folder::

    recipe.yaml                the recipe, as it was used
    split.csv                  every film with its patient and side
    history.csv                one line an epoch
    checkpoint.safetensors     the kept weights
    NAME.onnx, NAME.json       the exported graph and its spec
"""

from __future__ import annotations

import csv
import datetime
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from torch import nn

from hilum.data import Split, read_folder_dataset, split_by_patient
from hilum.decision import choose_operating_points, compute_probability, fit_temperature
from hilum.errors import ConfigError
from hilum.inference import OnnxBackend
from hilum.models.build import build_network
from hilum.models.checkpoint import CheckpointMetadata, save_checkpoint
from hilum.models.export import export_onnx
from hilum.models.initialisation import describe_initialisation
from hilum.preprocess import normalize_film
from hilum.spec import (
    Calibration,
    EmbeddingStatistics,
    ModelSpec,
    OperatingPoint,
    Provenance,
    TrainingData,
    WeightsFile,
    write_spec,
)
from hilum.training.films import load_films
from hilum.training.loop import EpochRecord, train_network
from hilum.training.recipe import Recipe
from hilum.training.stress import stress_films

Films = NDArray[np.float32]

# The share of pneumonia among a dataset's films is its makers' choice. An even one favours
# neither class, and whoever knows the share among their own patients can convert from it.
PREVALENCE = 0.5


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: its folder, what it says of itself, and its history."""

    folder: Path
    spec: ModelSpec
    history: tuple[EpochRecord, ...]


def run_recipe(
    recipe: Recipe,
    data: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    init: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    workers: int = 1,
    storage: Literal["float16", "float32"] = "float16",
    report_stage: Callable[[str], None] = lambda _: None,
    report_step: Callable[[int, int, float], None] = lambda *_: None,
    report_epoch: Callable[[EpochRecord], None] = lambda _: None,
) -> Run:
    """Train, calibrate, choose operating points and export, as ``recipe`` says.

    Parameters
    ----------
    data
        Folder of the dataset; see :func:`hilum.data.read_folder_dataset`. Its ``test`` part is
        not read.
    folder
        Folder of the run; it must not exist or be empty.
    init
        Takes the place of the recipe's ``network.init``, where weights lie in a file.
    device
        ``"cpu"`` or ``"cuda"``.
    threads
        Threads of torch on the CPU; ``None`` leaves torch's own choice.
    workers
        Processes that augment films beside the training.

    Raises
    ------
    ConfigError
        The recipe or an option cannot be used, or the folder is not empty.
    DatasetError
        The films cannot be used.
    """
    folder = Path(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise ConfigError(f"The folder {folder} is not empty. Name a new one for this run.")
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("torch finds no CUDA device on this machine. Use --device cpu.")
    if threads is not None:
        torch.set_num_threads(threads)
    init = init or recipe.network.init
    initialisation = describe_initialisation(init, recipe.network.architecture)
    torch.manual_seed(recipe.seed)
    network = build_network(
        recipe.network.architecture,
        init=init,
        in_channels=recipe.input.channels,
        drop_rate=recipe.network.drop_rate,
        drop_path_rate=recipe.network.drop_path_rate,
    ).to(device)
    reset_head(network)

    report_stage("reading films")
    root, films = read_folder_dataset(data)
    split = split_by_patient(
        [film for film in films if film.part != "test"],
        validation_fraction=recipe.data.validation_fraction,
        seed=recipe.data.split_seed,
    )
    train_films = load_films(root, split.train, recipe.input)
    validation_films = load_films(root, split.validation, recipe.input)
    train_labels = np.array([film.label for film in split.train])
    validation_labels = np.array([film.label for film in split.validation])
    folder.mkdir(parents=True, exist_ok=True)
    content = yaml.safe_dump(recipe.model_dump(mode="json", exclude_none=True), sort_keys=False)
    (folder / "recipe.yaml").write_text(content, encoding="utf-8")
    _write_split(split, folder / "split.csv")

    report_stage("stressing validation films")
    validation = stress_films(validation_films, validation_labels.tolist())

    def record_epoch(record: EpochRecord) -> None:
        _append_history(record, folder / "history.csv")
        report_epoch(record)

    report_stage("training")
    history = train_network(
        network,
        recipe,
        (train_films, train_labels),
        (validation, validation_labels),
        workers=workers,
        report_step=report_step,
        report_epoch=record_epoch,
    )
    report_stage("exporting")
    network.cpu()
    metadata = CheckpointMetadata(
        timm_name=recipe.network.architecture,
        in_channels=recipe.input.channels,
        height_px=recipe.input.height_px,
        width_px=recipe.input.width_px,
        initialisation=initialisation,
    )
    save_checkpoint(folder / "checkpoint.safetensors", network, metadata)
    spec = finish_model(
        network,
        recipe,
        folder,
        initialisation=initialisation,
        split=split,
        films=validation_films,
        labels=validation_labels,
        storage=storage,
    )
    return Run(folder, spec, tuple(history))


def reset_head(network: nn.Module) -> None:
    """Draw the linear head anew, near zero.

    A head of the usual size starts with large wrong logits, and the gradients of the first
    steps then tear down what a pretrained backbone knows.
    """
    head = network.get_classifier()  # type: ignore[operator]  # timm
    nn.init.normal_(head.weight, std=0.01)
    nn.init.zeros_(head.bias)


def finish_model(
    network: nn.Module,
    recipe: Recipe,
    folder: Path,
    *,
    initialisation: str,
    split: Split,
    films: Films,
    labels: NDArray[np.intp],
    storage: Literal["float16", "float32"],
) -> ModelSpec:
    """Export ``network`` and write its spec, with everything that validation films decide.

    Temperature, operating points and embedding statistics come from the exported graph, run
    as users run it: what was chosen holds for the file that is shipped.
    """
    graph = export_onnx(
        network,
        height_px=recipe.input.height_px,
        width_px=recipe.input.width_px,
        channels=recipe.input.channels,
        storage=storage,
    )
    weights = WeightsFile(file=f"{recipe.name}.onnx", sha256=graph.sha256, storage=graph.storage)
    graph.write(folder / weights.file)
    chosen_on = (
        f"{len(labels)} validation films of {recipe.data.name}, apart from training by patient"
    )
    # Before the validation films are scored there is nothing to calibrate or choose by.
    provisional = ModelSpec(
        name=recipe.name,
        version=recipe.version,
        description=recipe.description,
        licence=recipe.licence,
        weights=weights,
        architecture=graph.architecture,
        input=recipe.input,
        calibration=Calibration(temperature=1.0, prevalence=PREVALENCE, fitted_on=chosen_on),
        operating_points={
            recipe.selection.default_operating_point: OperatingPoint(
                threshold=0.5, rule="provisional", chosen_on="-", sensitivity=0.0, specificity=0.0
            )
        },
        default_operating_point=recipe.selection.default_operating_point,
        training_data=TrainingData(
            name=recipe.data.name,
            source=recipe.data.source,
            licence=recipe.data.licence,
            population=recipe.data.population,
            train_films=len(split.train),
            validation_films=len(split.validation),
            fingerprint=split.fingerprint,
        ),
        embedding_statistics=EmbeddingStatistics(norm_mean=0.0, norm_std=0.0),
        provenance=Provenance(
            recipe=f"{recipe.name} {recipe.version}",
            recipe_sha256=recipe.sha256,
            initialisation=initialisation,
            hilum_version=version("hilum"),
            created=datetime.datetime.now(datetime.UTC).date(),
            seed=recipe.seed,
        ),
    )
    logits, norms = _score_films(provisional, graph.data, films)
    calibration = Calibration(
        temperature=fit_temperature(logits, labels, prevalence=PREVALENCE),
        prevalence=PREVALENCE,
        fitted_on=chosen_on,
    )
    probabilities = compute_probability(logits, calibration)
    spec = provisional.model_copy(
        update={
            "calibration": calibration,
            "operating_points": choose_operating_points(probabilities, labels, chosen_on),
            "embedding_statistics": EmbeddingStatistics(
                norm_mean=float(norms.mean()), norm_std=float(norms.std())
            ),
        }
    )
    write_spec(spec, folder / f"{recipe.name}.json")
    return spec


def _score_films(
    spec: ModelSpec, weights: bytes, films: Films
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    logits, norms = [], []
    with OnnxBackend(spec, weights) as backend:
        for film in films:
            output = backend.run(normalize_film(film, spec.input))
            logits.append(float(output.logit[0]))
            norms.append(float(np.linalg.norm(output.embedding[0])))
    return np.array(logits), np.array(norms)


def _write_split(split: Split, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "patient", "pathogen", "side"])
        for side, films in (("train", split.train), ("validation", split.validation)):
            for film in films:
                writer.writerow([film.path, film.label, film.patient, film.pathogen or "", side])


def _append_history(record: EpochRecord, path: Path) -> None:
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(
                ["epoch", "learning_rate", "train_loss", "worst_stressed_auc", "mean_stressed_auc"]
                + [f"auc_{name}" for name in record.auc]
            )
        writer.writerow(
            [record.epoch, f"{record.learning_rate:.3e}", f"{record.train_loss:.5f}"]
            + [f"{record.worst_stressed_auc:.5f}", f"{record.mean_stressed_auc:.5f}"]
            + [f"{auc:.5f}" for auc in record.auc.values()]
        )
