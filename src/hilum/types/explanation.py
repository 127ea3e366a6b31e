"""A map of the evidence, and its regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.language import Text, recall

if TYPE_CHECKING:
    from hilum.types.film import Radiograph

# Evidence at which a picture's colour saturates, in logit units. It is absolute: the same colour
# means the same evidence on every film, and a film without evidence stays without colour.
# 95 of 100 cells of the default network's maps on its training films are weaker than 29 and 99
# are weaker than 35, so strong evidence is still told from very strong evidence.
EVIDENCE_SCALE = 32.0

# Spread of a cell at which a picture's colour saturates, in logit units; absolute as well. Of the
# default network's maps over six views, 99 of 100 cells on validation films spread less than 7.4.
SPREAD_SCALE = 8.0


@dataclass(frozen=True, slots=True)
class Region:
    """A connected part of a map in which the evidence is stronger than a level.

    target, side
        What the evidence in it speaks for or against.
    unit
        Of the map, see :class:`Explanation`.
    level
        Above which the evidence lies, in that unit and without its sign.
    box
        ``(left, top, right, bottom)`` in px of ``Radiograph.pixels``; it may reach into the
        padding beyond the film, as the map does.
    area_share
        Of the map's area, in [0, 1].
    evidence_share
        Of all the map's evidence on this side, in [0, 1].
    peak, peak_value, mean_value
        Where the evidence is strongest, as ``(x, y)`` in px of the film; its value there, and
        the mean over the region. Below zero where it speaks against the target.
    zone
        Where most of it lies, in words: ``"upper zone, patient's right"``.
    lung_share
        Share of its area that lies in the lungs; ``None`` where lungs were not looked for or not
        found.
    """

    target: str
    side: Literal["for", "against"]
    unit: Literal["logit", "relative"]
    level: float
    box: tuple[float, float, float, float]
    area_share: float
    evidence_share: float
    peak: tuple[float, float]
    peak_value: float
    mean_value: float
    zone: str
    lung_share: float | None

    @property
    def sentence(self) -> Text:
        """The region in one sentence: what the network used, not where disease is."""
        percent = Text("< 1 %")
        if self.evidence_share >= 0.01:
            percent = Text("{percent:.0f} %", percent=100 * self.evidence_share)
        value = f"{self.peak_value:.{1 if abs(self.peak_value) >= 10 else 2}f}"
        said = {"zone": recall(self.zone).as_start(), "share": percent, "value": value}
        if self.unit == "relative":
            # Some of these maps are the same for both labels: they are no evidence for one.
            return Text(
                "{zone}: {share} of the map's total, strongest {value} where the largest cell "
                "is 1.",
                **said,
            )
        label = recall(self.target)
        if self.side == "for":
            return Text(
                "{zone}: {share} of the evidence for {label}, strongest {value} logits.",
                label=label,
                **said,
            )
        return Text(
            "{zone}: {share} of the evidence against {label}, strongest {value} logits.",
            label=label,
            **said,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the region as plain, JSON-serialisable data, with its sentence."""
        return {**asdict(self), "sentence": self.sentence}


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """A map of the evidence, by one of :data:`hilum.explain.METHODS`.

    values
        float32, shape (h, w). Of the method ``"evidence"``: on the grid of the network's last
        layer and in logit units; with the head's ``bias`` their mean is the logit. Positive
        cells speak for the target, negative ones against it.
    box
        ``(left, top, right, bottom)`` in px of ``Radiograph.pixels``: the part of the film
        that the grid covers. It is less than the film where preprocessing crops and more
        than the film where it pads.
    method, target
        How the map was made and for which class, e.g. ``"evidence"``, ``"pneumonia"``.
    bias
        Bias of the head in logit units; ``bias + values.mean() == logit`` for the method
        ``"evidence"`` and the positive class.
    unit
        ``"logit"``, or ``"relative"`` where the largest cell is 1 whatever the film.
    signed
        Whether cells below zero speak against the target.
    scale
        Value at which a picture of the map saturates.
    options
        Of the method, as they were used.
    spread
        float32, of the shape of ``values`` and in their unit: the standard deviation of each cell
        over the views or members that the map is the mean of; see :class:`Spread`. ``None``
        where it is no such mean.
    warnings
        Controls that this method's maps fail on this model, a sentence each; see
        :mod:`hilum.faithfulness`.
    """

    values: NDArray[np.float32]
    box: tuple[float, float, float, float]
    method: str
    target: str
    bias: float
    unit: Literal["logit", "relative"] = "logit"
    signed: bool = True
    scale: float = EVIDENCE_SCALE
    options: Mapping[str, Any] = field(default_factory=dict)
    spread: NDArray[np.float32] | None = None
    warnings: tuple[str, ...] = ()

    def regions(
        self,
        radiograph: Radiograph | None = None,
        *,
        level: float | None = None,
        smallest_share: float = 0.05,
        against: bool = False,
    ) -> tuple[Region, ...]:
        """Find where the map is strong; see :func:`hilum.explain.find_regions`."""
        from hilum.explain import find_regions

        return find_regions(
            self, radiograph, level=level, smallest_share=smallest_share, against=against
        )

    def map_spread(self) -> Explanation | None:
        """Give the spread as a map of its own, to be drawn; ``None`` where there is none.

        Its method is that of this map with ``.spread`` behind it, and it has no sign.
        """
        if self.spread is None:
            return None
        return replace(
            self,
            values=self.spread,
            method=f"{self.method}.spread",
            signed=False,
            scale=SPREAD_SCALE,
            spread=None,
            warnings=(),
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the map as plain, JSON-serialisable data, its cells as nested lists."""
        return {
            "method": self.method,
            "target": self.target,
            "unit": self.unit,
            "signed": self.signed,
            "bias": self.bias,
            "options": dict(self.options),
            "box": list(self.box),
            "shape": list(self.values.shape),
            "values": self.values.tolist(),
            "spread": None if self.spread is None else self.spread.tolist(),
            "warnings": list(self.warnings),
        }
