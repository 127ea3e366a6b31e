"""Score-CAM: each channel of the last layer, weighed by what it shows the network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from hilum.errors import ConfigError
from hilum.explain.probe import Fill, Map, Probe


def compute_score_cam(probe: Probe, *, channels: int | None = None, fill: Fill = "mean") -> Map:
    """Show the film through each channel of the last layer in turn (Wang 2020).

    A channel, enlarged and stretched to [0, 1], is the mask; the channels are then weighed by the
    softmax of the logits under their masks, added up, cut at zero and divided by the largest
    cell.

    Parameters
    ----------
    channels
        Passes of the network: only so many channels are tried, those that vary most over this
        film. ``None``: all.

    Raises
    ------
    ConfigError
        ``channels`` is less than one.
    SpecMismatchError
        The graph does not give its activations.
    """
    if channels is not None and channels < 1:
        raise ConfigError(f"score_cam: channels >= 1 is needed, not {channels}.")
    activations = probe.backend.compute_activations(probe.planes[None])[0]
    spread = activations.max((1, 2)) - activations.min((1, 2))
    # A channel that is the same everywhere is no mask.
    chosen = np.argsort(-spread, kind="stable")[: np.count_nonzero(spread > 0)][:channels]
    if not len(chosen):
        return np.zeros(activations.shape[1:], dtype=np.float32)
    height, width = probe.size_px

    def show() -> Iterator[Map]:
        for index in chosen:
            low = activations[index].min()
            mask = (activations[index] - low) / spread[index]
            enlarged = Image.fromarray(mask).resize((width, height), Image.Resampling.BILINEAR)
            yield np.clip(np.asarray(enlarged), 0.0, 1.0)

    logits = probe.score_covered(show(), len(chosen), fill=fill)
    weights = np.exp(logits - logits.max())
    weights /= weights.sum()
    cam = np.maximum(np.tensordot(weights, activations[chosen], axes=1), 0.0)
    largest = cam.max()
    return (cam / largest if largest > 0 else cam).astype(np.float32)
