"""How far the answers lie apart that one answer is the mean of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hilum.decision.calibrate import compute_probability
from hilum.types import Spread

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hilum.spec import Calibration


def measure_spread(logits: NDArray[np.float64]) -> Spread | None:
    """Measure how far logits lie apart; ``None`` where there is one alone.

    Parameters
    ----------
    logits
        Shape (V, M): of V views of one film by M members.
    """
    if logits.size == 1:
        return None
    views, members = logits.shape
    low, high = float(logits.min()), float(logits.max())
    return Spread(views, members, low, high, float(logits.std()))


def calibrate_spread(spread: Spread | None, calibration: Calibration | None) -> Spread | None:
    """Give a spread its probabilities; without ``calibration`` take them away.

    Calibration keeps the order of logits, so their ends are the ends of the probabilities.
    """
    if spread is None:
        return None
    low, high = (
        None if calibration is None else compute_probability(logit, calibration)
        for logit in (spread.logit_min, spread.logit_max)
    )
    return replace(spread, probability_min=low, probability_max=high)
