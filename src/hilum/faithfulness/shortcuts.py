"""Does a network look at the lungs? Where its evidence lies, and what it says without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.anatomy import find_lungs, grow_region, level_region
from hilum.errors import DatasetError
from hilum.explain import explain
from hilum.faithfulness.films import ask, enlarge, wrap_film
from hilum.faithfulness.means import RESAMPLES, Interval, average_by_patient
from hilum.metrics import bootstrap_by_patient, compute_auc
from hilum.preprocess import resize_film

if TYPE_CHECKING:
    from hilum.faithfulness.films import LabelledFilm
    from hilum.inference import Backend

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

# As fractions of the film's width: what of a map's blur is forgiven around the lungs, and how
# broad the border of a film is.
_MARGIN = 0.05
_BORDER = 0.06


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """Figures of one model, each (value, low, high) with a 95 % interval by patient.

    outside_lungs
        Share of the positive evidence of positive films that lies outside of the lungs and a
        margin of 5 % of the film's width around them.
    outside_lungs_flat
        The same of a map that is the same everywhere.
    at_border
        Share that lies within 6 % of the film's border.
    at_border_flat
        The same of a map that is the same everywhere.
    auc
        On the films as they are.
    auc_lungs_only
        Where everything but the lungs is levelled.
    auc_lungs_levelled
        Where the lungs are levelled: what the network knows without them. Near 0.5 for one
        that looks at nothing else.
    """

    films: int
    outside_lungs: Interval
    outside_lungs_flat: float
    at_border: Interval
    at_border_flat: float
    auc: Interval
    auc_lungs_only: Interval
    auc_lungs_levelled: Interval

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return asdict(self)


def measure_shortcuts(
    backend: Backend,
    films: Sequence[LabelledFilm],
    *,
    method: str = "evidence",
    report: Callable[[int, int], None] = lambda *_: None,
) -> Shortcuts:
    """Measure where the evidence lies, and what is known without the lungs.

    Parameters
    ----------
    films
        Of both classes.
    report
        Called with the films done and those in all.

    Raises
    ------
    DatasetError
        A class has no film, or no lungs were found in one.
    """
    labels = np.array([film.label for film in films])
    if len(set(labels.tolist())) < 2:
        raise DatasetError("Films of both classes are needed to look for shortcuts.")
    logits = np.empty((3, len(films)))
    shares: list[tuple[float, float, float, float]] = []
    for number, one in enumerate(films):
        film = resize_film(one.radiograph, backend.spec.input)
        lungs = find_lungs(film)
        if not lungs.any():
            raise DatasetError(f"No lungs were found in {one.radiograph.source}.")
        only, without = level_region(film, ~lungs), level_region(film, lungs)
        logits[:, number] = [ask(backend, version) for version in (film, only, without)]
        if one.label == 1:
            explanation = explain(backend, wrap_film(film, backend), method=method)
            values = np.maximum(enlarge(explanation.values, film.shape), 0.0)
            shares.append(_measure_shares(values, lungs))
        report(number + 1, len(films))
    patients = [film.patient for film in films]
    positive = [film.patient for film in films if film.label == 1]
    outside, outside_flat, border, border_flat = average_by_patient(np.array(shares), positive)
    below, above = bootstrap_by_patient(
        patients,
        labels.tolist(),
        lambda weights: np.array([compute_auc(labels, row, weights) for row in logits]),
        resamples=RESAMPLES,
    )
    aucs = [compute_auc(labels, row) for row in logits]
    auc, only_auc, without_auc = (
        (float(value), float(one), float(other))
        for value, one, other in zip(aucs, below, above, strict=True)
    )
    return Shortcuts(
        films=len(films),
        outside_lungs=outside,
        outside_lungs_flat=outside_flat[0],
        at_border=border,
        at_border_flat=border_flat[0],
        auc=auc,
        auc_lungs_only=only_auc,
        auc_lungs_levelled=without_auc,
    )


def _measure_shares(values: Plane, lungs: Mask) -> tuple[float, float, float, float]:
    """Give the shares outside of the lungs and at the border, of a map and of a flat one."""
    width_px = lungs.shape[1]
    near = grow_region(lungs, max(1, round(_MARGIN * width_px)))
    border = np.ones(lungs.shape, dtype=bool)
    inner = max(1, round(_BORDER * width_px))
    border[inner:-inner, inner:-inner] = False
    total = float(values.sum())
    outside, at_border = (
        (float(values[region].sum()) / total if total > 0 else 0.0) for region in (~near, border)
    )
    return outside, float((~near).mean()), at_border, float(border.mean())
