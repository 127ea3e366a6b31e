from __future__ import annotations

import sys

import pytest

from hilum.app.samples import SAMPLES, has_rg1, read_rg1
from hilum.errors import MissingExtraError
from hilum.io import read_radiograph


def test_the_first_films_are_there_for_everybody_and_say_that_they_are_synthetic() -> None:
    first = SAMPLES[:4]
    for sample in first:
        assert sample.extra is None
        assert sample.shows == "synthetic"
        assert sample.title.startswith("Synthetic film")
        assert sample.note.startswith("No patient")
        assert read_radiograph(sample.read()).format == "DICOM"
    assert [("opacity" in sample.title) for sample in first] == [False, False, True, True]


def test_rg1_is_a_chest_film() -> None:
    pytest.importorskip("data_store", reason="needs pydicom-data")
    assert has_rg1()
    radiograph = read_radiograph(read_rg1())
    assert radiograph.header.photometric_interpretation == "MONOCHROME1"
    assert radiograph.header.body_part_examined == "CHEST"


def test_rg1_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "data_store", None)
    monkeypatch.setattr("pydicom.data.get_testdata_file", lambda *_, **__: None)
    assert not has_rg1()
    with pytest.raises(MissingExtraError, match=r"hilum\[samples\]"):
        read_rg1()


def test_samples_are_told_apart() -> None:
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)
    assert len({sample.title for sample in SAMPLES}) == len(SAMPLES)
    assert {sample.shows for sample in SAMPLES} == {"adult", "synthetic"}
