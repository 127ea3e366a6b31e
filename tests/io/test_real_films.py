"""Real films from ``pydicom-data``: one patient's chest, stored in several ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from factories.collection import find_package
from factories.films import make_dicom, save_array
from hilum.io import read_radiograph
from hilum.types import Radiograph

FOLDER = find_package("data_store")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="needs the extra samples (pydicom-data)")


def read(name: str) -> Radiograph:
    assert FOLDER is not None
    return read_radiograph(FOLDER / f"{name}.dcm")


@pytest.fixture(scope="module")
def chest() -> Radiograph:
    return read("RG1_UNCR")


@pytest.mark.parametrize("film", ["RG1", "RG3"])
def test_raw_and_lossless_j2k_give_the_same_pixels(film: str) -> None:
    raw, lossless = read(f"{film}_UNCR"), read(f"{film}_J2KR")
    assert np.array_equal(raw.pixels, lossless.pixels)
    assert raw.recipe_steps == lossless.recipe_steps
    assert raw.sha256 != lossless.sha256


@pytest.mark.parametrize("film", ["RG1", "RG3"])
def test_lossy_j2k_gives_nearly_the_same_pixels(film: str) -> None:
    lossy, decoded = read(f"{film}_J2KI"), read(f"{film}_UNCI")
    assert np.abs(lossy.pixels - decoded.pixels).max() < 0.001
    difference = np.abs(lossy.pixels - read(f"{film}_UNCR").pixels)
    assert difference.mean() < 0.005
    assert "lossy" in [warning.code for warning in lossy.warnings]


def test_the_chest_is_bright_where_it_is_dense(chest: Radiograph) -> None:
    assert chest.header.photometric_interpretation == "MONOCHROME1"
    assert chest.recipe_steps == ("window LINEAR 15000/30000", "invert MONOCHROME1")
    rows, columns = chest.pixels.shape
    spine = chest.pixels[rows // 3 : rows // 2, int(columns * 0.48) : int(columns * 0.52)].mean()
    lung = chest.pixels[rows // 3 : rows // 2, int(columns * 0.26) : int(columns * 0.32)].mean()
    assert spine > lung + 0.05


def _stored() -> tuple[Any, Any]:
    from pydicom import dcmread

    assert FOLDER is not None
    dataset = dcmread(FOLDER / "RG1_UNCR.dcm")
    return dataset, dataset.pixel_array


def test_a_monochrome2_rewrite_is_equal_to_the_last_bit(chest: Radiograph) -> None:
    dataset, stored = _stored()
    top = (1 << dataset.BitsStored) - 1
    rewritten = make_dicom(
        (top - stored.astype(np.int32)).astype(np.uint16),
        bits_stored=15,
        WindowCenter=top - dataset.WindowCenter + 1,
        WindowWidth=dataset.WindowWidth,
    )
    assert np.array_equal(read_radiograph(rewritten).pixels, chest.pixels)


@pytest.mark.parametrize(("kind", "white"), [(np.uint16, 65_535), (np.uint8, 255)])
@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_a_raster_of_the_pixels_reads_back_within_a_step(
    chest: Radiograph, kind: Any, white: int, image_format: str
) -> None:
    raster = np.round(chest.pixels * white).astype(kind)
    film = read_radiograph(save_array(raster, image_format, **_fast(image_format)))
    assert np.abs(film.pixels - chest.pixels).max() <= 0.5001 / white
    assert film.warnings == ()


def _fast(image_format: str) -> dict[str, Any]:
    return {"compress_level": 1} if image_format == "PNG" else {}
