"""The only road into a network: what comes out, where it came from, and that it is one road."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from factories.radiographs import draw_noise, make_radiograph
from hilum.errors import SpecMismatchError, UnsupportedImageError
from hilum.preprocess import compute_box, normalize_film, preprocess, resize_film
from hilum.spec import InputSpec, WindowRecipe

SQUASH = InputSpec(height_px=32, width_px=48, mean=(0.5,), std=(0.25,))
CROP = InputSpec(
    height_px=32,
    width_px=32,
    resize="shortest_side_crop",
    shortest_side_px=40,
    mean=(0.5,),
    std=(0.25,),
)
SQUASH_CROP = CROP.model_copy(update={"resize": "squash_crop"})
LETTERBOX = InputSpec(height_px=32, width_px=48, resize="letterbox", mean=(0.5,), std=(0.25,))
POLICIES = [
    pytest.param(SQUASH, id="squash"),
    pytest.param(CROP, id="shortest_side_crop"),
    pytest.param(SQUASH_CROP, id="squash_crop"),
    pytest.param(LETTERBOX, id="letterbox"),
]
SIZES = [(300, 200), (201, 333), (32, 48), (40, 40), (20, 17)]


def weigh_pixels(length_px: int, start: float, end: float, samples: int) -> NDArray[np.float64]:
    """Weights of an antialiased linear reduction, from its definition: (samples, length)."""
    scale = (end - start) / samples
    support = max(scale, 1.0)
    centers = start + (np.arange(samples) + 0.5) * scale
    distance = np.abs(np.arange(length_px) + 0.5 - centers[:, None]) / support
    weights = np.maximum(1.0 - distance, 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("spec", POLICIES[:3])
def test_resize_is_the_antialiased_linear_reduction_of_the_box(
    spec: InputSpec, size: tuple[int, int]
) -> None:
    film = draw_noise(*size)
    left, top, right, bottom = compute_box(*size, spec)
    down = weigh_pixels(size[0], top, bottom, spec.height_px)
    across = weigh_pixels(size[1], left, right, spec.width_px)
    np.testing.assert_allclose(
        resize_film(make_radiograph(film), spec), down @ film @ across.T, atol=2e-6
    )


@pytest.mark.parametrize("size", SIZES)
def test_letterbox_keeps_the_aspect_and_pads_with_black(size: tuple[int, int]) -> None:
    film = 0.25 + 0.5 * draw_noise(*size)
    seen = resize_film(make_radiograph(film), LETTERBOX)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    shape = (rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)
    assert shape[0] == 32 or shape[1] == 48
    scale = min(32 / size[0], 48 / size[1])
    assert shape == (round(size[0] * scale), round(size[1] * scale))
    down = weigh_pixels(size[0], 0, size[0], shape[0])
    across = weigh_pixels(size[1], 0, size[1], shape[1])
    inside = seen[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    np.testing.assert_allclose(inside, down @ film @ across.T, atol=2e-6)


def test_squash_crop_sees_the_same_share_of_either_side() -> None:
    assert compute_box(200, 400, SQUASH_CROP) == (40.0, 20.0, 360.0, 180.0)
    square = make_radiograph(draw_noise(80, 80))
    np.testing.assert_array_equal(resize_film(square, SQUASH_CROP), resize_film(square, CROP))


def test_golden_values() -> None:
    """Values of a fixed film: a change of the arithmetic must be meant."""
    y, x = np.mgrid[0:150, 0:130].astype(np.float32)
    film = (x * 3 + y * 5) % 251 / np.float32(250)
    golden = {
        "squash": [0.793534, -1.498918, 0.001601],
        "shortest_side_crop": [0.491482, -0.765929, 0.006957],
        "letterbox": [1.562384, 1.546685, -0.832362],
    }
    for spec in (SQUASH, CROP, LETTERBOX):
        batch = preprocess(make_radiograph(film), spec)
        found = [float(batch[0, 0, 3, 20]), float(batch[0, 0, 16, 16]), float(batch.mean())]
        assert found == pytest.approx(golden[spec.resize], abs=1e-5), spec.resize


@pytest.mark.parametrize("spec", POLICIES)
@pytest.mark.parametrize("size", [(640, 480), (333, 777), (480, 640)])
def test_a_bright_dot_falls_into_the_cell_that_the_box_says(
    spec: InputSpec, size: tuple[int, int]
) -> None:
    left, top, right, bottom = compute_box(*size, spec)
    rng = np.random.default_rng(0)
    for _ in range(8):
        # Somewhere in the part of the film that is seen, away from its edges: there the
        # filter is cut and pulls the dot inwards.
        x = int(rng.uniform(max(left, 0) + 60, min(right, size[1]) - 60))
        y = int(rng.uniform(max(top, 0) + 60, min(bottom, size[0]) - 60))
        film = np.zeros(size, dtype=np.float32)
        film[y - 6 : y + 7, x - 6 : x + 7] = 1.0
        seen = resize_film(make_radiograph(film), spec).astype(np.float64)
        rows, columns = np.indices(seen.shape) + 0.5
        found_x = left + (seen * columns).sum() / seen.sum() * (right - left) / spec.width_px
        found_y = top + (seen * rows).sum() / seen.sum() * (bottom - top) / spec.height_px
        assert found_x == pytest.approx(x + 0.5, abs=0.05)
        assert found_y == pytest.approx(y + 0.5, abs=0.05)


def test_boxes() -> None:
    assert compute_box(300, 200, SQUASH) == (0.0, 0.0, 200.0, 300.0)
    # The shorter side, 200 px, becomes 40; the middle 32 of them are 160 px of the film.
    assert compute_box(300, 200, CROP) == (20.0, 70.0, 180.0, 230.0)
    # Height 320 becomes 32, so 48 columns are 480 px, of which the film has 200.
    assert compute_box(320, 200, LETTERBOX) == (-140.0, 0.0, 340.0, 320.0)


@pytest.mark.parametrize("spec", POLICIES)
def test_fine_stripes_are_averaged_and_not_aliased(spec: InputSpec) -> None:
    film = np.zeros((640, 640), dtype=np.float32)
    film[:, ::2] = 1.0
    seen = resize_film(make_radiograph(film), spec)
    inside = seen[:, seen.any(axis=0)]
    np.testing.assert_allclose(inside, 0.5, atol=0.03)


@pytest.mark.parametrize("spec", POLICIES)
@pytest.mark.parametrize("size", SIZES)
def test_shape_type_and_range(spec: InputSpec, size: tuple[int, int]) -> None:
    batch = preprocess(make_radiograph(draw_noise(*size)), spec)
    assert batch.shape == (1, 1, spec.height_px, spec.width_px)
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    assert -2.0 <= batch.min() <= batch.max() <= 2.0


def test_three_channels_are_the_film_three_times_each_normalized_by_its_own() -> None:
    spec = SQUASH.model_copy(
        update={"channels": 3, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    )
    radiograph = make_radiograph(draw_noise())
    film = resize_film(radiograph, spec)
    batch = preprocess(radiograph, spec)
    for channel, (mean, std) in enumerate([(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)]):
        np.testing.assert_allclose(batch[0, channel], (film - mean) / std, atol=1e-5)


PER_FILM = InputSpec(height_px=32, width_px=48, normalization="per_film")


def test_per_film_has_mean_zero_and_deviation_one() -> None:
    batch = preprocess(make_radiograph(0.4 + 0.1 * draw_noise()), PER_FILM)
    assert batch.mean() == pytest.approx(0.0, abs=1e-5)
    assert batch.std() == pytest.approx(1.0, abs=1e-5)


def test_per_film_does_not_see_brightness_and_contrast() -> None:
    film = draw_noise()
    plain = preprocess(make_radiograph(film), PER_FILM)
    changed = preprocess(make_radiograph(0.3 + 0.5 * film), PER_FILM)
    np.testing.assert_allclose(plain, changed, atol=1e-4)


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("spec", [*POLICIES, pytest.param(PER_FILM, id="per_film")])
def test_a_blank_film_stays_blank(spec: InputSpec, level: float) -> None:
    batch = preprocess(make_radiograph(np.full((200, 150), level)), spec)
    assert np.isfinite(batch).all()
    if spec is PER_FILM:
        np.testing.assert_allclose(batch, 0.0, atol=0.01)
    elif spec is not LETTERBOX:
        np.testing.assert_allclose(batch, (level - 0.5) / 0.25, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 5000)])
@pytest.mark.parametrize("spec", [*POLICIES, pytest.param(PER_FILM, id="per_film")])
def test_thin_films_are_read_or_refused_and_never_crash(
    spec: InputSpec, size: tuple[int, int]
) -> None:
    radiograph = make_radiograph(draw_noise(*size))
    if spec in (CROP, SQUASH_CROP) and min(size) == 1:
        with pytest.raises(UnsupportedImageError, match="too small"):
            preprocess(radiograph, spec)
    else:
        batch = preprocess(radiograph, spec)
        assert batch.shape == (1, 1, spec.height_px, spec.width_px)
        assert np.isfinite(batch).all()


def test_a_film_of_the_right_size_is_taken_as_it_is() -> None:
    film = draw_noise(32, 48)
    np.testing.assert_array_equal(resize_film(make_radiograph(film), SQUASH), film)


def test_no_second_rounding_to_eight_bits() -> None:
    """A 16-bit ramp keeps more levels than 8 bits hold."""
    film = np.linspace(0.5, 0.51, 64, dtype=np.float32)[None].repeat(64, axis=0)
    assert np.unique(resize_film(make_radiograph(film), SQUASH)).size == 48


@pytest.mark.parametrize(
    ("recipe_of_film", "recipe_of_model"),
    [
        ("hu_window(center=40, width=800)", WindowRecipe()),
        ("radiograph_v1", WindowRecipe(name="hu_window", center=40, width=800)),
        ("hu_window(center=40, width=400)", WindowRecipe(name="hu_window", center=40, width=800)),
    ],
)
def test_a_film_read_with_another_recipe_is_refused(
    recipe_of_film: str, recipe_of_model: WindowRecipe
) -> None:
    spec = SQUASH.model_copy(update={"recipe": recipe_of_model})
    with pytest.raises(SpecMismatchError, match="model's recipe"):
        preprocess(make_radiograph(draw_noise(), recipe=recipe_of_film), spec)


def test_a_film_read_with_the_same_recipe_is_taken() -> None:
    spec = SQUASH.model_copy(
        update={"recipe": WindowRecipe(name="hu_window", center=40, width=800)}
    )
    recipe = "hu_window(center=40, width=800)"
    assert preprocess(make_radiograph(draw_noise(), recipe=recipe), spec).size == 32 * 48


def test_the_film_itself_is_not_changed() -> None:
    film = draw_noise(32, 48)
    radiograph = make_radiograph(film)
    preprocess(radiograph, SQUASH)
    np.testing.assert_array_equal(radiograph.pixels, film)


@pytest.mark.parametrize("spec", [*POLICIES, pytest.param(PER_FILM, id="per_film")])
def test_training_and_use_see_the_same_bits(spec: InputSpec, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason='needs the extra "train"')
    from hilum.data.layout import Film
    from hilum.io import read_radiograph
    from hilum.training.films import TrainingFilms, load_films
    from hilum.training.recipe import AugmentationSection

    films = []
    for index, size in enumerate([(150, 110), (64, 200), (32, 48)]):
        pixels = np.rint(draw_noise(*size, seed=index) * 255).astype(np.uint8)
        path = tmp_path / f"film{index}.png"
        Image.fromarray(pixels).save(path)
        films.append(
            Film(path=path.name, label=index % 2, patient=str(index), part="train", pathogen=None)
        )
    loaded = load_films(tmp_path, films, spec)
    labels = np.asarray([0, 1, 0])
    training = TrainingFilms(loaded, labels, spec, AugmentationSection(), seed=0)
    for index, film in enumerate(films):
        used = preprocess(read_radiograph(tmp_path / film.path), spec)
        seen, label = training[0, index]
        assert seen.numpy().tobytes() == used[0].tobytes()
        assert label.item() == film.label
        assert normalize_film(loaded[index], spec).tobytes() == used.tobytes()
