from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from hilum.app.samples import SAMPLES, has_rg1, read_phantom, read_rg1
from hilum.data.phantom import Opacity
from hilum.errors import MissingExtraError
from hilum.io import read_radiograph


def test_phantom_takes_the_road_of_a_file() -> None:
    data = read_phantom()
    assert data == read_phantom()
    assert Image.open(io.BytesIO(data)).mode == "I;16"
    radiograph = read_radiograph(data)
    assert radiograph.format == "PNG"
    assert float(np.ptp(radiograph.pixels)) > 0.5


def test_phantom_can_carry_an_opacity() -> None:
    clear, cloudy = (
        read_radiograph(data).pixels
        for data in (read_phantom(), read_phantom(Opacity(x=0.3, y=0.6, radius=0.1, strength=0.8)))
    )
    height_px, width_px = clear.shape
    change = (cloudy - clear)[int(0.6 * height_px), int(0.3 * width_px)]
    assert change > 0.05


def test_rg1_is_a_chest_film() -> None:
    pytest.importorskip("data_store", reason="needs pydicom-data")
    assert has_rg1()
    radiograph = read_radiograph(read_rg1())
    assert radiograph.header.photometric_interpretation == "MONOCHROME1"
    assert radiograph.header.body_part_examined == "CHEST"


def test_rg1_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pydicom.data.get_testdata_file", lambda *_, **__: None)
    assert not has_rg1()
    with pytest.raises(MissingExtraError, match=r"hilum\[samples\]"):
        read_rg1()


def test_samples_are_told_apart() -> None:
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)
    assert {sample.shows for sample in SAMPLES} == {"adult", "drawing"}
