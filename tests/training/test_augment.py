from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hilum.training.augment import augment_film, augment_tone
from hilum.training.recipe import AugmentationSection
from hilum.training.stress import stress_films
from hilum.training.style import match_histogram, match_spectrum, measure_style

Film = NDArray[np.float32]

EVERYTHING = {
    "flip": 1.0,
    "rotation_deg": 10.0,
    "shear_deg": 5.0,
    "translation": 0.1,
    "zoom": 1.3,
    "aspect": 1.4,
    "style_spectrum": 1.0,
    "style_histogram": 1.0,
    "blur_sigma_px": 3.0,
    "downsample": 3.0,
    "sharpen": 2.0,
    "jpeg": 1.0,
    "gamma": 1.8,
    "contrast": 1.5,
    "curve": 0.5,
    "equalize": 1.0,
    "shading": 0.2,
    "noise_std": 0.1,
    "erase": 1.0,
    "jitter_brightness": 0.4,
    "jitter_contrast": 0.4,
}


@pytest.fixture
def film() -> Film:
    """A smooth film that is not symmetric, with some fine detail."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:96, :96] / 96
    smooth = 0.5 + 0.3 * np.sin(3 * rows + 1) * np.cos(5 * columns)
    noisy: Film = np.clip(smooth + 0.05 * rng.standard_normal((96, 96)), 0, 1).astype(np.float32)
    return noisy


@pytest.fixture
def soft_dark_film(film: Film) -> Film:
    """The same film, soft and dark."""
    soft = film
    for axis in (0, 1):
        soft = np.mean([np.roll(soft, shift, axis) for shift in range(-3, 4)], axis=0)
    return (0.5 * soft).astype(np.float32)


def test_every_change_is_covered_here() -> None:
    # style_aspect acts through the argument ``squash``, which has a test of its own; what is done
    # to the lungs comes before, see test_lung_edits.py.
    elsewhere = {"style_aspect", "lungs_only", "lungs_levelled", "planted"}
    assert EVERYTHING.keys() == AugmentationSection.model_fields.keys() - elsewhere


@pytest.mark.parametrize("key", EVERYTHING)
def test_each_option_changes_the_film_and_keeps_its_range(
    film: Film, soft_dark_film: Film, key: str
) -> None:
    section = AugmentationSection.model_validate({key: EVERYTHING[key]})
    own, other = measure_style(film), measure_style(soft_dark_film)
    changed = [
        augment_film(film, section, np.random.default_rng(seed), own_style=own, other_style=other)
        for seed in range(8)
    ]
    for one in changed:
        assert one.shape == film.shape
        assert one.dtype == np.float32
        assert one.min() >= 0
        assert one.max() <= 1
    # Stages of which nothing is on leave the film alone; a rounding to 8 bits is no change.
    assert max(np.abs(one - film).max() for one in changed) > 0.02


def test_the_generator_alone_decides(film: Film) -> None:
    section = AugmentationSection.model_validate(EVERYTHING)
    first, again, other = (
        augment_film(film, section, np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_flip_mirrors_left_and_right(film: Film) -> None:
    section = AugmentationSection(flip=1.0)
    flipped = augment_film(film, section, np.random.default_rng(0))
    np.testing.assert_array_equal(flipped, film[:, ::-1])


def test_nothing_turned_on_changes_nothing(film: Film) -> None:
    same = augment_film(film, AugmentationSection(), np.random.default_rng(0))
    np.testing.assert_array_equal(same, film)


def test_colour_jitter_is_that_of_torchvision(film: Film) -> None:
    import torch
    from torchvision.transforms.v2 import functional

    for key, adjust in (
        ("jitter_brightness", functional.adjust_brightness),
        ("jitter_contrast", functional.adjust_contrast),
    ):
        section = AugmentationSection.model_validate({key: 0.6})
        ours = augment_tone(film, section, np.random.default_rng(3))
        rng = np.random.default_rng(3)
        for _ in range(3):  # gamma, equalize and contrast draw before
            rng.random()
        rng.random()  # the pivot of contrast
        factor = float(rng.uniform(0.4, 1.6))
        theirs = adjust(torch.from_numpy(film)[None], factor)[0].numpy()
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_squash_narrows_or_widens_the_anatomy_without_a_border(film: Film) -> None:
    for squash, crop in ((1.25, film[10:86, :]), (0.8, film[:, 10:86])):
        changed = augment_film(film, AugmentationSection(), np.random.default_rng(0), squash=squash)
        resized = Image.fromarray(crop).resize((96, 96), Image.Resampling.BILINEAR)
        assert np.abs(changed - np.asarray(resized)).mean() < 0.02
        assert changed[0].min() > 0


def test_spectrum_takes_the_detail_of_the_other_and_keeps_the_anatomy(
    film: Film, soft_dark_film: Film
) -> None:
    own, other = measure_style(film), measure_style(soft_dark_film)
    matched = match_spectrum(film, own, other)

    def detail(one: Film) -> float:
        return float(np.abs(np.diff(one, axis=0)).mean())

    assert detail(matched) < 0.5 * detail(film)
    coarse = film.reshape(8, 12, 8, 12).mean((1, 3))
    np.testing.assert_allclose(matched.reshape(8, 12, 8, 12).mean((1, 3)), coarse, atol=0.03)
    np.testing.assert_allclose(match_spectrum(film, own, own), film, atol=1e-5)


def test_histogram_takes_the_greys_of_the_other(film: Film, soft_dark_film: Film) -> None:
    own, other = measure_style(film), measure_style(soft_dark_film)
    matched = match_histogram(film, own, other)
    quantiles = np.linspace(0.05, 0.95, 10)
    np.testing.assert_allclose(
        np.quantile(matched, quantiles), np.quantile(soft_dark_film, quantiles), atol=0.02
    )


def test_a_blank_film_has_a_style() -> None:
    blank = np.zeros((32, 32), dtype=np.float32)
    style = measure_style(blank)
    assert np.isfinite(style.log_amplitude).all()
    assert np.isfinite(match_histogram(blank, style, style)).all()
    assert np.isfinite(match_spectrum(blank, style, style)).all()


def test_stresses_are_deterministic_and_lend_the_other_class(
    film: Film, soft_dark_film: Film
) -> None:
    films = np.stack([film, film, soft_dark_film])
    labels = [0, 0, 1]
    stressed, again = stress_films(films, labels), stress_films(films, labels)
    np.testing.assert_array_equal(stressed["clean"], films)
    for name, own in stressed.items():
        np.testing.assert_array_equal(own, again[name])
        assert own.shape == films.shape
        assert own.min() >= 0
        assert own.max() <= 1
        if name != "clean":
            assert np.abs(own - films).max() > 0.01, name
    # The normal film took the greys of pneumonia, and the other way round.
    assert stressed["swap_greys"][0].mean() == pytest.approx(soft_dark_film.mean(), abs=0.02)
    assert stressed["swap_greys"][2].mean() == pytest.approx(film.mean(), abs=0.02)
    # Stretching the classes goes opposite ways.
    changes = [np.abs(stressed["swap_stretch"][index] - films[index]) for index in (0, 2)]
    assert changes[0][48, :].max() < changes[0][:, 48].max()
    assert changes[1][:, 48].max() < changes[1][48, :].max()
