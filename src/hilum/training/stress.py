"""Ways to disturb the acquisition of a validation film while its anatomy stays.

A network that reads the disease keeps its AUC under each; one that reads the acquisition does
not. The stresses that start with ``swap`` are adversarial: they lend the films of each class
the acquisition of the other. Everything is seeded by the film's place in the validation set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from hilum.training.raster import compress_jpeg, film_to_picture, picture_to_film
from hilum.training.style import Style, match_histogram, match_spectrum, measure_style

Films = NDArray[np.float32]
Film = NDArray[np.float32]


def _blur(film: Film) -> Film:
    return picture_to_film(film_to_picture(film).filter(ImageFilter.GaussianBlur(1.5)))


def _coarse(film: Film) -> Film:
    height, width = film.shape
    small = film_to_picture(film).resize((width // 3, height // 3), Image.Resampling.BILINEAR)
    return picture_to_film(small.resize((width, height), Image.Resampling.BICUBIC))


def _jpeg(film: Film) -> Film:
    return compress_jpeg(film, 15)


def _equalize(film: Film) -> Film:
    return picture_to_film(ImageOps.equalize(film_to_picture(film)))


def _stretch(film: Film, factor: float) -> Film:
    """Widen (factor > 1) or heighten the anatomy by cropping the other side, centred."""
    height, width = film.shape
    crop_w, crop_h = (width / factor, height) if factor > 1 else (width, height * factor)
    left, top = (width - crop_w) / 2, (height - crop_h) / 2
    box = (left, top, left + crop_w, top + crop_h)
    image = Image.fromarray(film).resize((width, height), Image.Resampling.BILINEAR, box=box)
    stretched: Film = np.clip(np.asarray(image), 0.0, 1.0)
    return stretched


STRESSES: dict[str, Callable[[Film], Film]] = {
    "blur": _blur,
    "coarse": _coarse,
    "jpeg": _jpeg,
    "dark": lambda film: film ** np.float32(1.8),
    "bright": lambda film: film ** np.float32(0.55),
    "equalize": _equalize,
}
# Native normal films are about 1.25 wide to high and pneumonia films about 1.55; all were
# squashed to a square. Stretching each class towards the other undoes what that tells.
_SWAP_STRETCH = {0: 1.0 / 1.2, 1: 1.2}


def _swap_style(
    films: Films, labels: Sequence[int], match: Callable[[Film, Style, Style], Film]
) -> Films:
    styles = [measure_style(film) for film in films]
    rng = np.random.default_rng(0)
    label_values = np.asarray(labels)
    swapped = np.empty_like(films)
    for index, film in enumerate(films):
        partner = rng.choice(np.flatnonzero(label_values != label_values[index]))
        swapped[index] = match(film, styles[index], styles[partner])
    return swapped


def stress_films(films: Films, labels: Sequence[int]) -> dict[str, Films]:
    """Give the films as they are (``"clean"``) and under every stress.

    Parameters
    ----------
    films
        float32, shape (N, H, W), in [0, 1].
    labels
        0 or 1 for each; both must occur.

    Returns
    -------
    Name of the stress to films, float32, shape (N, H, W), in [0, 1].
    """
    stressed = {"clean": films}
    for name, stress in STRESSES.items():
        stressed[name] = np.stack([stress(film) for film in films]).astype(np.float32)
    stressed["swap_sharpness"] = _swap_style(films, labels, match_spectrum)
    stressed["swap_greys"] = _swap_style(films, labels, match_histogram)
    stressed["swap_stretch"] = np.stack(
        [_stretch(film, _SWAP_STRETCH[label]) for film, label in zip(films, labels, strict=True)]
    )
    return stressed
