from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from factories.datasets import Picture, draw_texture, encode_jpeg
from hilum.data.acquisition import MAX_REGION_PIXELS, Acquisition, measure_acquisition
from hilum.data.jpeg_quality import estimate_jpeg_quality
from hilum.io import read_radiograph


@pytest.fixture(scope="module")
def picture() -> Picture:
    return draw_texture(np.random.default_rng(0), height_px=320, width_px=400)


def measure(data: bytes) -> Acquisition:
    return measure_acquisition(data, read_radiograph(data))


def encode_png(picture: Picture) -> bytes:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 51, 75, 90, 93, 95, 99, 100])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_quality_of_a_jpeg_is_what_it_was_written_with(
    picture: Picture, quality: int, mode: str
) -> None:
    buffer = BytesIO()
    Image.fromarray(picture).convert(mode).save(buffer, "JPEG", quality=quality)
    assert estimate_jpeg_quality(buffer.getvalue()) == quality


def test_quality_of_what_is_no_jpeg(picture: Picture) -> None:
    data = encode_jpeg(picture)
    assert estimate_jpeg_quality(encode_png(picture)) is None
    assert estimate_jpeg_quality(b"") is None
    for length in range(0, 180, 7):  # broken off anywhere in its header
        assert estimate_jpeg_quality(data[:length]) in (None, 90)
    assert estimate_jpeg_quality(b"\xff\xd8" + b"\xff" * 10_000) is None
    assert estimate_jpeg_quality(b"\xff\xd8" + b"\xff\xe0\x00\x00" * 10_000) is None


def test_size_aspect_and_compression(picture: Picture) -> None:
    data = encode_jpeg(picture, quality=70)
    made = measure(data)
    assert (made.rows, made.columns, made.bytes, made.jpeg_quality) == (320, 400, len(data), 70)
    assert made.aspect == 1.25
    assert made.features["resolution"]["log_aspect"] == pytest.approx(np.log(1.25))
    assert measure(encode_png(picture)).jpeg_quality is None


def test_smoothing_lowers_and_noise_raises_sharpness(picture: Picture) -> None:
    smooth = Image.fromarray(picture).resize((100, 80)).resize((400, 320), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(0).normal(0, 25, picture.shape)
    noisy = np.clip(picture + noise, 0, 255).astype(np.uint8)
    blurred, plain, rough = (
        measure(encode_png(one)) for one in (np.asarray(smooth), picture, noisy)
    )
    assert blurred.sharpness < plain.sharpness < rough.sharpness
    assert blurred.features["detail"]["noise"] < rough.features["detail"]["noise"]


def test_a_squashed_film_is_told_from_a_whole_one(picture: Picture) -> None:
    rough = np.random.default_rng(0).integers(0, 255, (300, 300), dtype=np.uint8)
    soft = np.asarray(Image.fromarray(rough).resize((600, 300), Image.Resampling.BICUBIC))
    plain, stretched = (measure(encode_png(one)).features["detail"] for one in (rough, soft))
    assert stretched["across_down_1"] < plain["across_down_1"] - 0.2


def test_blocks_of_a_strong_jpeg_are_seen(picture: Picture) -> None:
    noise = np.random.default_rng(0).normal(0, 12, picture.shape)
    rough = np.clip(picture + noise, 0, 255).astype(np.uint8)
    strong = measure(encode_jpeg(rough, quality=8)).features["detail"]["blocks"]
    light = measure(encode_jpeg(rough, quality=98)).features["detail"]["blocks"]
    assert light < 0.1 < strong


def test_margin_knows_nothing_of_the_middle(picture: Picture) -> None:
    changed = picture.copy()
    changed[60:-60, 70:-70] = np.random.default_rng(0).integers(0, 255, (200, 260))
    one, other = (measure(encode_png(each)).features for each in (picture, changed))
    assert one["margin"] == other["margin"]
    assert one["detail"] != other["detail"]


def test_exposure_and_contrast_do_not_count_as_detail(picture: Picture) -> None:
    pixels = picture.astype(np.float64)
    darker = np.round(pixels * 0.5).astype(np.uint8)
    one, other = (measure(encode_png(each)).features["detail"] for each in (picture, darker))
    for name, value in one.items():
        # Halved grey levels add rounding noise, no more.
        assert other[name] == pytest.approx(value, abs=0.25), name


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (300, 2), (5, 5), (17, 23)])
def test_tiny_and_blank_films_give_finite_numbers(shape: tuple[int, int]) -> None:
    made = measure(encode_png(np.zeros(shape, dtype=np.uint8)))
    values = [value for group in made.features.values() for value in group.values()]
    assert np.isfinite(values).all()
    assert np.isfinite(made.sharpness)


def test_a_large_film_is_measured_in_bands_that_stand_for_it() -> None:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (400, 400), dtype=np.uint8)
    large = np.tile(small, (5, 5))
    assert large.size > 4 * MAX_REGION_PIXELS
    one, other = (measure(encode_png(each)).features["detail"] for each in (small, large))
    for name, value in one.items():
        assert other[name] == pytest.approx(value, abs=0.03), name
