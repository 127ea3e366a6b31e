"""The picture: where the colour lies, what it means, and that nothing else is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from factories.radiographs import draw_noise, make_radiograph
from hilum.errors import ConfigError
from hilum.report import COLORMAPS, DEFAULT_SCALE, draw_film, draw_legend, draw_overlay
from hilum.report.colormaps import (
    ZERO_CODE,
    encode_evidence,
    get_colormap,
    make_color_table,
    make_opacity_table,
)
from hilum.types import Explanation, Radiograph

SIGNED = [name for name, colormap in COLORMAPS.items() if colormap.against is not None]


def explain(
    values: NDArray[np.float32] | list[list[float]],
    box: tuple[float, float, float, float] = (0.0, 0.0, 200.0, 160.0),
) -> Explanation:
    return Explanation(np.asarray(values, dtype=np.float32), box, "evidence", "pneumonia", -0.25)


def make_film(level: float = 0.4, height_px: int = 160, width_px: int = 200) -> Radiograph:
    return make_radiograph(np.full((height_px, width_px), level))


def measure_change(overlay: Image.Image, film: Image.Image) -> NDArray[np.int64]:
    """How far each pixel is from the film's own, over all colours."""
    difference = np.asarray(overlay).astype(int) - np.asarray(film.convert("RGB")).astype(int)
    return np.asarray(np.abs(difference).sum(axis=2))


def test_without_evidence_the_film_shows_as_it_is() -> None:
    film = make_radiograph(draw_noise(160, 200))
    overlay = draw_overlay(film, explain(np.zeros((8, 6), dtype=np.float32)))
    assert (overlay.mode, overlay.size) == ("RGB", (200, 160))
    np.testing.assert_array_equal(np.asarray(overlay), np.asarray(draw_film(film).convert("RGB")))


def test_the_film_alone_is_its_pixels_in_grey() -> None:
    pixels = draw_noise(30, 40)
    grey = np.asarray(draw_film(make_radiograph(pixels)))
    np.testing.assert_array_equal(grey, np.rint(pixels.astype(np.float64) * 255).astype(np.uint8))


@pytest.mark.parametrize("colormap", list(COLORMAPS))
def test_the_colour_lies_on_the_cell(colormap: str) -> None:
    values = np.zeros((8, 5), dtype=np.float32)
    values[2, 3] = DEFAULT_SCALE
    film = make_film()
    change = measure_change(draw_overlay(film, explain(values), colormap=colormap), draw_film(film))
    rows, columns = np.indices(change.shape)
    # Cells are 20 px high and 40 px wide; the middle of this one is at row 50, column 140.
    assert (change * rows).sum() / change.sum() == pytest.approx(49.5, abs=1.0)
    assert (change * columns).sum() / change.sum() == pytest.approx(139.5, abs=1.0)
    assert change[50, 140] == change.max()
    assert change[120, 40] == 0


def test_nothing_is_drawn_outside_of_the_box() -> None:
    film = make_film()
    values = np.full((4, 4), DEFAULT_SCALE, dtype=np.float32)
    change = measure_change(
        draw_overlay(film, explain(values, (50.0, 30.0, 150.0, 130.0))), draw_film(film)
    )
    assert (change[30:130, 50:150] > 0).all()
    change[30:130, 50:150] = 0
    assert not change.any()


def test_a_box_beyond_the_film_shows_the_part_on_the_film() -> None:
    """Letterbox: the map covers a square of which the film fills the middle."""
    film = make_film(height_px=200, width_px=100)
    values = np.zeros((4, 4), dtype=np.float32)
    values[:, 0] = DEFAULT_SCALE  # lies on the padding, from -50 to 0
    values[1, 2] = DEFAULT_SCALE  # lies on the film: rows 50 to 100, columns 50 to 100
    change = measure_change(
        draw_overlay(film, explain(values, (-50.0, 0.0, 150.0, 200.0))), draw_film(film)
    )
    assert change.shape == (200, 100)
    assert change[75, 75] == change[:, 40:].max()
    assert change[150:, 30:].max() == 0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_no_evidence_of_the_other_sign_is_painted_around_a_strong_cell(sign: float) -> None:
    values = np.zeros((8, 5), dtype=np.float32)
    values[3, 2] = sign * 3 * DEFAULT_SCALE
    film = make_film()
    overlay = np.asarray(draw_overlay(film, explain(values), opacity=1.0)).astype(int)
    red_over_blue = overlay[..., 0] - overlay[..., 2]
    assert (sign * red_over_blue >= 0).all()
    assert (sign * red_over_blue > 50).any()


