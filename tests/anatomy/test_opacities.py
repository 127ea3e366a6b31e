"""Opacities that are planted: where, how dense, and that the film shows through."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from hilum.anatomy import find_lungs, plant_opacity
from hilum.anatomy.opacities import SHAPES, Shape
from hilum.data.phantom import draw_phantom
from hilum.errors import ConfigError

FILM = draw_phantom(0, height_px=224, width_px=224)
LUNGS = find_lungs(FILM)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("diameter", [0.1, 0.18, 0.28])
def test_an_opacity_lies_in_a_lung_and_has_its_size(shape: Shape, diameter: float) -> None:
    sizes = []
    for seed in range(8):
        planted = plant_opacity(
            FILM, LUNGS, shape=shape, diameter=diameter, depth=1.0,
            rng=np.random.default_rng(seed),
        )  # fmt: skip
        region = planted.region
        assert LUNGS[region].mean() > 0.7
        assert planted.depth.max() == pytest.approx(1.0)
        assert (planted.depth[region] >= 0.5 - 1e-6).all()
        assert planted.depth[~region].max() < 0.5
        sizes.append(region.sum() / (np.pi / 4 * (diameter * 224) ** 2))
    assert (0.2 if shape == "cloud" else 0.3) < np.mean(sizes) < 1.3


def test_the_film_shows_through_an_opacity() -> None:
    """Light falls by one factor, so what stood out of its surroundings still does."""
    planted = plant_opacity(
        FILM, LUNGS, shape="round", diameter=0.28, depth=0.7, rng=np.random.default_rng(0)
    )
    assert planted.pixels.dtype == np.float32
    assert 0.0 <= planted.pixels.min() <= planted.pixels.max() <= 1.0
    np.testing.assert_allclose(
        1 - planted.pixels, (1 - FILM) * np.exp(-planted.depth), rtol=1e-5, atol=1e-6
    )
    assert (planted.pixels >= FILM - 1e-6).all()
    far = planted.depth < 1e-4
    np.testing.assert_allclose(planted.pixels[far], FILM[far], atol=1e-4)


def test_a_denser_opacity_is_the_same_one_denser() -> None:
    one, other = (
        plant_opacity(
            FILM, LUNGS, shape="patchy", diameter=0.2, depth=depth, rng=np.random.default_rng(3)
        )
        for depth in (0.5, 2.0)
    )
    np.testing.assert_array_equal(one.region, other.region)
    np.testing.assert_allclose(4 * one.depth, other.depth, rtol=1e-5, atol=1e-9)


def test_shapes_and_draws_differ() -> None:
    regions = [
        plant_opacity(
            FILM, LUNGS, shape=shape, diameter=0.2, depth=1.0, rng=np.random.default_rng(seed)
        ).region
        for shape in get_args(Shape)
        for seed in (0, 1)
    ]
    assert len({region.tobytes() for region in regions}) == 8


def test_what_cannot_be_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match="no lungs"):
        plant_opacity(FILM, np.zeros_like(LUNGS), shape="round", diameter=0.1, depth=1.0, rng=rng)
    for diameter, depth in ((0.0, 1.0), (1.0, 1.0), (0.1, 0.0)):
        with pytest.raises(ConfigError, match="diameter in"):
            plant_opacity(FILM, LUNGS, shape="round", diameter=diameter, depth=depth, rng=rng)
