"""From a trained network to a model that can be shipped: export, calibration, choices."""

from __future__ import annotations

import datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from hilum.data import Split
from hilum.models.export import ExportedGraph, export_onnx
from hilum.spec import (
    Calibration,
    EmbeddingStatistics,
    ModelSpec,
    OperatingPoint,
    Provenance,
    Storage,
    TrainingData,
    WeightsFile,
)
from hilum.spec.words import BY_PATIENT, LEAKING
from hilum.training.calibrate import PREVALENCE, calibrate_model
from hilum.training.distillation import refer_to_teachers
from hilum.training.model_folder import write_model
from hilum.training.recipe import Recipe

Films = NDArray[np.float32]


def finish_model(
    network: nn.Module,
    recipe: Recipe,
    folder: Path,
    *,
    initialisation: str,
    root: Path,
    split: Split,
    films: Films,
    labels: NDArray[np.intp],
    storage: Storage,
) -> ModelSpec:
    """Export ``network`` and write its spec, with everything that validation films decide.

    Temperature, operating points, conformal zone and input gate come from the exported graph,
    run as users run it: what was chosen holds for the file that is shipped.
    """
    graph = export_onnx(
        network,
        height_px=recipe.input.height_px,
        width_px=recipe.input.width_px,
        channels=recipe.input.channels,
        storage=storage,
    )
    provisional = _describe(recipe, graph, split, initialisation)
    spec, gate = calibrate_model(
        provisional,
        graph.data,
        root,
        split,
        films=films,
        labels=labels,
    )
    write_model(spec, folder, weights=graph.data, gate=gate)
    return spec


def _describe(recipe: Recipe, graph: ExportedGraph, split: Split, initialisation: str) -> ModelSpec:
    """Give the spec before the validation films are scored: nothing is chosen or calibrated."""
    films = LEAKING if split.leaks else BY_PATIENT
    default = recipe.selection.default_operating_point
    return ModelSpec(
        name=recipe.name,
        version=recipe.version,
        description=recipe.description,
        licence=recipe.licence,
        weights=WeightsFile(file=f"{recipe.name}.onnx", sha256=graph.sha256, storage=graph.storage),
        architecture=graph.architecture,
        input=recipe.input,
        calibration=Calibration(
            temperature=1.0,
            offset=0.0,
            prevalence=PREVALENCE,
            fitted_on=films.format(films=len(split.validation), set_name=recipe.data.name),
        ),
        operating_points={
            default: OperatingPoint(
                threshold=0.5, rule="provisional", chosen_on="-", sensitivity=0.0, specificity=0.0
            )
        },
        default_operating_point=default,
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
            teachers=refer_to_teachers(recipe.distillation),
            hilum_version=version("hilum"),
            created=datetime.datetime.now(datetime.UTC).date(),
            seed=recipe.seed,
        ),
    )