def test_a_map_that_misses_the_film_draws_nothing() -> None:
    film = make_film()
    values = np.full((2, 2), DEFAULT_SCALE, dtype=np.float32)
    overlay = draw_overlay(film, explain(values, (500.0, 500.0, 600.0, 600.0)))
    assert not measure_change(overlay, draw_film(film)).any()


def test_the_scale_is_absolute() -> None:
    """The same evidence has the same colour, whatever else the map holds."""
    film = make_film()
    weak = np.zeros((8, 5), dtype=np.float32)
    weak[2, 2] = 2.0
    strong = weak.copy()
    strong[7, 4] = 50.0
    weak_overlay = np.asarray(draw_overlay(film, explain(weak)))
    strong_overlay = np.asarray(draw_overlay(film, explain(strong)))
    np.testing.assert_array_equal(weak_overlay[:90], strong_overlay[:90])


def test_half_the_scale_is_twice_the_evidence() -> None:
    film = make_film()
    values = np.random.default_rng(0).normal(0, 2, (8, 5)).astype(np.float32)
    doubled = draw_overlay(film, explain(2 * values))
    halved = draw_overlay(film, explain(values), scale=DEFAULT_SCALE / 2)
    difference = np.asarray(doubled).astype(int) - np.asarray(halved).astype(int)
    assert np.abs(difference).max() <= 2  # rounding of the 8-bit codes


def test_opacity_follows_the_strength() -> None:
    film = make_film()
    strengths = []
    for share in (0.0, 0.25, 0.5, 1.0, 4.0):
        values = np.full((4, 4), share * DEFAULT_SCALE, dtype=np.float32)
        change = measure_change(draw_overlay(film, explain(values)), draw_film(film))
        strengths.append(int(change[80, 100]))
    assert strengths[0] == 0
    assert strengths == sorted(strengths)
    assert strengths[1] < strengths[2] < strengths[3] == strengths[4]


def test_opacity_zero_is_the_film_and_one_is_the_pure_colour() -> None:
    film = make_film()
    values = np.full((4, 4), 2 * DEFAULT_SCALE, dtype=np.float32)
    assert not measure_change(
        draw_overlay(film, explain(values), opacity=0.0), draw_film(film)
    ).any()
    pure = np.asarray(draw_overlay(film, explain(values), opacity=1.0))[80, 100]
    assert pure.tolist() == make_color_table(get_colormap("evidence"))[255].tolist()


def test_for_only_hides_what_speaks_against() -> None:
    film = make_film()
    values = np.full((4, 4), -DEFAULT_SCALE, dtype=np.float32)
    overlay = draw_overlay(film, explain(values), colormap="for_only")
    assert not measure_change(overlay, draw_film(film)).any()


@pytest.mark.parametrize("side", [1, 40, 199, 200, 5000])
def test_the_longer_side_is_no_more_than_asked_and_never_enlarged(side: int) -> None:
    film = make_film()
    overlay = draw_overlay(film, explain(np.ones((4, 4), dtype=np.float32)), max_side_px=side)
    assert max(overlay.size) == min(side, 200)
    assert overlay.size[1] == max(1, round(160 * min(side, 200) / 200))


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1)])
def test_thin_films_are_drawn(size: tuple[int, int]) -> None:
    film = make_film(height_px=size[0], width_px=size[1])
    box = (0.0, 0.0, float(size[1]), float(size[0]))
    overlay = draw_overlay(film, explain(np.ones((4, 4), dtype=np.float32), box), max_side_px=100)
    assert overlay.size == (min(size[1], 100), min(size[0], 100))


