"""A chest radiograph that nobody was exposed for: drawn, deterministic, free to show.

The phantom is built as a film is: path lengths of soft tissue, bone and air add up along each
ray, the logarithm of what arrives is the density of the film, and scatter, blur and quantum
noise come on top. It serves samples, tests and pictures; it is no training data and no model is
expected to be right on it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Map = NDArray[np.floating[Any]]

_DRAWN_WIDTH_PX = 768


class Opacity(NamedTuple):
    """A cloudy opacity, as of a pneumonia.

    x, y
        Centre, as fractions of the film's width and height. The patient's right lung is on the
        left of the film.
    radius
        As a fraction of the film's width.
    strength
        0 is invisible, 1 as dense as the heart.
    """

    x: float
    y: float
    radius: float
    strength: float


def draw_phantom(
    seed: int = 0,
    *,
    height_px: int = 1240,
    width_px: int = 1024,
    opacity: Opacity | tuple[float, float, float, float] | None = None,
) -> NDArray[np.float32]:
    """Draw a frontal chest radiograph.

    Parameters
    ----------
    seed
        Decides on the patient (size of heart and lungs, ribs, vessels) and on the noise. The
        same seed at the same size gives the same film, with or without an opacity.
    opacity
        Where to put an :class:`Opacity`, or its four numbers.

    Returns
    -------
    float32, shape (height_px, width_px), in [0, 1]; bright is dense.
    """
    if height_px < 32 or width_px < 32:
        raise ValueError("A phantom is at least 32x32 px.")
    rng = np.random.default_rng(seed)
    body = _Patient(rng)
    # Anatomy has no finer detail than this; only the noise is drawn at full size.
    shrink = max(1.0, width_px / _DRAWN_WIDTH_PX)
    rows, columns = max(32, round(height_px / shrink)), max(32, round(width_px / shrink))
    # x runs from -1 (the patient's right) to 1, y from 0 (neck) to 1 (upper abdomen).
    x, y = np.meshgrid(
        np.linspace(-1, 1, columns, dtype=np.float32),
        np.linspace(0, 1, rows, dtype=np.float32),
    )
    lungs = _draw_lungs(x, y, body)
    tissue = _draw_body(x, y) - 0.6 * lungs + _draw_mediastinum(x, y, body)
    bone = _draw_spine(x, y) + _draw_ribs(x, y, body) + _draw_girdle(x, y)
    vessels = _draw_vessels(rng, rows, columns) * _lift(lungs)
    cloud = _draw_cloud(rng, x, y, opacity) if opacity is not None else np.float32(0.0)
    density = tissue + bone + 0.3 * vessels + cloud * (0.2 + 0.8 * _lift(lungs))
    image = Image.fromarray(np.maximum(density, 0.0)).resize(
        (width_px, height_px), Image.Resampling.BICUBIC
    )
    return _expose(np.asarray(image, dtype=np.float32), seed)


class _Patient:
    """The numbers that tell one phantom from another."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.lung_width = rng.uniform(0.95, 1.05)
        self.heart_width = rng.uniform(0.92, 1.12)
        self.dome = rng.uniform(-0.015, 0.015)
        self.rib_phase = rng.uniform(-0.012, 0.012)
        self.rib_slope = rng.uniform(0.9, 1.1)


def _soft(signed: Map, softness: float) -> Map:
    """Turn a signed distance (inside positive) into 0..1 with a soft border."""
    return np.asarray(1.0 / (1.0 + np.exp(np.clip(-signed / softness, -30, 30))), dtype=np.float32)


def _bump(x: Map, center: float, width: float) -> Map:
    return np.asarray(np.exp(-0.5 * ((x - center) / width) ** 2), dtype=np.float32)


def _dome(inside: Map) -> Map:
    """Path length through a rounded body: the root of what is left to its border."""
    return np.asarray(np.sqrt(np.maximum(inside, 0.0)), dtype=np.float32)


def _lift(lungs: Map) -> Map:
    return np.asarray(np.minimum(lungs * 1.8, 1.0), dtype=np.float32)


def _draw_body(x: Map, y: Map) -> Map:
    """Draw the trunk, the neck and the shoulders as one outline."""
    neck = 0.24 + 0.62 * _soft(y - 0.085, 0.026)
    trunk = neck + 0.05 * _bump(y, 0.2, 0.1) - 0.05 * _bump(y, 0.75, 0.2)
    arm = 0.16 * _soft(y - 0.14, 0.03)
    inside = 1.0 - (np.abs(x) / (trunk + 0.25 * arm)) ** 2
    muscle = 0.16 * _bump(y, 0.13, 0.09) * _bump(np.abs(x), 0.62, 0.22)
    return np.asarray(
        (0.62 * _dome(inside) ** 0.7 + muscle) * _soft(inside, 0.006)
        + 0.16 * _soft(y - 0.84, 0.05) * _soft(inside, 0.02),
        dtype=np.float32,
    )


