"""Taking a region out of a film."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

# How softly, as a fraction of the film's width.
_SOFTNESS = 0.02


def level_region(film: Plane, region: Mask) -> Plane:
    """Give a region, with a soft edge, the mean grey of everything else.

    Its own mean would tell how dense it was, which is what pneumonia does to a lung.
    """
    width_px = film.shape[1]
    mask = Image.fromarray(region.astype(np.uint8) * 255)
    blurred = mask.filter(ImageFilter.GaussianBlur(max(1.0, _SOFTNESS * width_px)))
    share = np.asarray(blurred, dtype=np.float32) / 255.0
    grey = np.float32(film[~region].mean()) if not region.all() else np.float32(0)
    return (film + share * (grey - film)).astype(np.float32)
