"""Synthetic films as files: what they say of themselves, and what is refused."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from hilum.data import Film
from hilum.errors import DatasetError, MissingExtraError
from hilum.io import read_radiograph
from hilum.synthesis.dicom import encode_film, letter_film
from hilum.synthesis.produce import choose_films


def make_film(number: int, patient: str, **facts: object) -> Film:
    film = Film(f"train/NORMAL/IM-{number}.jpeg", 0, patient, "train", None)
    return replace(film, **facts)  # type: ignore[arg-type]


def test_a_film_says_that_it_shows_nobody() -> None:
    ramp = np.tile(np.linspace(0, 1, 200, dtype=np.float32), (160, 1))
    data = encode_film(ramp, name="synthetic-normal-1", description="Drawn.")
    header = pydicom.dcmread(io.BytesIO(data))
    assert header.ConversionType == "SYN"
    assert str(header.PatientName).startswith("SYNTHETIC")
    assert header.PatientID.startswith("SYNTHETIC")
    assert header.PatientBirthDate == ""
    assert "no patient" in header.ImageComments
    film = read_radiograph(data)
    assert film.format == "DICOM"
    # Without loss: eight bits are all that is lost.
    assert np.abs(film.pixels - ramp).max() < 0.003
    assert data == encode_film(ramp, name="synthetic-normal-1", description="Drawn.")
    other = pydicom.dcmread(io.BytesIO(encode_film(ramp, name="other", description="Drawn.")))
    assert other.SOPInstanceUID != header.SOPInstanceUID


def test_a_picture_of_the_film_says_so_too() -> None:
    grey = np.full((200, 240), 0.5, dtype=np.float32)
    lettered = letter_film(grey)
    corner = lettered[-16:, :80]
    assert corner.max() > 0.8
    assert corner.min() < 0.1
    assert np.array_equal(lettered[:170], grey[:170])
    assert grey.max() == 0.5


def test_without_pydicom_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pydicom.dataset", None)
    with pytest.raises(MissingExtraError, match=r"hilum\[samples\]"):
        encode_film(np.zeros((160, 160), dtype=np.float32), name="x", description="x")


def test_one_film_of_each_patient_goes_in() -> None:
    films = [
        make_film(1, "a"),
        make_film(2, "a"),
        make_film(3, "b"),
        make_film(4, "c", part="test"),
        make_film(5, "d", label=1, pathogen="virus"),
        make_film(6, "e", label=1, pathogen="bacteria"),
    ]
    chosen = choose_films(films, part="train", label=0)
    assert [film.path for film in chosen] == [films[0].path, films[2].path]
    assert choose_films(films, part="train", label=1, pathogen="bacteria") == [films[5]]


def test_films_of_unknown_patients_are_refused() -> None:
    films = [make_film(1, "film-train/NORMAL/IM-1.jpeg")]
    with pytest.raises(DatasetError, match="patient"):
        choose_films(films, part="train", label=0)
