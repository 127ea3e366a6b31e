from __future__ import annotations

from pathlib import Path

import pytest

from hilum.data import Film, find_datasets, read_dataset
from hilum.data.dataset import select_part
from hilum.data.manifest import parse_label
from hilum.errors import DatasetError


def write(folder: Path, text: str, *films: str, encoding: str = "utf-8") -> Path:
    path = folder / "films.csv"
    path.write_text(text, encoding=encoding)
    for name in films:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return path


def test_all_columns_are_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "path,label,patient,part,pathogen\n"
        'b.dcm,PNEUMONIA,p 2,val,virus\n"a, 1/film.dcm",0,p1,train,\n',
        "a, 1/film.dcm",
        "b.dcm",
    )
    assert read_dataset(path) == (
        tmp_path,
        [Film("a, 1/film.dcm", 0, "p1", "train"), Film("b.dcm", 1, "p 2", "val", "virus")],
    )


def test_two_columns_are_enough_and_names_tell_the_rest(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "# a comment\nlabel,path\npneumonia,x/person3_bacteria_7.jpeg\nNormal,x/a.png\n0,y/a.png\n",
        "x/person3_bacteria_7.jpeg",
        "x/a.png",
        "y/a.png",
        encoding="utf-8-sig",  # as spreadsheets write it
    )
    assert read_dataset(path)[1] == [
        Film("x/a.png", 0, "film-x/a.png", "all"),
        Film("x/person3_bacteria_7.jpeg", 1, "bacteria-3", "all", "bacteria"),
        Film("y/a.png", 0, "film-y/a.png", "all"),
    ]


def test_windows_paths_and_absolute_paths(tmp_path: Path) -> None:
    film = tmp_path / "elsewhere" / "a.png"
    path = write(tmp_path, f"path,label\n{film},0\nx\\b.png,1\n", "elsewhere/a.png", "x/b.png")
    root, films = read_dataset(path)
    assert sorted(one.path for one in films) == sorted([film.as_posix(), "x/b.png"])
    assert all((root / one.path).is_file() for one in films)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,label\na.png,PNEUMONA\n", "line 2: The label 'PNEUMONA'.*mean 'PNEUMONIA'"),
        ("path,label\na.png,2\n", "line 2: The label '2' is not known"),
        ("path,label\na.png,\n", "line 2: The label ''"),
        ("path,label,part\na.png,0,trian\n", "line 2: the part 'trian'.*mean 'train'"),
        ("path,label,part\na.png,0,\n", "line 2: the part ''"),
        ("path,lable\na.png,0\n", "no column 'label'"),
        ("path,label,patint\na.png,0,p\n", "column 'patint'.*mean 'patient'"),
        ("path,label,label\na.png,0,0\n", "a column twice"),
        ("path,label\na.png\n", "line 2: the line has more or fewer fields"),
        ("path,label\na.png,0,1\n", "line 2: the line has more or fewer fields"),
        ("path,label\n,0\n", "line 2: there is no path"),
        ("# x\npath,label\na.png,0\na.png,1\n", "line 4: the film stands already in line 3"),
        ('path,label\n"a.png,0\n', "unexpected end of data"),
        ("path,label\n", "holds no film"),
        ("", "no column 'path'"),
    ],
)
def test_faults_are_told_with_their_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        read_dataset(write(tmp_path, text, "a.png"))


def test_missing_films_are_counted_and_some_named(tmp_path: Path) -> None:
    rows = "".join(f"{number}.png,{number % 2}\n" for number in range(9))
    path = write(tmp_path, f"path,label\n{rows}", "0.png", "1.png")
    with pytest.raises(DatasetError, match=r"7 of 9 films.*2\.png, 3\.png, 4\.png, \.\.\."):
        read_dataset(path)


def test_what_is_no_csv_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label\na.png,0\n", "a.png")
    path.write_bytes(b"path,label\n\xff\xfe,0\n")
    with pytest.raises(DatasetError, match="UTF-8"):
        read_dataset(path)
    with pytest.raises(DatasetError, match="neither a folder nor a CSV manifest"):
        read_dataset(tmp_path / "a.png")
    with pytest.raises(DatasetError, match="no folder"):
        read_dataset(tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("word", "label"), [("0", 0), ("1", 1), (" normal ", 0), ("Pneumonia", 1), ("NORMAL", 0)]
)
def test_words_for_labels(word: str, label: int) -> None:
    assert parse_label(word) == label


def test_datasets_below_a_folder_are_found(tmp_path: Path) -> None:
    for name in ("one/train", "two"):
        for class_name in ("NORMAL", "PNEUMONIA"):
            write(tmp_path, "", f"{name}/{class_name}/a.png")
    found = find_datasets(tmp_path)
    assert {name: len(films) for name, (_, films) in found.items()} == {"one": 2, "two": 2}
    assert list(find_datasets(tmp_path / "two")) == ["two"]
    with pytest.raises(DatasetError, match="neither the folders"):
        find_datasets(tmp_path / "one" / "train" / "NORMAL")


def test_a_part_that_is_not_there() -> None:
    films = [Film("a", 0, "p", "train")]
    assert select_part(films, "train") == films
    with pytest.raises(DatasetError, match="no part 'test'; it has: train"):
        select_part(films, "test")