def _find_wall(y: Map | np.float32, body: _Patient) -> Map:
    """Give the chest wall's distance from the midline at height ``y``."""
    fall = np.clip((0.72 - y) / 0.62, 0, 1) ** 2.6
    return np.asarray(0.79 * np.sqrt(1.0 - fall) * body.lung_width, dtype=np.float32)


def _draw_lungs(x: Map, y: Map, body: _Patient) -> Map:
    """Draw both lungs as the air they hold: 0 outside, about 0.7 where they are thickest."""
    air = np.zeros_like(x)
    wall = _find_wall(y, body)
    middle = 0.12 + 0.1 * _bump(y, 0.1, 0.06) + 0.03 * y
    for side in (-1.0, 1.0):
        base = (0.765 if side < 0 else 0.795) + body.dome
        share = (side * x - middle) / np.maximum(wall - middle, 0.02)
        # The diaphragm is a dome that falls steeply to the costophrenic angle.
        lean = share - 0.42
        floor = base + np.where(lean > 0, 0.38, 0.12) * np.abs(lean) ** 2.2
        across = 1.0 - np.abs(2 * share - 1) ** 2.6
        inside = np.minimum(across, np.minimum(y - 0.115, floor - y) * 6.0)
        air += _dome(np.clip(inside, 0, 1)) * _soft(inside, 0.02) * 0.78
    return air


def _draw_mediastinum(x: Map, y: Map, body: _Patient) -> Map:
    """Draw heart, great vessels and hila, less the air of trachea and stomach."""
    u, v = x - 0.13, y - 0.635
    turn = np.float32(0.55)
    along, across = u * np.cos(turn) + v * np.sin(turn), v * np.cos(turn) - u * np.sin(turn)
    heart = _dome(1 - (along / (0.36 * body.heart_width)) ** 2 - (across / 0.17) ** 2)
    knob = _dome(1 - ((x - 0.115) / 0.085) ** 2 - ((y - 0.315) / 0.05) ** 2)
    aorta = _bump(x, 0.1, 0.05) * _soft(y - 0.32, 0.03) * _soft(0.8 - y, 0.05)
    cava = _bump(x, -0.1, 0.055) * _soft(y - 0.2, 0.05) * _soft(0.55 - y, 0.06)
    middle = _bump(x, 0.0, 0.1) * _soft(y - 0.05, 0.05)
    hila = sum(
        (_bump(x, px, 0.055) * _bump(y, py, 0.045) for px, py in ((-0.2, 0.455), (0.2, 0.43))),
        np.zeros_like(x),
    )
    trachea = _bump(x, 0.0, 0.032) * _soft(0.4 - y, 0.02)
    bronchi = sum(
        (
            _soft(0.021 - np.abs(y - 0.4 - slope * np.abs(x)), 0.006)
            * _soft(reach - side * x, 0.02)
            * _soft(side * x, 0.01)
            for side, slope, reach in ((-1, 0.42, 0.14), (1, 0.3, 0.17))
        ),
        np.zeros_like(x),
    )
    stomach = _dome(1 - ((x - 0.42) / 0.15) ** 2 - ((y - 0.895) / 0.04) ** 2)
    return np.asarray(
        0.46 * heart + 0.22 * knob + 0.12 * aorta + 0.13 * cava + 0.2 * middle
        + 0.13 * hila - 0.14 * trachea - 0.06 * bronchi - 0.22 * stomach,
        dtype=np.float32,
    )  # fmt: skip


def _draw_spine(x: Map, y: Map) -> Map:
    """Draw the vertebrae: bodies, paler discs between them, and the two rows of pedicles."""
    spacing = 0.051 + 0.012 * y
    phase = (y / spacing) % 1.0
    body = _soft(0.088 - np.abs(x), 0.008)
    disc = _bump(phase, 0.0, 0.09) + _bump(phase, 1.0, 0.09)
    pedicles = _bump(np.abs(x), 0.058, 0.014) * _bump(phase, 0.42, 0.13)
    process = _bump(x, 0.0, 0.016) * _bump(phase, 0.62, 0.16)
    return np.asarray(
        body * (0.115 - 0.055 * disc) + 0.06 * pedicles + 0.05 * process, dtype=np.float32
    )


