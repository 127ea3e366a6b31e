"""The other side of the benchmark: torch, timm, Pillow and the library ``grad-cam``.

This is what a competent user of that library writes: weights loaded once, evaluation mode, one
``GradCAM`` object for all films, the probability taken from the same forward pass. It imports
nothing of hilum and stands on its own::

    python gradcam_script.py --weights WEIGHTS --settings SETTINGS [--threads N] FILM
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import timm
import torch
from numpy.typing import NDArray
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import show_cam_on_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from safetensors.torch import load_file

# The layer whose output the network pools.
TARGET_LAYERS = {
    "ResNet": "layer4",
    "EfficientNet": "bn2",
    "DenseNet": "features.norm5",
    "VisionTransformer": "norm",
}


class GradCamModel:
    """A timm network with Grad-CAM.

    Parameters
    ----------
    weights
        A safetensors file with the network's state.
    settings
        ``timm_name``, ``options`` for timm, ``family``, ``height_px``, ``width_px``,
        ``channels``, ``mean``, ``std``, ``temperature``,
        ``offset``.
    """

    def __init__(self, weights: Path, settings: dict[str, Any], threads: int | None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.settings = settings
        self.network: Any = timm.create_model(
            settings["timm_name"],
            in_chans=settings["channels"],
            num_classes=1,
            **settings["options"],
        )
        self.network.load_state_dict(load_file(weights))
        self.network.eval()
        layer = self.network.get_submodule(TARGET_LAYERS[settings["family"]])
        tokens = settings["family"] == "VisionTransformer"
        self.cam = GradCAM(
            model=self.network,
            target_layers=[layer],
            reshape_transform=self._reshape_tokens if tokens else None,
        )

    def analyze(self, data: bytes) -> tuple[Image.Image, float, float, NDArray[np.float32]]:
        """Give the film, logit, probability and a heatmap of the network's input size."""
        film = Image.open(io.BytesIO(data)).convert("L")
        size = (self.settings["width_px"], self.settings["height_px"])
        resized = np.asarray(film.resize(size, Image.Resampling.BILINEAR), dtype=np.float32) / 255
        if self.settings["mean"] is None:
            planes = (resized - resized.mean()) / resized.std()
            planes = np.repeat(planes[None], self.settings["channels"], axis=0)
        else:
            mean = np.asarray(self.settings["mean"], dtype=np.float32)[:, None, None]
            std = np.asarray(self.settings["std"], dtype=np.float32)[:, None, None]
            planes = (resized[None] - mean) / std
        batch = torch.from_numpy(planes[None])
        heatmap = self.cam(input_tensor=batch, targets=[ClassifierOutputTarget(0)])[0]
        logit = float(self.cam.outputs[0, 0].detach())
        probability = 1 / (
            1 + np.exp(-(logit + self.settings["offset"]) / self.settings["temperature"])
        )
        return film, logit, float(probability), heatmap

    def draw(self, film: Image.Image, heatmap: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Draw the heatmap over the film, at the film's size."""
        grey = np.asarray(film, dtype=np.float32) / 255
        picture: NDArray[np.uint8] = show_cam_on_image(
            np.repeat(grey[:, :, None], 3, axis=2),
            cv2.resize(heatmap, film.size),
            use_rgb=True,
        )
        return picture

    def _reshape_tokens(self, tokens: torch.Tensor) -> torch.Tensor:
        height, width = self.network.patch_embed.grid_size
        patches = tokens[:, self.network.num_prefix_tokens :]
        return patches.reshape(len(tokens), height, width, -1).permute(0, 3, 1, 2)


def main() -> None:
    """Analyze one film and print its probability and the shape of its heatmap."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--threads", type=int)
    parser.add_argument("film", type=Path)
    arguments = parser.parse_args()
    settings = json.loads(arguments.settings.read_text())
    model = GradCamModel(arguments.weights, settings, arguments.threads)
    _, logit, probability, heatmap = model.analyze(arguments.film.read_bytes())
    answer = {"logit": logit, "probability": probability, "heatmap": list(heatmap.shape)}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
