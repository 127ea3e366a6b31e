"""The acquisition style of a film, apart from its anatomy: sharpness and grey scale.

In the Kermany set the style alone tells the classes apart (normal films are larger and less
compressed), so a network learns it first. Lending every training film the style of another
one, drawn evenly from both classes, makes style say nothing of the label. The same arithmetic,
with the partner always drawn from the other class, stresses a validation set.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from hilum.training.raster import CURVE_GREYS, apply_curve

Film = NDArray[np.float32]

# Cycles per film side below which the spectrum is anatomy (heart, lungs, ribs) and is kept;
# the change fades in over the next octave.
_ANATOMY_CYCLES = 10.0
# A gain of more than this amplifies the noise of a soft film rather than its detail, and what
# it does to a film can be seen: a sign of the class that was soft.
_LARGEST_LOG_GAIN = np.float32(np.log(2.0))
_GREYS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """Style of one film.

    log_amplitude
        float32, shape (R,): mean of the log amplitude spectrum on each ring of whole radial
        frequency, in cycles per film side.
    greys
        float32, shape (64,): quantiles of the film's grey values, evenly spaced.
    """

    log_amplitude: NDArray[np.float32]
    greys: NDArray[np.float32]


@lru_cache
def _radius(shape: tuple[int, int]) -> NDArray[np.float64]:
    rows = np.fft.fftfreq(shape[0])[:, None] * shape[0]
    columns = np.fft.rfftfreq(shape[1])[None, :] * shape[1]
    radius: NDArray[np.float64] = np.hypot(rows, columns)
    return radius


@lru_cache
def _rings(shape: tuple[int, int]) -> tuple[NDArray[np.intp], ...]:
    """Ring of each frequency, and how many frequencies lie on each ring."""
    rings = np.rint(_radius(shape)).astype(np.intp)
    return rings, np.bincount(rings.ravel())


@lru_cache
def _fade(shape: tuple[int, int]) -> NDArray[np.float32]:
    """How much of the change each frequency takes: none where the anatomy is."""
    octaves = np.log2(np.maximum(_radius(shape), 1e-9) / _ANATOMY_CYCLES)
    return np.clip(octaves, 0.0, 1.0).astype(np.float32)


@lru_cache
def _taper(shape: tuple[int, int]) -> NDArray[np.float32]:
    # Without it the jump from one border to the other fills the spectrum of every film.
    return np.outer(np.hanning(shape[0]), np.hanning(shape[1])).astype(np.float32)


def measure_style(film: Film) -> Style:
    """Measure the style of a film of shape (H, W) in [0, 1]."""
    ring, sizes = _rings(film.shape)
    centred = torch.from_numpy((film - film.mean()) * _taper(film.shape))
    log_amplitude = np.log(torch.fft.rfft2(centred).abs().numpy() + np.float32(1e-6))
    rings = np.bincount(ring.ravel(), log_amplitude.ravel()) / sizes
    quantiles = np.quantile(film, np.linspace(0.0, 1.0, _GREYS))
    return Style(rings.astype(np.float32), quantiles.astype(np.float32))


def match_spectrum(film: Film, own: Style, other: Style) -> Film:
    """Give ``film`` the fine detail of the film that ``other`` was measured on.

    Amplitudes above 10 cycles per side are scaled ring by ring; phases, and with them the
    place of every structure, stay.
    """
    log_gain = np.minimum(other.log_amplitude - own.log_amplitude, _LARGEST_LOG_GAIN)
    radius, last = _radius(film.shape), len(log_gain) - 1
    # Between two rings the gain changes in a straight line, as np.interp has it, ten times faster.
    below = np.minimum(radius.astype(np.intp), last)
    share = (radius - below).astype(np.float32)
    rise = np.diff(log_gain, append=log_gain[-1:])
    gain = np.exp(_fade(film.shape) * (log_gain[below] + share * rise[below]))
    spectrum = torch.fft.rfft2(torch.from_numpy(np.ascontiguousarray(film)))
    matched: Film = torch.fft.irfft2(spectrum * torch.from_numpy(gain), s=film.shape).numpy()
    return np.clip(matched, 0.0, 1.0)


def match_histogram(film: Film, own: Style, other: Style) -> Film:
    """Give ``film`` the grey scale of the film that ``other`` was measured on."""
    # Flat stretches (black borders) repeat a quantile; interpolation needs rising abscissae.
    rising = own.greys + np.arange(_GREYS, dtype=np.float32) * 1e-6
    return apply_curve(film, np.interp(CURVE_GREYS, rising, other.greys))
