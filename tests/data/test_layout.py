from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hilum.data.layout import parse_film_name, read_folder_dataset
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


def test_a_misspelt_folder_is_named_and_not_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, "train/NORMAL/a.png", "train/PNEUMNIA/b.png")
    with pytest.raises(DatasetError, match="folder 'PNEUMNIA': is that it, misspelt"):
        read_folder_dataset(tmp_path)
    fill(tmp_path, "train/PNEUMONIA/c.png")
    with pytest.raises(DatasetError, match=r"'PNEUMNIA' in 'train'.*Did you mean 'PNEUMONIA'"):
        read_folder_dataset(tmp_path)
    (tmp_path / "train" / "PNEUMNIA" / "b.png").unlink()
    fill(tmp_path, "tset/NORMAL/a.png")
    with pytest.raises(DatasetError, match=r"'tset'.*no part of a dataset. Did you mean 'test'"):
        read_folder_dataset(tmp_path)


def test_upper_and_lower_case_do_not_matter_but_may_not_collide(tmp_path: Path) -> None:
    fill(tmp_path, "Train/Normal/a.png", "Train/pneumonia/b.png")
    assert [film.label for film in read_folder_dataset(tmp_path)[1]] == [0, 1]
    fill(tmp_path, "Train/NORMAL/c.png")
    if len(list((tmp_path / "Train").iterdir())) == 3:  # the disk tells the cases apart
        with pytest.raises(DatasetError, match="upper and lower case"):
            read_folder_dataset(tmp_path)


def test_folders_below_a_class_are_searched_and_tell_the_patient(tmp_path: Path) -> None:
    fill(
        tmp_path,
        "NORMAL/p1/study/film.dcm",
        "NORMAL/p1/other/film.dcm",
        "NORMAL/p2/film.dcm",
        "NORMAL/older/IM-0001-0001.jpeg",
        "PNEUMONIA/a.dcm",
        "PNEUMONIA/.hidden/b.dcm",
        "PNEUMONIA/DICOMDIR",
        "PNEUMONIA/Thumbs.db",
        "PNEUMONIA/README.txt",
        "splits/fold1.csv",  # a folder without films is no lost class
    )
    _, films = read_folder_dataset(tmp_path)
    assert {film.path: (film.patient, film.is_patient_known) for film in films} == {
        "NORMAL/older/IM-0001-0001.jpeg": ("IM-0001", True),
        "NORMAL/p1/other/film.dcm": ("p1", True),
        "NORMAL/p1/study/film.dcm": ("p1", True),
        "NORMAL/p2/film.dcm": ("p2", True),
        "PNEUMONIA/a.dcm": ("film-PNEUMONIA/a.dcm", False),
    }


def test_a_folder_that_cannot_be_opened_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "NORMAL/a.png", "PNEUMONIA/b.png")

    def refuse(folder: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DatasetError, match="cannot be opened: Permission denied"):
        read_folder_dataset(tmp_path)


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    fill(tmp_path, "NORMAL/a.png", "PNEUMONIA/b.png")
    (tmp_path / "NORMAL" / "again").symlink_to(tmp_path)
    assert len(read_folder_dataset(tmp_path)[1]) == 2


def test_what_the_archive_of_kaggle_holds_besides_is_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, "train/NORMAL/a.png", "train/PNEUMONIA/b.png")
    fill(tmp_path, "chest_xray/train/NORMAL/a.png", "__MACOSX/train/NORMAL/a.png")
    assert len(read_folder_dataset(tmp_path)[1]) == 2


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
