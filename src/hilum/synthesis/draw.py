"""Drawing a film from a model: a chest in the common frame, bent to a shape of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from hilum.synthesis.chest import BANDS, SIDE, ChestModel
from hilum.synthesis.fields import (
    Planes,
    blur,
    enlarge_field,
    invert_field,
    resize,
    sample,
    take_band,
)

# Beyond two standard deviations a linear model draws what no chest looks like.
_FARTHEST = 2.0
_GREY_SHARE = 0.8
_SHAPE_SHARE = 0.9
# Fields that change faster than this (cells of the registration) fold ribs onto each other.
_SHAPE_SOFTNESS = 4.0
_TEXTURE_SHARE = 0.8
# Averaging costs the mean its detail; this gives back some, for each band.
_SHARPENING = (0.54, 0.54, 0.36, 0.15)
# Cells around the frame, for shapes that reach beyond it.
_MARGIN = 40
_FINE = 4
_GRAIN = 0.006
# Where the vessels leave, in the common frame, as fractions: side, across, down.
_HILA = ((-1, 0.365, 0.47), (1, 0.60, 0.44))
_VESSEL_STRENGTH = 0.09


@dataclass(frozen=True, slots=True, eq=False)
class DrawnFilm:
    """A film that shows nobody.

    pixels
        float32, shape (H, W), in [0, 1], bright is dense.
    frame
        float32, shape (SIDE, SIDE): what tells it from the model's mean, in the common frame; for
        the check of neighbours.
    """

    pixels: Planes
    frame: Planes


def draw_film(
    model: ChestModel, rng: np.random.Generator, *, height_px: int = 410, width_px: int = 512
) -> DrawnFilm:
    """Draw one film.

    Parameters
    ----------
    height_px, width_px
        The films of the model were squashed to squares; the usual child's film is a quarter
        wider than high.
    """
    greys = _draw_weights(model.spread, rng) * np.float32(_GREY_SHARE)
    own = np.tensordot(greys, model.modes, 1)
    average = model.mean
    for band, share in zip(BANDS, _SHARPENING, strict=True):
        average = average + np.float32(share) * take_band(model.mean, *band)
    vessels = _draw_vessels(model.mean, rng)
    flat = _extend(average + own) + np.pad(vessels, _MARGIN)
    texture = _draw_texture(model.texture, rng)
    flat += texture
    shape = _draw_weights(model.shape_spread, rng) * np.float32(_SHAPE_SHARE)
    field = model.shape_mean + blur(np.tensordot(shape, model.shape_modes, 1), _SHAPE_SOFTNESS)
    film = _bend_back(flat, enlarge_field(field, SIDE), height_px, width_px)
    # Fewer quanta arrive behind dense parts: they are the noisier ones.
    grain = rng.standard_normal(film.shape, dtype=np.float32)
    film += np.float32(_GRAIN) * (np.float32(0.4) + film) * grain
    inner = np.s_[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    return DrawnFilm(
        pixels=np.clip(film, 0.0, 1.0).astype(np.float32),
        frame=(own + vessels + texture[inner]).astype(np.float32),
    )


def _draw_weights(spread: Planes, rng: np.random.Generator) -> Planes:
    drawn = rng.standard_normal(len(spread), dtype=np.float32)
    weights: Planes = np.clip(drawn, -_FARTHEST, _FARTHEST) * spread
    return weights


def _draw_texture(texture: Planes, rng: np.random.Generator) -> Planes:
    """Draw noise that has, at each place and in each band, the strength of the films' detail."""
    side = SIDE + 2 * _MARGIN
    drawn = np.zeros((side, side), dtype=np.float32)
    for band, strength in zip(BANDS, texture, strict=True):
        noise = take_band(rng.standard_normal((side, side), dtype=np.float32), *band)
        drawn += (
            np.float32(_TEXTURE_SHARE)
            * np.pad(strength, _MARGIN, mode="edge")
            * (noise / noise.std())
        )
    return drawn


