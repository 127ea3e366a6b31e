"""A network and one film, ready to be asked again and again with parts of the film covered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.errors import ConfigError

if TYPE_CHECKING:
    from hilum.inference import Backend

Map = NDArray[np.float32]
Fill = Literal["mean", "blur"]

# The film at a 16th of its size and back: what is left is light and shade.
_BLUR_FACTOR = 16
# Small networks are fastest with few films at once: large activations leave the CPU's cache.
_BATCH = 8


def ignore_progress(done: int, passes: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What a method gets.

    planes
        float32, shape (C, H, W): the network's input.
    sign
        1 where the target is the positive class, -1 where it is the negative one.
    report
        Called with the passes done and the passes in all.
    """

    backend: Backend
    planes: NDArray[np.float32]
    sign: int
    report: Callable[[int, int], None] = ignore_progress

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width of the input."""
        return self.planes.shape[1], self.planes.shape[2]

    def score(self, planes: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give the logit for the target of each input, shape (N, C, H, W)."""
        return self.sign * self.backend.run(planes).logit.astype(np.float64)

    def score_covered(
        self, masks: Iterable[Map], passes: int, *, fill: Fill
    ) -> NDArray[np.float64]:
        """Give the logit for the target under each mask.

        Parameters
        ----------
        masks
            Each float32, shape (H, W): the share of the film that shows, in [0, 1].
        passes
            How many there are.
        fill
            What shows where the film is covered: its mean, or the film blurred until only
            light and shade are left. The input is covered after it was normalised, so that
            what still shows stays as it was.

        Raises
        ------
        ConfigError
            There is no such ``fill``.
        """
        under = self._make_fill(fill)
        over = self.planes - under
        logits: list[NDArray[np.float64]] = []
        done, masks = 0, iter(masks)
        while some := list(islice(masks, _BATCH)):
            shown = np.stack(some)[:, None]
            logits.append(self.score(under + shown * over))
            done += len(some)
            self.report(done, passes)
        return np.concatenate(logits)

    def _make_fill(self, fill: Fill) -> NDArray[np.float32]:
        if fill not in get_args(Fill):
            raise ConfigError(f"fill is one of {', '.join(get_args(Fill))}, not {fill!r}.")
        if fill == "mean":
            means: NDArray[np.float32] = self.planes.mean((1, 2), dtype=np.float64).astype(
                np.float32
            )
            return means[:, None, None]
        height, width = self.size_px
        small = (max(1, width // _BLUR_FACTOR), max(1, height // _BLUR_FACTOR))
        return np.stack(
            [
                np.asarray(
                    Image.fromarray(plane)
                    .resize(small, Image.Resampling.BILINEAR)
                    .resize((width, height), Image.Resampling.BICUBIC)
                )
                for plane in self.planes
            ]
        )