def _draw_tube(offset: Map, half: float, gate: Map) -> Map:
    """Draw a bone along a line: dense shell, paler marrow.

    offset
        Distance from the bone's axis, in units of ``half`` once divided by it.
    """
    t = np.abs(offset) / half
    shell = _bump(t, 0.86, 0.16)
    return np.asarray((0.62 * _soft(1.0 - t, 0.09) + 0.5 * shell) * gate, dtype=np.float32)


def _draw_ribs(x: Map, y: Map, body: _Patient) -> Map:
    """Draw ten pairs: the posterior arch down from the spine, the anterior one back up."""
    bone = np.zeros_like(x)
    distance = np.abs(x)
    for rib in range(10):
        level = 0.135 + 0.064 * rib + body.rib_phase
        turn = level - 0.03 + (0.095 + 0.014 * rib) * body.rib_slope
        reach = 0.015 + float(_find_wall(np.float32(turn), body))
        # Posterior: leaves the spine slightly upwards, then falls to the chest wall.
        share = np.clip(distance / reach, 0, 1)
        axis = level - 0.03 * share + (0.075 + 0.014 * rib) * body.rib_slope * share**2.1
        slope = (0.15 + 0.03 * rib) * share
        gate = _soft(distance - 0.075, 0.015) * _soft(reach - distance, 0.012)
        thin = np.sqrt(1.0 + (slope * 0.6) ** 2)
        bone += 0.13 * _draw_tube((y - axis) / thin, 0.0125, gate)
        # The chest wall: the rib runs along the ray and is dense.
        bone += 0.05 * _bump(distance, reach - 0.012, 0.018) * _bump(y, turn, 0.028)
        if rib > 7:
            continue
        # Anterior: from the wall down towards the sternum, ending in cartilage that is not seen.
        back = np.clip((reach - distance) / reach, 0, 1)
        axis = turn + 0.012 + (0.135 + 0.012 * rib) * back**1.15
        gate = _soft(distance - (0.24 + 0.02 * rib), 0.03) * _soft(reach - distance, 0.012)
        bone += 0.055 * _draw_tube(y - axis, 0.0145, gate)
    return bone


def _draw_girdle(x: Map, y: Map) -> Map:
    """Draw clavicles, scapulae and the heads of the humeri."""
    distance = np.abs(x)
    share = np.clip((distance - 0.09) / 0.6, 0, 1)
    axis = 0.2 - 0.1 * share + 0.018 * np.sin(share * 2 * np.pi)
    gate = _soft(distance - 0.1, 0.01) * _soft(0.69 - distance, 0.012)
    clavicle = 0.14 * _draw_tube(y - axis, 0.0155, gate)
    # The blade's medial border falls outside the lung fields on a well-placed film.
    border = 0.6 + 0.12 * np.clip((y - 0.15) / 0.3, 0, 1) ** 2
    blade = _soft(distance - border, 0.008) * _soft(0.44 - y - 0.22 * (distance - 0.6), 0.012)
    blade *= _soft(y - 0.13, 0.015) * _soft(0.84 - distance, 0.02)
    edge = _bump(distance, 0.0, 0.014) + np.exp(-0.5 * ((distance - border) / 0.011) ** 2)
    head = _dome(1 - ((distance - 0.87) / 0.09) ** 2 - ((y - 0.165) / 0.062) ** 2)
    shaft = _soft(0.05 - np.abs(distance - 0.93), 0.01) * _soft(y - 0.19, 0.02)
    return np.asarray(
        clavicle + blade * (0.05 + 0.05 * edge) + 0.14 * head + 0.1 * shaft, dtype=np.float32
    )


def _draw_vessels(rng: np.random.Generator, height_px: int, width_px: int) -> Map:
    """Draw the pulmonary vessels: trees that leave the hila, thinner with every fork."""
    canvas = Image.new("L", (width_px, height_px))
    pen = ImageDraw.Draw(canvas)
    unit = width_px / 2

    def grow(px: float, py: float, angle: float, width: float, depth: int) -> None:
        for _ in range(3):
            length = rng.uniform(0.028, 0.05)
            qx, qy = px + length * np.cos(angle), py + length * np.sin(angle) * 0.8
            ends = [((a + 1) * unit, b * height_px) for a, b in ((px, py), (qx, qy))]
            pen.line(
                [coordinate for end in ends for coordinate in end],
                fill=int(60 + 150 * min(width / 0.018, 1)),
                width=max(1, round(0.8 * width * unit)),
            )
            px, py, angle, width = qx, qy, angle + rng.normal(0, 0.17), width * 0.92
        if depth:
            spread = rng.uniform(0.28, 0.6)
            grow(px, py, angle - spread, width * 0.78, depth - 1)
            grow(px, py, angle + rng.uniform(0.1, 0.45), width * 0.84, depth - 1)

    for side, hilum_y in ((-1.0, 0.455), (1.0, 0.43)):
        for angle in np.linspace(-1.25, 1.35, 7):
            turned = angle if side > 0 else np.pi - angle
            grow(side * 0.17, hilum_y, turned + rng.normal(0, 0.08), rng.uniform(0.014, 0.02), 3)
    blurred = canvas.filter(ImageFilter.GaussianBlur(width_px / 420))
    return np.asarray(blurred, dtype=np.float32) / np.float32(255.0)


