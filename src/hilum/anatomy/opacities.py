"""Opacities of known place, size and density, put into films of healthy lungs.

What a dense region does to a film is physics: it lets ``exp(-depth)`` of the light through that
the film would have got without it, ribs, vessels and noise included. A film's greys stand for
what was absorbed, so ``1 - pixel`` stands for the light that came through, and a planted opacity
multiplies it. Nothing of the film is painted over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from hilum.anatomy.masks import shrink_region
from hilum.errors import ConfigError

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]
Shape = Literal["round", "patchy", "wedge", "cloud"]
SHAPES: tuple[Shape, ...] = get_args(Shape)

# Of the deepest place, what still belongs to the opacity: to its half for a radiologist's eye too.
_EDGE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class PlantedFilm:
    """A film with an opacity, and where that is.

    pixels
        float32, shape (H, W), in [0, 1].
    region
        bool, shape (H, W): where the opacity has at least half of its greatest depth.
    depth
        float32, shape (H, W): optical depth that was added.
    """

    pixels: Plane
    region: Mask
    depth: Plane


def plant_opacity(
    film: Plane,
    lungs: Mask,
    *,
    shape: Shape,
    diameter: float,
    depth: float,
    rng: np.random.Generator,
) -> PlantedFilm:
    """Put an opacity into a lung.

    Parameters
    ----------
    film
        float32, shape (H, W), in [0, 1], bright is dense.
    lungs
        bool, shape (H, W), from :func:`hilum.anatomy.find_lungs`. The opacity's centre lies in
        them, as far from their border as they allow up to a quarter of its diameter.
    shape
        ``"round"``: Gaussian. ``"patchy"``: a cloud of small spots. ``"wedge"``: a sector that
        opens from the hilum to the chest wall and ends where the lung does, as in a lobe.
        ``"cloud"``: an ellipse of uneven density.
    diameter
        Of the region, as a fraction of the film's width.
    depth
        Greatest optical depth: 0.5 lets 61 % of the light through, 1 37 %, 2 14 %.

    Raises
    ------
    ConfigError
        The lungs are empty, or a number is out of its range.
    """
    if not 0 < diameter < 1 or depth <= 0 or shape not in SHAPES:
        raise ConfigError(
            f"An opacity is {', '.join(SHAPES)}, of a diameter in (0, 1) and a depth above 0; not "
            f"{shape}, {diameter}, {depth}."
        )
    if not lungs.any():
        raise ConfigError("There are no lungs in this film to put an opacity into.")
    width_px = diameter * film.shape[1]
    centre = _choose_centre(lungs, width_px / 4, rng)
    draw = _SHAPES[shape]
    # Beyond the lung there is nothing that could fill with fluid.
    softness_px = max(1.0, 0.08 * width_px)
    lung = Image.fromarray(lungs.astype(np.uint8) * 255)
    soft = np.asarray(lung.filter(ImageFilter.GaussianBlur(softness_px)), dtype=np.float32) / 255.0
    profile = draw(film.shape, centre, width_px, rng) * soft
    profile = profile / max(float(profile.max()), 1e-6)
    added = (np.float32(depth) * profile).astype(np.float32)
    pixels = (1.0 - (1.0 - film) * np.exp(-added)).astype(np.float32)
    return PlantedFilm(pixels=pixels, region=profile >= _EDGE, depth=added)


def _choose_centre(lungs: Mask, margin_px: float, rng: np.random.Generator) -> tuple[float, float]:
    inside = lungs
    for share in (1.0, 0.5):
        steps = max(1, round(margin_px * share))
        smaller = shrink_region(lungs, steps)
        if smaller.any():
            inside = smaller
            break
    rows, columns = np.nonzero(inside)
    chosen = int(rng.integers(0, len(rows)))
    return float(rows[chosen]), float(columns[chosen])


def _measure_distance(shape: tuple[int, ...], centre: tuple[float, float]) -> tuple[Plane, Plane]:
    rows = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(centre[0])
    columns = np.arange(shape[1], dtype=np.float32) - np.float32(centre[1])
    return rows, columns


def _draw_round(
    shape: tuple[int, ...],
    centre: tuple[float, float],
    width_px: float,
    rng: np.random.Generator,
) -> Plane:
    rows, columns = _measure_distance(shape, centre)
    squeeze = np.float32(rng.uniform(0.8, 1.25))
    # Half of its depth at half of its diameter.
    radius = (rows * squeeze) ** 2 + (columns / squeeze) ** 2
    profile: Plane = np.exp(-np.log(2.0) * radius / (width_px / 2) ** 2).astype(np.float32)
    return profile


def _draw_patchy(
    shape: tuple[int, ...],
    centre: tuple[float, float],
    width_px: float,
    rng: np.random.Generator,
) -> Plane:
    cloud = np.zeros(shape, dtype=np.float32)
    for _ in range(14):
        angle, distance = rng.uniform(0, 2 * np.pi), width_px / 2 * np.sqrt(rng.uniform(0, 0.8))
        place = (centre[0] + distance * np.sin(angle), centre[1] + distance * np.cos(angle))
        spot = _draw_round(shape, place, width_px * rng.uniform(0.2, 0.45), rng)
        cloud = np.maximum(cloud, np.float32(rng.uniform(0.6, 1.0)) * spot)
    return cloud


def _draw_wedge(
    shape: tuple[int, ...],
    centre: tuple[float, float],
    width_px: float,
    rng: np.random.Generator,
) -> Plane:
    rows, columns = _measure_distance(shape, centre)
    outward = 1.0 if centre[1] >= shape[1] / 2 else -1.0
    tilt = rng.uniform(-0.5, 0.5)
    along = columns * outward * np.cos(tilt) + rows * np.sin(tilt)
    across = rows * np.cos(tilt) - columns * outward * np.sin(tilt)
    # From a tip half a diameter towards the hilum it opens to three quarters of a diameter.
    reach = along + width_px / 2
    inside = (reach > 0) & (along < width_px / 2) & (np.abs(across) < 0.15 * width_px + 0.3 * reach)
    sharp = Image.fromarray(inside.astype(np.uint8) * 255)
    softened = sharp.filter(ImageFilter.GaussianBlur(max(1.0, 0.08 * width_px)))
    return np.asarray(softened, dtype=np.float32) / 255.0


def _draw_cloud(
    shape: tuple[int, ...],
    centre: tuple[float, float],
    width_px: float,
    rng: np.random.Generator,
) -> Plane:
    rows, columns = _measure_distance(shape, centre)
    turn, stretch = rng.uniform(0, np.pi), rng.uniform(0.7, 1.4)
    along = (rows * np.cos(turn) + columns * np.sin(turn)) * stretch
    across = (columns * np.cos(turn) - rows * np.sin(turn)) / stretch
    envelope = np.exp(-0.7 * (along**2 + across**2) / (width_px / 2) ** 2)
    # Spots of a twelfth to a third of the diameter.
    spots = max(3, round(max(shape) / (width_px * rng.uniform(0.08, 0.3))))
    noise = Image.fromarray(rng.standard_normal((spots, spots), dtype=np.float32))
    uneven = np.asarray(noise.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
    profile: Plane = (envelope * np.clip(1.0 + 0.5 * uneven, 0.0, 2.0)).astype(np.float32)
    return profile


_SHAPES: dict[Shape, Callable[..., Plane]] = {
    "round": _draw_round,
    "patchy": _draw_patchy,
    "wedge": _draw_wedge,
    "cloud": _draw_cloud,
}