def _draw_vessels(mean: Planes, rng: np.random.Generator) -> Planes:
    """Draw vascular trees that leave the hila and show where the average lung is dark.

    Vessels lie elsewhere in every child, so the mean has none.
    """
    side = 3 * SIDE
    canvas = Image.new("L", (side, side))
    pen = ImageDraw.Draw(canvas)

    def grow(x: float, y: float, angle: float, width: float, forks: int) -> None:
        for _ in range(4):
            length = rng.uniform(0.012, 0.02)
            end_x, end_y = x + length * np.cos(angle), y + length * np.sin(angle)
            pen.line(
                [x * side, y * side, end_x * side, end_y * side],
                fill=int(40 + 215 * min(width / 0.014, 1.0)),
                width=max(1, round(width * side)),
            )
            x, y, angle, width = end_x, end_y, angle + rng.normal(0, 0.14), width * 0.94
        if forks:
            spread, turn = rng.uniform(0.25, 0.55), rng.choice([-1.0, 1.0])
            grow(x, y, angle - turn * spread * 0.6, width * 0.85, forks - 1)
            grow(x, y, angle + turn * spread, width * 0.72, forks - 1)

    for to, x, y in _HILA:
        for angle in np.linspace(-1.2, 1.45, 8):
            start = angle if to > 0 else np.pi - angle
            grow(x, y, start + rng.normal(0, 0.1), rng.uniform(0.007, 0.013), 4)
    softened = canvas.filter(ImageFilter.GaussianBlur(1.6))
    drawn = resize(np.asarray(softened, dtype=np.float32) / np.float32(255.0), SIDE, SIDE)
    return np.float32(_VESSEL_STRENGTH) * _find_dark(mean) * (drawn - 0.9 * blur(drawn, 8.0))


def _find_dark(mean: Planes) -> Planes:
    """Give 1 where the mean film's lungs are and 0 elsewhere, softly."""
    dark = mean < 0.47
    inside = np.zeros_like(dark)
    inside[round(0.16 * SIDE) : round(0.74 * SIDE), round(0.1 * SIDE) : round(0.9 * SIDE)] = True
    return blur((dark & inside).astype(np.float32), 2.0)


def _extend(plane: Planes) -> Planes:
    """Let a plane go on beyond its border, the softer the farther."""
    wide: Planes = np.pad(plane, _MARGIN, mode="edge")
    place = np.arange(SIDE + 2 * _MARGIN)
    out = np.maximum(np.maximum(_MARGIN - place, place - (SIDE + _MARGIN - 1)), 0)
    beyond = np.maximum(out[:, None], out).astype(np.float32)
    soft = wide
    for sigma, begin, full in ((2.0, 0.0, 6.0), (6.0, 3.6, 15.6), (12.0, 7.2, 31.2)):
        share = np.clip((beyond - begin) / (full - begin), 0.0, 1.0)
        soft = soft * (1 - share) + blur(wide, sigma) * share
    return soft


def _bend_back(flat: Planes, field: Planes, height_px: int, width_px: int) -> Planes:
    """Bend a film out of the common frame, straight at the size it is to have."""
    back = invert_field(field)
    rows, columns = np.meshgrid(
        np.linspace(-0.5, SIDE - 0.5, height_px + 1, dtype=np.float32)[:-1] + SIDE / height_px / 2,
        np.linspace(-0.5, SIDE - 0.5, width_px + 1, dtype=np.float32)[:-1] + SIDE / width_px / 2,
        indexing="ij",
    )
    down, across = (sample(one[None], rows[None], columns[None])[0] for one in back)
    side = _FINE * flat.shape[0]
    fine = resize(flat, side, side)
    at = [
        (place + shift + _MARGIN + 0.5) * _FINE - 0.5
        for place, shift in ((rows, down), (columns, across))
    ]
    film: Planes = sample(fine[None], at[0][None], at[1][None])[0]
    return film
