"""Random changes to a training film: pose, and above all everything that acquisition leaves.

Each film is changed by a generator of its own, seeded from the run, the epoch and the film:
the outcome does not depend on the number of workers or on their order. A stage of which a
recipe turns nothing on leaves the film as it is, to the last bit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from hilum.training.raster import (
    CURVE_GREYS,
    apply_curve,
    compress_jpeg,
    film_to_picture,
    picture_to_film,
)
from hilum.training.recipe import AugmentationSection
from hilum.training.style import Style, match_histogram, match_spectrum

Film = NDArray[np.float32]
Resampling = Image.Resampling


_TONE = (
    *("gamma", "contrast", "curve", "equalize", "shading"),
    *("jitter_brightness", "jitter_contrast"),
)
_DETAIL = ("blur_sigma_px", "downsample", "sharpen", "noise_std", "jpeg")
_WARP = ("rotation_deg", "shear_deg", "translation", "zoom", "aspect")


def _is_on(section: AugmentationSection, keys: tuple[str, ...]) -> bool:
    fields = AugmentationSection.model_fields
    return any(getattr(section, key) != fields[key].default for key in keys)


def _log_uniform(rng: np.random.Generator, factor: float) -> float:
    return math.exp(rng.uniform(-math.log(factor), math.log(factor)))


def augment_pose(
    film: Film, section: AugmentationSection, rng: np.random.Generator, squash: float = 1.0
) -> Film:
    """Flip, rotate, shear, shift, zoom and stretch, in one bilinear resampling.

    ``squash`` is the factor by which the anatomy is to become narrower against its height. It
    is reached by cropping alone: a border that only one class gets would give it away.
    """
    height, width = film.shape
    flip = -1.0 if rng.random() < section.flip else 1.0
    if squash == 1.0 and not _is_on(section, _WARP):
        return film if flip > 0 else film[:, ::-1]
    angle = math.radians(rng.uniform(-section.rotation_deg, section.rotation_deg))
    shear = math.tan(math.radians(rng.uniform(-section.shear_deg, section.shear_deg)))
    zoom, aspect = _log_uniform(rng, section.zoom), _log_uniform(rng, section.aspect)
    shift = rng.uniform(-section.translation, section.translation, 2) * (height, width)
    # Output to input, about the centre: rotate, then shear, then stretch.
    rotate = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    wide, high = zoom * math.sqrt(aspect), zoom / math.sqrt(aspect)
    stretch = np.diag([flip * wide * min(squash, 1.0), high / max(squash, 1.0)])
    matrix = stretch @ np.array([[1.0, shear], [0.0, 1.0]]) @ rotate
    centre = np.array([width / 2, height / 2])
    offset = centre - matrix @ (centre + shift[::-1])
    coefficients = (*matrix[0], offset[0], *matrix[1], offset[1])
    moved = Image.fromarray(film).transform(
        (width, height), Image.Transform.AFFINE, coefficients, Resampling.BILINEAR
    )
    return np.array(moved)


def augment_tone(film: Film, section: AugmentationSection, rng: np.random.Generator) -> Film:
    """Change the grey scale: gamma, a curve, contrast, slow shading, colour jitter."""
    if not _is_on(section, _TONE):
        return film
    film = np.clip(film, 0.0, 1.0)
    gamma = _log_uniform(rng, section.gamma)
    if section.curve > 0:
        steps = np.exp(rng.normal(0.0, section.curve, 8))
        knots = np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])
        film = apply_curve(film, np.interp(CURVE_GREYS**gamma, np.linspace(0.0, 1.0, 9), knots))
    else:
        film = film ** np.float32(gamma)
    if rng.random() < section.equalize:
        film = picture_to_film(ImageOps.equalize(film_to_picture(film)))
    contrast = np.float32(_log_uniform(rng, section.contrast))
    pivot = np.float32(rng.uniform(0.3, 0.7))
    film = (film - pivot) * contrast + pivot
    if section.shading > 0:
        coarse = rng.uniform(-section.shading, section.shading, (3, 3)).astype(np.float32)
        slow = Image.fromarray(coarse).resize(film.shape[::-1], Resampling.BICUBIC)
        film = film + np.asarray(slow)
    film = np.clip(film, 0.0, 1.0).astype(np.float32)
    if section.jitter_brightness > 0:
        film = np.clip(film * _jitter(rng, section.jitter_brightness), 0.0, 1.0)
    if section.jitter_contrast > 0:
        mean = film.mean(dtype=np.float64).astype(np.float32)
        film = np.clip((film - mean) * _jitter(rng, section.jitter_contrast) + mean, 0.0, 1.0)
    return film


def _jitter(rng: np.random.Generator, strength: float) -> np.float32:
    return np.float32(rng.uniform(max(0.0, 1.0 - strength), 1.0 + strength))


def augment_detail(film: Film, section: AugmentationSection, rng: np.random.Generator) -> Film:
    """Change sharpness and texture: resampling, blur or sharpening, noise, JPEG."""
    if not _is_on(section, _DETAIL):
        return film
    height, width = film.shape
    image = film_to_picture(film)
    if section.downsample > 1 and rng.random() < 0.5:
        factor = rng.uniform(1.0, section.downsample)
        small = (max(8, round(width / factor)), max(8, round(height / factor)))
        filters = (Resampling.BILINEAR, Resampling.BICUBIC, Resampling.LANCZOS, Resampling.NEAREST)
        down, up = rng.integers(0, 4), rng.integers(0, 3)
        image = image.resize(small, filters[down]).resize((width, height), filters[up])
    choice = rng.random()
    if section.blur_sigma_px > 0 and choice < 0.4:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.0, section.blur_sigma_px)))
    elif section.sharpen > 0 and choice < 0.7:
        percent = round(100 * rng.uniform(0.0, section.sharpen))
        image = image.filter(ImageFilter.UnsharpMask(rng.uniform(0.5, 2.5), percent, 0))
    film = picture_to_film(image)
    if section.noise_std > 0 and rng.random() < 0.5:
        std = rng.uniform(0.0, section.noise_std)
        grain = rng.standard_normal((height, width), dtype=np.float32)
        if rng.random() < 0.5:  # Grain of an up-sampled film is coarser than a pixel.
            coarse = Image.fromarray(grain[: height // 2, : width // 2])
            grain = np.asarray(coarse.resize((width, height), Resampling.BICUBIC))
        film = np.clip(film + np.float32(std) * grain, 0.0, 1.0)
    if rng.random() < section.jpeg:
        film = compress_jpeg(film, int(rng.integers(12, 96)))
    return film


def augment_marks(film: Film, section: AugmentationSection, rng: np.random.Generator) -> Film:
    """Cover borders and small boxes, so that markers, text and collimation say nothing."""
    if section.erase == 0 or rng.random() >= section.erase:
        return film
    film = film.copy()
    height, width = film.shape
    for _ in range(int(rng.integers(1, 4))):
        box_h = int(rng.uniform(0.03, 0.2) * height)
        box_w = int(rng.uniform(0.03, 0.2) * width)
        top, left = int(rng.integers(0, height - box_h)), int(rng.integers(0, width - box_w))
        film[top : top + box_h, left : left + box_w] = rng.random()
    if rng.random() < 0.5:
        depth = int(rng.uniform(0.02, 0.12) * height)
        np.rot90(film, int(rng.integers(0, 4)))[:depth] = rng.choice([0.0, rng.random()])
    return film


def augment_film(
    film: Film,
    section: AugmentationSection,
    rng: np.random.Generator,
    *,
    own_style: Style | None = None,
    other_style: Style | None = None,
    squash: float = 1.0,
) -> Film:
    """Apply every change that ``section`` turns on, in the order of the imaging chain.

    Parameters
    ----------
    film
        float32, shape (H, W), in [0, 1].
    own_style, other_style
        Style of this film and of the one whose style it may take; both or neither.
    squash
        See :func:`augment_pose`.

    Returns
    -------
    A film of the same shape, in [0, 1]; the given one where nothing is changed.
    """
    spectrum = rng.random() < section.style_spectrum
    histogram = rng.random() < section.style_histogram
    if own_style is not None and other_style is not None:
        if histogram:
            film = match_histogram(film, own_style, other_style)
        if spectrum:
            film = match_spectrum(film, own_style, other_style)
    film = augment_pose(film, section, rng, squash)
    film = augment_tone(film, section, rng)
    film = augment_marks(film, section, rng)
    return augment_detail(film, section, rng)
