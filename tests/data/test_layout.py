from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from hilum.data import read_folder_dataset
from hilum.data.layout import parse_film_name
from hilum.errors import DatasetError


def fill(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


@pytest.mark.parametrize(
    ("name", "label", "patient", "pathogen"),
    [
        ("person12_bacteria_46.jpeg", 1, "bacteria-12", "bacteria"),
        ("person12_virus_46.jpeg", 1, "virus-12", "virus"),
        ("person1372_virus_2365_1.jpeg", 1, "virus-1372", "virus"),
        ("IM-0115-0001.jpeg", 0, "IM-0115", None),
        ("NORMAL2-IM-0115-0001-0002.jpeg", 0, "NORMAL2-IM-0115", None),
        ("mine.png", 1, "film-mine.png", None),
        # A name of the other class tells nothing of this film's patient.
        ("IM-0115-0001.jpeg", 1, "film-IM-0115-0001.jpeg", None),
    ],
)
def test_names_tell_patient_and_pathogen(
    name: str, label: int, patient: str, pathogen: str | None
) -> None:
    assert parse_film_name(name, label) == (patient, pathogen)


def test_official_layout_is_read_also_from_the_folder_above(tmp_path: Path) -> None:
    root = tmp_path / "chest_xray"
    for part in ("train", "val", "test"):
        fill(root, f"{part}/NORMAL/IM-1-1.jpeg", f"{part}/PNEUMONIA/person1_virus_1.jpeg")
    fill(root, "train/NORMAL/.DS_Store")
    for given in (root, tmp_path):
        folder, films = read_folder_dataset(given)
        assert folder == root
        assert [film.path for film in films] == sorted(film.path for film in films)
        assert Counter((film.part, film.label) for film in films) == {
            (part, label): 1 for part in ("train", "val", "test") for label in (0, 1)
        }


def test_one_folder_a_class_is_one_part(tmp_path: Path) -> None:
    fill(tmp_path, "NORMAL/a.png", "PNEUMONIA/b.dcm")
    _, films = read_folder_dataset(tmp_path)
    assert [(film.path, film.label, film.part) for film in films] == [
        ("NORMAL/a.png", 0, "all"),
        ("PNEUMONIA/b.dcm", 1, "all"),
    ]


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no folder"):
        read_folder_dataset(tmp_path / "absent")
    with pytest.raises(DatasetError, match="one folder a class"):
        read_folder_dataset(tmp_path)
    fill(tmp_path, "train/NORMAL/a.png")
    with pytest.raises(DatasetError, match="PNEUMONIA is missing in 'train'"):
        read_folder_dataset(tmp_path)
    (tmp_path / "train" / "NORMAL" / "a.png").unlink()
    (tmp_path / "train" / "PNEUMONIA").mkdir()
    with pytest.raises(DatasetError, match="holds no film"):
        read_folder_dataset(tmp_path)


@pytest.mark.data
def test_the_kermany_set_has_its_published_counts(dataset: Path) -> None:
    _, films = read_folder_dataset(dataset)
    assert Counter((film.part, film.label) for film in films) == {
        ("train", 0): 1341,
        ("train", 1): 3875,
        ("val", 0): 8,
        ("val", 1): 8,
        ("test", 0): 234,
        ("test", 1): 390,
    }
    assert not any(film.patient.startswith("film-") for film in films)
    of_part = {
        part: {film.patient for film in films if film.part == part} for part in ("train", "test")
    }
    assert not of_part["train"] & of_part["test"]
