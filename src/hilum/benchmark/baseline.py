"""Preparing the other side: the same weights, out of the ONNX file, for torch and grad-cam."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from hilum.spec import ModelSpec

# Between the shipped graph and the torch network rebuilt from it, in logit units.
LOGIT_TOLERANCE = 1e-3

_NEEDED = ("torch", "timm", "safetensors", "onnx", "pytorch_grad_cam")


@dataclass(frozen=True, slots=True)
class Baseline:
    """The files that the other side starts from."""

    weights: Path
    settings: Path
    logit_difference: float


def find_missing_packages() -> list[str]:
    """Name the packages that the comparison needs and that are not installed here."""
    return [name for name in _NEEDED if importlib.util.find_spec(name) is None]


def prepare_baseline(
    spec: ModelSpec,
    weights_folder: Path,
    film: Path,
    folder: Path,
    *,
    threads: int,
) -> Baseline:
    """Write the network of the ONNX file as torch weights, and check that it is the same.

    Parameters
    ----------
    film
        A film on which the two must agree.

    Raises
    ------
    MissingExtraError
        There is no torch here.
    SpecMismatchError
        The ONNX file was not written by `hilum export`.
    ConfigError
        The model resizes films in a way that the other side does not have.
    InputError
        The film cannot be read.
    ModelError
        The two do not agree to 1e-3 in the logit.
    """
    import numpy as np

    from hilum.inference import OnnxBackend
    from hilum.inference.torch_backend import TorchBackend
    from hilum.io import read_radiograph
    from hilum.models.checkpoint import CheckpointMetadata, save_checkpoint
    from hilum.models.restore import restore_network
    from hilum.preprocess import preprocess
    from hilum.spec import read_weights

    if spec.input.resize != "squash":
        raise ConfigError(
            f"{spec.name} resizes films by {spec.input.resize}; the other side of the benchmark "
            "knows squash alone."
        )
    weights = read_weights(spec, weights_folder)
    batch = preprocess(read_radiograph(film, recipe=spec.input.recipe), spec.input)
    network = restore_network(weights)
    with TorchBackend(spec, network) as theirs, OnnxBackend(spec, weights) as ours:
        difference = float(np.abs(theirs.run(batch).logit - ours.run(batch).logit).max())
    if not difference <= LOGIT_TOLERANCE:
        raise ModelError(
            f"torch and ONNX Runtime differ by {difference:.2g} logit units on the weights of "
            f"{spec.name}: there is nothing to compare."
        )
    metadata = CheckpointMetadata(
        timm_name=spec.architecture.timm_name,
        in_channels=spec.input.channels,
        height_px=spec.input.height_px,
        width_px=spec.input.width_px,
    )
    weights_path, settings_path = folder / "weights.safetensors", folder / "gradcam.json"
    save_checkpoint(weights_path, network, metadata)
    settings = _collect_settings(spec, weights_path, threads)
    settings_path.write_text(json.dumps(settings), encoding="utf-8")
    return Baseline(weights_path, settings_path, difference)


def _collect_settings(spec: ModelSpec, weights: Path, threads: int) -> dict[str, Any]:
    from hilum.models.build import choose_options

    return {
        "timm_name": spec.architecture.timm_name,
        "family": spec.architecture.family,
        "options": choose_options(spec.architecture.timm_name),
        "weights": str(weights),
        "threads": threads,
        "temperature": spec.calibration.temperature,
        "offset": spec.calibration.offset,
        **spec.input.model_dump(include={"height_px", "width_px", "channels", "mean", "std"}),
    }
