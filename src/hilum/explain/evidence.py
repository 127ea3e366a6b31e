"""The network's own map on a finer grid."""

from __future__ import annotations

import numpy as np

from hilum.errors import ConfigError
from hilum.explain.probe import Map, Probe
from hilum.inference.views import shift_planes


def compute_evidence_fine(probe: Probe, *, steps: int = 2) -> Map:
    """Give the evidence on a grid of ``steps`` times as many cells a side.

    The network sees the film shifted by fractions of a cell, and each of its maps gives every
    ``steps``-th cell of the fine one. Shifts are symmetric, so the fine grid covers the film as
    the coarse one does, and its mean with the bias is the mean logit of the shifted films. What
    a shift brings in at the border is the film's outermost row or column, repeated.

    Parameters
    ----------
    steps
        The network runs ``steps`` squared times.

    Raises
    ------
    ConfigError
        ``steps`` is less than two, or more than a cell has px.
    """
    height, width = probe.size_px
    rows, columns = probe.backend.spec.architecture.evidence_shape
    cell_h, cell_w = height / rows, width / columns
    if not 2 <= steps <= min(cell_h, cell_w):
        raise ConfigError(
            f"evidence_fine: 2 <= steps <= {int(min(cell_h, cell_w))} is needed, not {steps}."
        )
    # A film that is moved down by d shows a cell what lies d above its own place.
    downs, acrosses = (
        [round(cell * (0.5 - (step + 0.5) / steps)) for step in range(steps)]
        for cell in (cell_h, cell_w)
    )
    fine = np.empty((rows * steps, columns * steps), dtype=np.float32)
    for row, down in enumerate(downs):
        # One row of shifts at a time: small networks are fastest with few films at once.
        shifted = np.stack([shift_planes(probe.planes, down, across) for across in acrosses])
        maps = probe.backend.run(shifted).evidence
        for column, one in enumerate(maps):
            fine[row::steps, column::steps] = probe.sign * one
        probe.report((row + 1) * steps, steps * steps)
    return fine
