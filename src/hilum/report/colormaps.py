"""Colours of the evidence: fixed to its units, safe for colour-blind eyes, legible in grey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from hilum.errors import ConfigError
from hilum.report.oklab import make_ramp
from hilum.types import EVIDENCE_SCALE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hilum.types import Explanation

Scale = float | Literal["auto"] | None

DEFAULT_SCALE = EVIDENCE_SCALE

# 8-bit code of a value: 0 is -scale or less, 128 is zero, 255 is +scale or more.
ZERO_CODE = 128
_STEPS = 127


@dataclass(frozen=True, slots=True)
class Colormap:
    """Colours for evidence against and for the target, from weak to strong, evenly spaced.

    ``against`` is ``None`` where evidence against the target is not shown. The strong end
    for the target is light and the one against it is dark, so that the sign survives a grey
    print.
    """

    toward: tuple[str, ...]
    against: tuple[str, ...] | None


# Orange and blue stay apart for protan, deutan and tritan eyes (Okabe & Ito 2008); green and
# purple are the second pair of which that is true (ColorBrewer PRGn).
COLORMAPS: dict[str, Colormap] = {
    "evidence": Colormap(toward=("#f06400", "#ffc23d"), against=("#3f8cff", "#0f3fd0")),
    "green_purple": Colormap(toward=("#2fa866", "#b6f2a0"), against=("#a86fd0", "#5b1a86")),
    "for_only": Colormap(toward=("#f06400", "#ffc23d"), against=None),
    # For maps without a sign: violet to yellow, lighter with every step and in equal steps. The
    # order is that of lightness, which colour-blind eyes and a grey print keep.
    "strength": Colormap(
        toward=make_ramp(_STEPS + 1, lightness=(0.42, 0.93), hue_deg=(320.0, 470.0), chroma=0.15),
        against=None,
    ),
}


def choose_colormap(explanation: Explanation, name: str | None) -> str:
    """Give the name of the colormap for a map: ``name``, or what fits where that is ``None``."""
    if name is not None:
        return name
    return "evidence" if explanation.signed else "strength"


def choose_scale(explanation: Explanation, scale: Scale) -> float:
    """Give the value at which colours saturate, in the map's unit.

    Parameters
    ----------
    scale
        A value; ``None`` is ``explanation.scale``; ``"auto"`` is the map's own strongest cell,
        so that colours of two films cannot be compared. A map that is zero everywhere has none,
        and keeps ``explanation.scale``.
    """
    if scale == "auto":
        return float(np.abs(explanation.values).max()) or explanation.scale
    return explanation.scale if scale is None else scale


def get_colormap(name: str) -> Colormap:
    """Find a colormap by its name.

    Raises
    ------
    ConfigError
        There is none of that name; the message lists those there are.
    """
    try:
        return COLORMAPS[name]
    except KeyError:
        raise ConfigError(
            f'There is no colormap "{name}". There are: {", ".join(COLORMAPS)}.'
        ) from None


def make_color_table(colormap: Colormap) -> NDArray[np.uint8]:
    """Give the colour of each 8-bit code, shape (256, 3)."""
    strength = np.abs(np.arange(256) - ZERO_CODE) / _STEPS
    table = _blend(colormap.toward, strength)
    if colormap.against is not None:
        table[:ZERO_CODE] = _blend(colormap.against, strength[:ZERO_CODE])
    return table


def make_opacity_table(colormap: Colormap, opacity: float) -> NDArray[np.uint8]:
    """Give the opacity of each 8-bit code, shape (256,); it follows the strength.

    Raises
    ------
    ConfigError
        ``opacity`` is outside of [0, 1].
    """
    if not 0.0 <= opacity <= 1.0:
        raise ConfigError(f"The opacity must be between 0 and 1, not {opacity}.")
    strength = np.minimum(np.abs(np.arange(256) - ZERO_CODE) / _STEPS, 1.0)
    if colormap.against is None:
        strength[:ZERO_CODE] = 0.0
    return np.rint(255.0 * opacity * strength).astype(np.uint8)


def encode_evidence(values: NDArray[np.float32], scale: float) -> NDArray[np.uint8]:
    """Turn evidence into 8-bit codes; ``scale`` is in the evidence's own unit.

    Raises
    ------
    ConfigError
        ``scale`` is not a positive number.
    """
    if not (np.isfinite(scale) and scale > 0.0):
        raise ConfigError(f"The scale must be a number above zero, not {scale}.")
    steps = np.rint(np.clip(values / np.float32(scale), -1.0, 1.0) * _STEPS) + ZERO_CODE
    codes: NDArray[np.uint8] = steps.astype(np.uint8)
    return codes


def _blend(stops: tuple[str, ...], strength: NDArray[np.float64]) -> NDArray[np.uint8]:
    colors = np.asarray(
        [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in stops], dtype=np.float64
    )
    share = np.clip(strength, 0.0, 1.0)
    places = np.linspace(0.0, 1.0, len(stops))
    blended = np.stack([np.interp(share, places, channel) for channel in colors.T], axis=1)
    table: NDArray[np.uint8] = np.rint(blended).astype(np.uint8)
    return table
