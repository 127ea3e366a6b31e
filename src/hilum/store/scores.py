"""The logits of a journal beside those of a model's validation films."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection, select

from hilum.decision import Drift, measure_drift
from hilum.errors import ConfigError
from hilum.store.selection import Selection
from hilum.store.tables import analyses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hilum.spec import ModelSpec

# A mean over views is no logit of the kind that the validation films gave.
_AVERAGED = "views_averaged"


@dataclass(frozen=True, slots=True, eq=False)
class ScoreHistogram:
    """Shares of films in bins of the logit.

    edges
        Shape (B + 1,), rising.
    observed, positive, negative, fitted
        Shape (B,): shares of the journal's films, of either class of the validation films, and of
        the mixture of both that explains the journal's films best.
    """

    edges: NDArray[np.float64]
    observed: NDArray[np.float64]
    positive: NDArray[np.float64]
    negative: NDArray[np.float64]
    fitted: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ScoreComparison:
    """How films in the journal score beside the validation films of their model.

    logits
        Shape (N,), of the films that are compared: each film once, its last analysis; those
        that the input gate refuses, or would have refused, and means over views are left out.
    repeated, averaged
        Analyses left out because their film was analyzed again later; and as means over views.
    refused
        Films left out because of the gate.
    validation_refused
        Share of the validation films that the gate refuses; ``None`` without a gate.
    drift
        The tests; ``None`` where the spec does not hold the logits of its validation films.
    """

    model: str
    version: str
    logits: NDArray[np.float64]
    repeated: int
    averaged: int
    refused: int
    validation_refused: float | None
    drift: Drift | None

    @property
    def refused_share(self) -> float | None:
        """Share of the films that the gate refuses, in [0, 1]; ``None`` where there are none."""
        films = self.refused + self.logits.size
        return self.refused / films if films else None

    def compute_histogram(self, bins: int = 24) -> ScoreHistogram | None:
        """Count the films in bins of equal width, beside what validation lets expect.

        ``None`` where the spec does not hold the logits of its validation films.
        """
        drift = self.drift
        if drift is None:
            return None
        ends = np.concatenate([drift.logits[[0, -1]], self.logits])
        # Cumulative shares count a film at the edge to the bin below: none lies at the lowest.
        edges = np.linspace(ends.min() - 1e-6, max(ends.max(), ends.min() + 1e-3), bins + 1)

        def spread(cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.diff(np.interp(edges, drift.logits, cumulative, left=0.0, right=1.0))

        counts, _ = np.histogram(self.logits, bins=edges)
        return ScoreHistogram(
            edges=edges,
            observed=counts / max(self.logits.size, 1),
            positive=spread(drift.positive),
            negative=spread(drift.negative),
            fitted=spread(drift.fitted),
        )


def compare_scores(
    connection: Connection, spec: ModelSpec, selection: Selection, alpha: float
) -> ScoreComparison:
    """Compare; see :meth:`hilum.store.Journal.compare_scores`.

    Raises
    ------
    ConfigError
        The selection names another model, or ``alpha`` is not between 0 and 0.5.
    """
    query = (
        select(
            analyses.c.film_sha256,
            analyses.c.logit,
            analyses.c.reasons,
            analyses.c.warnings,
        )
        .where(
            analyses.c.weights_sha256 == spec.weights.sha256,
            analyses.c.logit.is_not(None),
            *selection.list_conditions(),
        )
        .order_by(analyses.c.id)
    )
    if selection.model not in (None, spec.name):
        raise ConfigError(f"The selection is of {selection.model}, the spec of {spec.name}.")
    last: dict[str, tuple[float, bool]] = {}
    single = averaged = 0
    for number, (film, logit, reasons, warnings) in enumerate(connection.execute(query)):
        if _AVERAGED in warnings:
            averaged += 1
            continue
        single += 1
        # A film without a digest is a film by itself.
        last[film or f"array {number}"] = (logit, bool(reasons))
    logits = np.array([logit for logit, refused in last.values() if not refused], dtype=np.float64)
    return ScoreComparison(
        model=spec.name,
        version=spec.version,
        logits=logits,
        repeated=single - len(last),
        averaged=averaged,
        refused=len(last) - logits.size,
        validation_refused=None if spec.gate is None else spec.gate.validation_refused,
        drift=(
            None
            if spec.validation_logits is None
            else measure_drift(logits, spec.validation_logits, alpha=alpha)
        ),
    )
