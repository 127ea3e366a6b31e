from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from factories.datasets import write_files
from hilum.data import Film, make_manifests, read_dataset, read_split, write_split
from hilum.data.split_manifest import Kind, check_leaks
from hilum.errors import DatasetError


def write_dataset(root: Path, *, parts: bool = True, films_of_a_patient: int = 3) -> None:
    """Twelve patients a class to train on, one each in val, two each to test."""
    files = {}
    for part, first, count in (("train", 0, 12), ("val", 100, 1), ("test", 200, 2)):
        for patient in range(first, first + count):
            for index in range(films_of_a_patient):
                for folder, name in (
                    ("NORMAL", f"IM-{patient}-{index}"),
                    ("PNEUMONIA", f"person{patient}_virus_{index}"),
                ):
                    place = f"{part}/{folder}" if parts else folder
                    files[f"{place}/{name}.jpeg"] = f"{folder} {name}".encode()
    write_files(root, files)


KINDS: list[Kind] = ["official", "random", "patient-kfold"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_read(tmp_path: Path, kind: Kind) -> None:
    write_dataset(tmp_path)
    root, films = read_dataset(tmp_path)
    manifests = make_manifests(root, films, kind, folds=3, seed=4)
    assert len(manifests) == (3 if kind == "patient-kfold" else 1)
    for manifest in manifests:
        write_split(manifest, tmp_path / "split.csv")
        split = read_split(tmp_path / "split.csv")
        sides = {"train": split.train, "val": split.validation}
        for part, side in sides.items():
            assert [film.path for film in side] == [
                film.path for film in manifest.films if film.part == part
            ]
        # The test part is in the manifest and in no side of the split.
        assert sum(film.part == "test" for film in manifest.films) == 12
        assert split.leaks == (kind == "random")
        first = (tmp_path / "split.csv").read_bytes()
        write_split(manifest, tmp_path / "split.csv")
        assert (tmp_path / "split.csv").read_bytes() == first
    assert not list(tmp_path.glob("*.partial"))


def test_digests_are_those_of_the_files(tmp_path: Path) -> None:
    write_dataset(tmp_path)
    root, films = read_dataset(tmp_path)
    (manifest,) = make_manifests(root, films, "official")
    for film, digest in zip(manifest.films, manifest.digests, strict=True):
        assert hashlib.sha256((root / film.path).read_bytes()).hexdigest() == digest


def test_the_resplit_leaves_val_out_and_says_how_much_leaks(tmp_path: Path) -> None:
    write_dataset(tmp_path)
    (manifest,) = make_manifests(*read_dataset(tmp_path), kind="random", seed=1)
    write_split(manifest, tmp_path / "split.csv")
    head = (tmp_path / "split.csv").read_text().partition("\npath,")[0]
    assert "# kind: random" in head
    assert "# left out: 6 films of the official val" in head
    assert "# films: train 58, val 14, test 12" in head
    assert manifest.leaking_films > 5
    assert f"# leak: {manifest.leaking_films} of 14 val films" in head


def test_a_set_without_parts_is_folded_whole_and_has_no_official_split(tmp_path: Path) -> None:
    write_dataset(tmp_path, parts=False)
    root, films = read_dataset(tmp_path)
    folds = make_manifests(root, films, "patient-kfold", folds=5)
    assert sum(film.part == "val" for fold in folds for film in fold.films) == len(films)
    with pytest.raises(DatasetError, match="no part 'train'"):
        make_manifests(root, films, "official")


def test_patients_who_share_a_file_stay_together(tmp_path: Path) -> None:
    write_dataset(tmp_path, films_of_a_patient=1)
    for number in range(6):
        same = (tmp_path / f"train/NORMAL/IM-{number}-0.jpeg").read_bytes()
        (tmp_path / f"train/NORMAL/IM-{number + 6}-0.jpeg").write_bytes(same)
    for seed in range(5):
        # Apart, SplitManifest would refuse them.
        assert make_manifests(*read_dataset(tmp_path), kind="patient-kfold", seed=seed)


@pytest.mark.parametrize(
    "old_and_new",
    [("train,virus", "val,virus"), ("# seed: 0", "# seed: 1"), ("NORMAL", "PNEUMONIA")],
)
def test_a_changed_manifest_is_refused(tmp_path: Path, old_and_new: tuple[str, str]) -> None:
    write_dataset(tmp_path)
    path = tmp_path / "split.csv"
    write_split(make_manifests(*read_dataset(tmp_path), kind="patient-kfold")[0], path)
    text = path.read_text()
    assert old_and_new[0] in text
    path.write_text(text.replace(*old_and_new, 1))
    with pytest.raises(DatasetError, match="was changed after it was made"):
        read_split(path)
    path.write_text(text.replace("# digest", "# dgst"))
    with pytest.raises(DatasetError, match="lost a line of its head"):
        read_split(path)
    # A checkout that turns line ends changes nothing.
    path.write_bytes(text.replace("\n", "\r\n").encode())
    read_split(path)


ROWS = "a.png,0,p1,train\nb.png,1,p2,train\nc.png,0,p3,val\nd.png,1,p4,val\n"


def test_a_manifest_of_ones_own_is_a_split_too(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(f"path,label,patient,part\n{ROWS}")
    split = read_split(path)
    assert ([f.path for f in split.train], [f.path for f in split.validation]) == (
        ["a.png", "b.png"],
        ["c.png", "d.png"],
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (ROWS + "e.png,0,p1,val\n", "own.csv: 1 patients have films in both 'train' and 'val'"),
        (ROWS + "e.png,0,p1,test\n", "in both 'train' and 'test'"),
        (ROWS + "e.png,0,p3,test\n", "in both 'val' and 'test'"),
        ("a.png,0,p1,train\nb.png,1,p2,val\n", "'train' does not hold films of both classes"),
        ("a.png,0,p1,test\nb.png,1,p2,test\n", "'train' does not hold"),
    ],
)
def test_own_manifests_that_leak_or_lack_a_class(tmp_path: Path, rows: str, words: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(f"path,label,patient,part\n{rows}")
    with pytest.raises(DatasetError, match=words):
        read_split(path)


def test_only_the_declared_resplit_may_leak_and_only_within_training() -> None:
    films = [Film("a", 0, "p", "train"), Film("b", 0, "p", "val")]
    with pytest.raises(DatasetError, match="1 patients"):
        check_leaks(films, ["", ""])
    check_leaks(films, ["", ""], declared=True)
    films = [Film("a", 0, "p", "train"), Film("b", 0, "p", "test")]
    with pytest.raises(DatasetError, match="'train' and 'test'"):
        check_leaks(films, ["", ""], declared=True)


def test_identical_files_in_two_parts_are_a_leak() -> None:
    films = [Film("a", 0, "p", "train"), Film("b", 0, "q", "val")]
    check_leaks(films, ["1", "2"])
    check_leaks(films, ["", ""])
    with pytest.raises(DatasetError, match="1 files are there twice, in different parts"):
        check_leaks(films, ["1", "1"])
    check_leaks(films, ["1", "1"], declared=True)
    films = [Film("a", 0, "p", "train"), Film("b", 0, "q", "test")]
    with pytest.raises(DatasetError, match="twice"):
        check_leaks(films, ["1", "1"], declared=True)


def test_a_film_that_is_gone_is_named(tmp_path: Path) -> None:
    write_dataset(tmp_path)
    root, films = read_dataset(tmp_path)
    (tmp_path / films[3].path).unlink()
    with pytest.raises(DatasetError, match=films[3].path):
        make_manifests(root, films, "official")


@pytest.mark.data
def test_splits_of_the_kermany_set(dataset: Path) -> None:
    root, films = read_dataset(dataset)
    (official,) = make_manifests(root, films, "official")
    assert official.leaking_films == 0
    (resplit,) = make_manifests(root, films, "random")
    assert 0.35 < resplit.leaking_films / 1043 < 0.45
    folds = make_manifests(root, films, "patient-kfold")
    assert [sum(film.part == "val" for film in fold.films) for fold in folds] == pytest.approx(
        [5232 / 5] * 5, abs=3
    )
