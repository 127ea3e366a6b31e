"""Colours by how they look: OKLab, in which equal steps look equal (Ottosson 2020).

Source: https://bottosson.github.io/posts/oklab/
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Colors = NDArray[np.float64]

_LAB_TO_ROOTS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_CONES_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
# The path is searched and measured at so many places.
_DENSE = 1024


def make_ramp(
    steps: int,
    *,
    lightness: tuple[float, float],
    hue_deg: tuple[float, float],
    chroma: float,
) -> tuple[str, ...]:
    """Compute colours from dark to light in steps that look equal.

    Lightness rises evenly while the hue turns; the chroma is ``chroma``, or what sRGB can show
    where that is less. The colours are then spaced by their distance along that path.

    Parameters
    ----------
    lightness, hue_deg
        At the dark and at the light end.

    Returns
    -------
    ``"#rrggbb"``, as many as ``steps``.
    """
    light = np.linspace(*lightness, _DENSE)
    hue = np.radians(np.linspace(*hue_deg, _DENSE))
    strength = np.minimum(chroma, _find_most_chroma(light, hue))
    path = _to_lab(light, hue, strength)
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    reached = np.concatenate([[0.0], np.cumsum(lengths)])
    places = np.linspace(0.0, reached[-1], steps)
    even = np.stack([np.interp(places, reached, axis) for axis in path.T], axis=1)
    codes = np.rint(255.0 * np.clip(_encode(lab_to_linear(even)), 0.0, 1.0)).astype(int)
    return tuple(f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in codes.tolist())


def lab_to_linear(lab: Colors) -> Colors:
    """Turn OKLab, shape (n, 3), into linear sRGB, which leaves [0, 1] outside of its gamut."""
    linear: Colors = (lab @ _LAB_TO_ROOTS.T) ** 3 @ _CONES_TO_RGB.T
    return linear


def linear_to_lab(linear: Colors) -> Colors:
    """Turn linear sRGB, shape (n, 3), into OKLab."""
    roots = np.cbrt(linear @ np.linalg.inv(_CONES_TO_RGB).T)
    lab: Colors = roots @ np.linalg.inv(_LAB_TO_ROOTS).T
    return lab


def _to_lab(light: Colors, hue: Colors, chroma: Colors) -> Colors:
    return np.stack([light, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)


def _find_most_chroma(light: Colors, hue: Colors) -> Colors:
    """Find by halving how much chroma sRGB has at each lightness and hue."""
    low, high = np.zeros_like(light), np.full_like(light, 0.4)
    for _ in range(20):
        middle = (low + high) / 2
        linear = lab_to_linear(_to_lab(light, hue, middle))
        fits = ((linear >= 0.0) & (linear <= 1.0)).all(axis=1)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return low


def _encode(linear: Colors) -> Colors:
    """Apply the transfer curve of sRGB (IEC 61966-2-1)."""
    shown = np.maximum(linear, 0.0)
    encoded: Colors = np.where(
        shown <= 0.0031308, 12.92 * shown, 1.055 * np.maximum(shown, 1e-9) ** (1 / 2.4) - 0.055
    )
    return encoded
