"""What a model says of a film, and how far its answers lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.language import Text, template
from hilum.types.explanation import Explanation
from hilum.types.film import FilmWarning, Radiograph

if TYPE_CHECKING:
    from PIL import Image

SpreadOver = Literal["views", "members", "views and members"]

# Decisions beside the model's own labels.
NOT_ASSESSED = template("not assessed")
UNCERTAIN = template("uncertain")


@dataclass(frozen=True, slots=True)
class Spread:
    """How far the answers lie apart that one answer is the mean of.

    The answers are those to several views of the film, those of an ensemble's members, or those
    of each member to each view. The spread of the map stands with the map:
    :attr:`Explanation.spread`.

    views, members
        How many there are of each; 1 where it is the film as it is, or a single network.
    logit_min, logit_max, logit_std
        Of the answers' logits; the deviation is that of all of them, divided by their number. A
        member's logit is on the ensemble's scale.
    probability_min, probability_max
        What calibration makes of ``logit_min`` and ``logit_max``, in [0, 1]; ``None`` where the
        film was not assessed.
    """

    views: int
    members: int
    logit_min: float
    logit_max: float
    logit_std: float
    probability_min: float | None = None
    probability_max: float | None = None

    @property
    def over(self) -> SpreadOver:
        """What differs between the answers."""
        if self.members == 1:
            return "views"
        return "members" if self.views == 1 else "views and members"

    @property
    def words(self) -> Text:
        """What the spread is over, e.g. ``"6 views by 3 members"``."""
        if self.members == 1:
            return Text("{views} views", views=self.views)
        if self.views == 1:
            return Text("{members} members", members=self.members)
        return Text("{views} views by {members} members", views=self.views, members=self.members)

    def __str__(self) -> str:
        """Say what the spread is over, in English."""
        return str(self.words)

    def to_dict(self) -> dict[str, Any]:
        """Give the spread as plain, JSON-serialisable data."""
        return {"over": self.over, **asdict(self)}


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What one model says of one film.

    probability
        Calibrated probability of pneumonia, in [0, 1]; ``None`` where the film was not
        assessed.
    logit
        The network's own output, before calibration. It is kept for the record also where
        the film was not assessed.
    decision
        ``"pneumonia"`` or ``"normal"`` (the spec's labels); ``"uncertain"`` where the model
        cannot keep its promised rate of error and a radiologist should be asked; ``"not
        assessed"`` where the input gate refused the film.
    operating_point, threshold
        The operating point that the decision used and its threshold on ``probability``.
    side
        The spec's label for the side of the threshold, positive when
        ``probability >= threshold``, also where the decision is ``"uncertain"``; ``None``
        where the film was not assessed.
    reasons
        Why the input gate refuses the film; they are also there where the gate was off.
    evidence
        Signed map of the evidence.
    embedding
        float32, shape (D,): the pooled features under the head, of the film as it is.
    radiograph
        The film itself, for pictures. It is not part of :meth:`to_dict`.
    spread
        Of the answers that this one is the mean of; ``None`` where there is one answer alone.
    """

    model: str
    model_version: str
    probability: float | None
    logit: float
    decision: str
    operating_point: str
    threshold: float
    evidence: Explanation
    embedding: NDArray[np.float32]
    radiograph: Radiograph
    warnings: tuple[FilmWarning, ...] = field(default=())
    side: str | None = None
    reasons: tuple[FilmWarning, ...] = field(default=())
    spread: Spread | None = None

    @property
    def assessed(self) -> bool:
        """Whether there is an answer: the gate let the film pass, or was off."""
        return self.decision != NOT_ASSESSED

    @property
    def source(self) -> str | None:
        """The name under which the film was given."""
        return self.radiograph.source

    def overlay(
        self,
        *,
        opacity: float = 0.6,
        colormap: str | None = None,
        scale: float | None = None,
        contours: Sequence[float] = (),
        max_side_px: int | None = None,
    ) -> Image.Image:
        """Draw the film with the evidence over it; see :func:`hilum.report.draw_overlay`.

        A film that was not assessed is drawn without evidence: a map would look like an answer.
        """
        from hilum.report import draw_film, draw_overlay

        if not self.assessed:
            return draw_film(self.radiograph, max_side_px=max_side_px).convert("RGB")
        return draw_overlay(
            self.radiograph,
            self.evidence,
            opacity=opacity,
            colormap=colormap,
            scale=scale,
            contours=contours,
            max_side_px=max_side_px,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the prediction as plain, JSON-serialisable data, without pixels.

        The film's header and digest are included; evidence is included in full
        (``values`` as nested lists).
        """
        film = self.radiograph
        return {
            "source": film.source,
            "model": self.model,
            "model_version": self.model_version,
            "probability": self.probability,
            "logit": self.logit,
            "decision": self.decision,
            "side": self.side,
            "reasons": [asdict(reason) for reason in self.reasons],
            "operating_point": self.operating_point,
            "threshold": self.threshold,
            "warnings": [asdict(warning) for warning in self.warnings],
            "spread": None if self.spread is None else self.spread.to_dict(),
            "evidence": self.evidence.to_dict(),
            "film": {
                "format": film.format,
                "sha256": film.sha256,
                "recipe": film.recipe,
                "recipe_steps": list(film.recipe_steps),
                "header": asdict(film.header),
            },
        }