@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (14, 14), (300, 300)])
def test_grids_of_any_shape_are_drawn(shape: tuple[int, int]) -> None:
    values = np.full(shape, DEFAULT_SCALE, dtype=np.float32)
    film = make_film()
    change = measure_change(draw_overlay(film, explain(values)), draw_film(film))
    assert (change > 0).all()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("opacity", -0.1),
        ("opacity", 1.1),
        ("opacity", float("nan")),
        ("scale", 0.0),
        ("scale", -1.0),
        ("scale", float("nan")),
        ("scale", float("inf")),
        ("colormap", "jet"),
        ("max_side_px", 0),
    ],
)
def test_options_out_of_range_are_told(option: str, value: object) -> None:
    film = make_film()
    with pytest.raises(ConfigError):
        draw_overlay(film, explain(np.ones((4, 4), dtype=np.float32)), **{option: value})  # type: ignore[arg-type]


def compute_luminance(colors: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Relative luminance of sRGB colours (WCAG 2.2), as a grey print shows them."""
    linear = (colors / 255.0) ** 2.2
    return np.asarray(linear @ np.asarray([0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("name", SIGNED)
def test_the_sign_survives_a_grey_print(name: str) -> None:
    luminance = compute_luminance(make_color_table(get_colormap(name)))
    assert luminance[255] > 3 * luminance[0]
    assert (np.diff(luminance[ZERO_CODE + 1 :]) >= 0).all()
    assert (np.diff(luminance[:ZERO_CODE]) >= 0).all()


# Machado 2009, severity 1: what eyes without red, green or blue cones see (linear RGB).
BLINDNESS = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


@pytest.mark.parametrize("blindness", list(BLINDNESS))
@pytest.mark.parametrize("name", SIGNED)
def test_the_sign_survives_colour_blindness(name: str, blindness: str) -> None:
    table = make_color_table(get_colormap(name)) / 255.0
    seen = np.clip((table**2.2) @ np.asarray(BLINDNESS[blindness]).T, 0, 1) ** (1 / 2.2)
    for strength in (40, 80, 127):
        toward, against = seen[ZERO_CODE + strength], seen[ZERO_CODE - strength]
        assert np.linalg.norm(toward - against) > 0.25


def test_codes_and_tables() -> None:
    codes = encode_evidence(np.asarray([-99, -10, -5, 0, 5, 10, 99], dtype=np.float32), 10.0)
    assert codes.tolist() == [1, 1, 64, 128, 192, 255, 255]
    opacities = make_opacity_table(get_colormap("evidence"), 0.5)
    assert opacities[ZERO_CODE] == 0
    assert opacities[255] == opacities[1] == round(0.5 * 255)


@pytest.mark.parametrize("colormap", list(COLORMAPS))
@pytest.mark.parametrize("width_px", [120, 300, 900])
def test_the_legend_shows_the_colours_of_the_overlay(colormap: str, width_px: int) -> None:
    legend = draw_legend(colormap=colormap, width_px=width_px, opacity=1.0)
    assert (legend.mode, legend.width) == ("RGB", width_px)
    colors = {tuple(color) for color in np.asarray(legend).reshape(-1, 3).tolist()}
    table = make_color_table(get_colormap(colormap))
    assert tuple(table[255].tolist()) in colors
    if colormap in SIGNED:
        assert tuple(table[1].tolist()) in colors


def test_the_legend_tells_the_scale() -> None:
    pictures = {draw_legend(scale=scale).tobytes() for scale in (5.0, 10.0, None)}
    assert len(pictures) == 3
    assert draw_legend(scale=None).tobytes() == draw_legend(scale=DEFAULT_SCALE).tobytes()


def test_a_legend_too_narrow_to_read_is_refused() -> None:
    with pytest.raises(ConfigError, match="120"):
        draw_legend(width_px=60)
