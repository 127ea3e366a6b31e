"""What the pictures of ``hilum explain`` show, as it is typed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hilum.errors import ConfigError
from hilum.types import UNCERTAIN

if TYPE_CHECKING:
    from PIL import Image

    from hilum.types import Explanation, Prediction, Region

# Screens show no more, and a PNG of this size is written in a tenth of a second.
PICTURE_SIDE_PX = 1024

FORMATS = ("png", "svg")


@dataclass(frozen=True, slots=True)
class Look:
    """Choices of how a map is drawn.

    formats
        Of :data:`FORMATS`, in the order in which they are written.
    contours
        Levels of lines, in the map's own unit.
    panel
        Whether the film stands beside its evidence, with legend and words below.
    scale
        Value of the full colour, ``"auto"`` for the map's own strongest cell, or ``None`` for
        the method's.
    level
        Regions are told above it, in the map's own unit; ``None``: a quarter of the scale.
    """

    formats: tuple[str, ...]
    contours: tuple[float, ...]
    panel: bool
    scale: float | Literal["auto"] | None
    level: float | None

    def draw_png(self, prediction: Prediction, explanation: Explanation) -> Image.Image:
        """Draw the picture in pixels."""
        from hilum.report import choose_scale, draw_overlay, draw_panel

        if self.panel:
            return draw_panel(
                prediction.radiograph,
                explanation,
                text=describe_picture(prediction, explanation),
                scale=self.scale,
                contours=self.contours,
                max_side_px=PICTURE_SIDE_PX,
            )
        return draw_overlay(
            prediction.radiograph,
            explanation,
            scale=choose_scale(explanation, self.scale),
            contours=self.contours,
            max_side_px=PICTURE_SIDE_PX,
        )

    def list_remarks(self, prediction: Prediction, explanation: Explanation) -> list[str]:
        """List what an overlay without a legend has to say below it; a panel says it itself."""
        from hilum.report import choose_scale

        if self.panel:
            return []
        remarks = ["Uncertain: ask a radiologist"] if prediction.decision == UNCERTAIN else []
        if self.scale == "auto":
            scale = choose_scale(explanation, self.scale)
            unit = " logits" if explanation.unit == "logit" else ""
            remarks.append(f"Scaled to this film: full colour at {scale:.3g}{unit}")
        return remarks

    def draw_svg(
        self, prediction: Prediction, explanation: Explanation, regions: Sequence[Region]
    ) -> str:
        """Draw the picture in lines and text."""
        from hilum.report import draw_svg

        return draw_svg(
            prediction.radiograph,
            explanation,
            text=describe_picture(prediction, explanation),
            regions=regions,
            panel=self.panel,
            scale=self.scale,
            contours=self.contours,
            max_side_px=PICTURE_SIDE_PX,
        )


def describe_picture(prediction: Prediction, explanation: Explanation) -> str:
    """Say what a picture shows; no name of a file, which may be a patient's."""
    answer = prediction.decision
    if prediction.decision == UNCERTAIN:
        answer = "uncertain, ask a radiologist"
    if prediction.probability is not None:
        answer += f", probability {prediction.probability:.4f}"
    return (
        f"{answer[:1].upper()}{answer[1:]} ({prediction.model} {prediction.model_version}). "
        f"Map by {explanation.method}: what the network used, not where disease is. "
        + "".join(f"Warning: {warning} " for warning in explanation.warnings)
        + "Research software, not a medical device."
    )


def read_look(
    formats: str, contours: str | None, scale: str | None, level: float | None, *, panel: bool
) -> Look:
    """Read the choices as they are typed.

    Raises
    ------
    ConfigError
        There is no such format, or a level or the scale is not a number above zero.
    """
    from hilum.explain import check_levels

    check_levels(() if level is None else (level,))
    chosen = tuple(dict.fromkeys(name.strip() for name in formats.split(",")))
    unknown = [name for name in chosen if name not in FORMATS]
    if unknown:
        raise ConfigError(f'--format: there is no "{unknown[0]}". There are: {", ".join(FORMATS)}.')
    levels = [] if contours is None else contours.split(",")
    return Look(
        formats=chosen,
        contours=tuple(_read_positive("--contours", level) for level in levels),
        panel=panel,
        scale=_read_scale(scale),
        level=level,
    )


def _read_scale(text: str | None) -> float | Literal["auto"] | None:
    if text == "auto":
        return "auto"
    return None if text is None else _read_positive("--scale", text)


def _read_positive(option: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0.0):
        raise ConfigError(f'{option}: a number above zero is needed, not "{text.strip()}".')
    return value
