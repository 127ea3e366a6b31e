"""What a recipe makes of a film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SATURATED_SHARE = 0.25
"""``hu_window`` that drives more than this share of a film to black or white has lost it."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """The film, the steps that made it and the codes of the warnings that go with them.

    pixels
        float32, shape (H, W), in [0, 1], contiguous; bright is dense.
    """

    pixels: NDArray[np.float32]
    steps: tuple[str, ...]
    warnings: tuple[str, ...]