def _draw_noise(rng: np.random.Generator, height_px: int, width_px: int, cells: int) -> Map:
    """Draw smooth noise of about ``cells`` grains across, standard deviation near 1."""
    rows = max(2, round(cells * height_px / width_px))
    grid = rng.normal(0, 1, (rows, cells)).astype(np.float32)
    smooth = Image.fromarray(grid).resize((width_px, height_px), Image.Resampling.BICUBIC)
    return np.asarray(smooth, dtype=np.float32) * np.float32(1.4)


def _draw_cloud(
    rng: np.random.Generator, x: Map, y: Map, opacity: tuple[float, float, float, float]
) -> Map:
    place = Opacity(*opacity)
    height_px, width_px = x.shape
    across = (x - (2 * place.x - 1)) / (2 * place.radius)
    down = (y - place.y) / place.radius * (height_px / width_px)
    ragged = sum(
        (
            weight * _draw_noise(rng, height_px, width_px, cells)
            for cells, weight in ((9, 0.16), (22, 0.12), (60, 0.07))
        ),
        np.zeros_like(x),
    )
    distance = np.sqrt(across**2 + down**2)
    return np.asarray(
        0.46 * place.strength * _soft(1.0 - distance + ragged, 0.16) * (1 + 0.35 * ragged),
        dtype=np.float32,
    )


def _expose(density: Map, seed: int) -> NDArray[np.float32]:
    """Turn density into a film: unsharpness, scatter, characteristic curve, noise, marker."""
    height_px, width_px = density.shape
    sharp = _blur(density, width_px / 900)
    veil = _blur(density, width_px / 18)
    film = 0.86 * sharp + 0.14 * veil
    # The curve of a screen-film system: a toe, a straight part and a shoulder.
    film = 1.0 / (1.0 + np.exp(-5.2 * (film - 0.52)))
    film = (film - film.min()) / max(float(film.max() - film.min()), 1e-6)
    noise = np.random.default_rng((seed, 1))
    grain = noise.normal(0, 1, (height_px, width_px)).astype(np.float32)
    # Fewer quanta arrive behind dense parts: they are the noisier ones.
    film = film * 0.93 + 0.02 + (0.006 + 0.012 * film) * _blur(grain, 0.6) * 1.6
    _stamp_marker(film)
    return np.ascontiguousarray(np.clip(film, 0.0, 1.0), dtype=np.float32)


def _blur(values: Map, radius_px: float) -> Map:
    """Blur with a Gaussian, at reduced size where the radius allows."""
    height_px, width_px = values.shape
    step = max(1, int(radius_px / 4))
    small = (max(2, width_px // step), max(2, height_px // step))
    image = Image.fromarray(np.asarray(values, dtype=np.float32))
    if step > 1:
        image = image.resize(small, Image.Resampling.BOX)
    taps = np.arange(-int(3 * radius_px / step) - 1, int(3 * radius_px / step) + 2)
    kernel = np.exp(-0.5 * (taps * step / max(radius_px, 0.3)) ** 2).astype(np.float32)
    kernel /= kernel.sum()
    reach = len(taps) // 2
    blurred = np.asarray(image, dtype=np.float32)
    for axis in (0, 1):
        margin = [(reach, reach) if a == axis else (0, 0) for a in (0, 1)]
        padded = np.pad(blurred, margin, mode="edge")
        size = blurred.shape[axis]
        blurred = sum(
            (
                weight * np.take(padded, np.arange(i, i + size), axis=axis)
                for i, weight in enumerate(kernel)
            ),
            np.zeros_like(blurred),
        )
    if step > 1:
        full = Image.fromarray(blurred).resize((width_px, height_px), Image.Resampling.BICUBIC)
        blurred = np.asarray(full, dtype=np.float32)
    return blurred


def _stamp_marker(film: Map) -> None:
    """Lay the lead letter L beside the patient's left shoulder."""
    height_px, width_px = film.shape
    left, top = round(0.9 * width_px), round(0.045 * height_px)
    stroke, tall, wide = (max(1, round(f * width_px)) for f in (0.009, 0.045, 0.03))
    film[top : top + tall, left : left + stroke] = 0.97
    film[top + tall - stroke : top + tall, left : left + wide] = 0.97
