"""Lungs that are found, against phantoms whose lungs are known and films whose are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.anatomy import find_lungs
from hilum.anatomy.lungs import GRID, fit_prior, read_prior
from hilum.data import phantom, read_dataset
from hilum.data.phantom import draw_phantom
from hilum.errors import ConfigError
from hilum.io import read_radiograph


def draw_truth(seed: int, height_px: int, width_px: int) -> NDArray[np.bool_]:
    """Where the phantom of a seed holds air: what it draws its film from, less the hilum."""
    patient = phantom._Patient(np.random.default_rng(seed))
    x, y = np.meshgrid(
        np.linspace(-1, 1, width_px, dtype=np.float32),
        np.linspace(0, 1, height_px, dtype=np.float32),
    )
    air = phantom._draw_lungs(x, y, patient)
    behind_heart = phantom._draw_mediastinum(x, y, patient) > 0.3
    return (air > 0.25) & ~behind_heart


def measure_overlap(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return 2 * float((found & truth).sum()) / float(found.sum() + truth.sum())


@pytest.mark.parametrize("seed", range(6))
def test_lungs_of_phantoms(seed: int) -> None:
    """Phantoms have an adult's lungs, larger in the film than the children's of the prior."""
    film = draw_phantom(seed, height_px=448, width_px=448)
    found = find_lungs(film)
    assert found.shape == film.shape
    assert measure_overlap(found, draw_truth(seed, 448, 448)) > 0.68
    left, right = found[:, :224].mean(), found[:, 224:].mean()
    assert 0.15 < right <= left < 0.6  # the heart takes of the patient's left


def test_the_size_and_the_tone_of_a_film_matter_little() -> None:
    film = draw_phantom(1, height_px=600, width_px=500)
    found = find_lungs(film)
    small = find_lungs(draw_phantom(1, height_px=150, width_px=125))
    assert measure_overlap(found[2::4, 2::4], small) > 0.95
    assert measure_overlap(find_lungs(film**1.5), found) > 0.9
    assert measure_overlap(find_lungs(0.3 + 0.5 * film), found) > 0.9


def test_a_lung_that_is_white_keeps_an_ordinary_region() -> None:
    clear = draw_phantom(2, height_px=448, width_px=448)
    truth = find_lungs(clear)
    white = np.where(truth & (np.arange(448) > 224), clear.max(), clear).astype(np.float32)
    found = find_lungs(white)
    assert measure_overlap(found[:, 224:], truth[:, 224:]) > 0.6
    assert measure_overlap(found[:, :224], truth[:, :224]) > 0.9


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_blank_film_has_an_ordinary_region_or_none(level: float) -> None:
    found = find_lungs(np.full((100, 100), level, dtype=np.float32))
    assert found.dtype == bool
    assert found.mean() < 0.4


def test_what_is_no_film_is_refused() -> None:
    for shape in ((16, 200), (1, 64, 64)):
        with pytest.raises(ConfigError, match="at least 32 px"):
            find_lungs(np.zeros(shape, dtype=np.float32))


def test_the_prior_is_learned_from_films_by_the_rule_itself() -> None:
    prior = fit_prior(draw_phantom(seed, height_px=GRID, width_px=GRID) for seed in range(8))
    assert prior.shape == (GRID, GRID)
    truth = np.mean([draw_truth(seed, GRID, GRID) for seed in range(8)], axis=0)
    assert prior[truth > 0.9].mean() > 1 > -1 > prior[truth < 0.1].mean()
    np.testing.assert_allclose(prior, prior[:, ::-1], atol=1e-4)


def test_the_shipped_prior_has_two_lungs() -> None:
    prior = read_prior()
    assert prior.shape == (GRID, GRID)
    assert (prior > 0).mean() == pytest.approx(0.2, abs=0.05)
    assert (prior[:, GRID // 2 - 2 : GRID // 2 + 2] < 0).all()


@pytest.mark.data
def test_lungs_of_real_films_lie_where_lungs_lie(dataset: Path) -> None:
    root, films = read_dataset(dataset / "chest_xray")
    chosen = [film for film in films if film.part == "test"][::12]
    shares, darker = [], []
    for film in chosen:
        pixels = read_radiograph(root / film.path).pixels
        found = find_lungs(pixels)
        middle = pixels.shape[1] // 2
        shares.append((found[:, :middle].mean(), found[:, middle:].mean()))
        if film.label == 0:
            chest = np.zeros_like(found)
            rows, columns = np.nonzero(found)
            chest[rows.min() : rows.max(), columns.min() : columns.max()] = True
            darker.append(pixels[found].mean() < pixels[chest & ~found].mean())
    assert len(shares) > 40
    assert np.quantile(shares, 0.02) > 0.1
    assert np.quantile(shares, 0.98) < 0.35 * 2
    assert np.mean(darker) > 0.98
