"""Fetching: whole or not at all, from sources that are broken, partial or hostile."""

from __future__ import annotations

import errno
import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factories.datasets import make_facts, make_published_set, write_files
from hilum.data import film_source, published, read_dataset
from hilum.data.fetch import WAY_OUT, fetch_dataset
from hilum.errors import DatasetError, MissingExtraError

Files = dict[str, bytes]


@pytest.fixture
def films(monkeypatch: pytest.MonkeyPatch) -> Files:
    """A small set that stands for the published one, by its facts."""
    made = make_published_set()
    facts = make_facts(made)
    monkeypatch.setattr(published, "_read_facts", lambda: facts)
    return made


def write_zip(path: Path, files: Files, *, prefix: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(prefix + name, data)
    return path


def read_back(folder: Path) -> Files:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_nothing_is_left(folder: Path) -> None:
    assert not folder.exists()
    assert not folder.with_name(folder.name + ".partial").exists()


@pytest.mark.parametrize("prefix", ["", "chest_xray/", "archive/chest_xray/"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_whole_copy_arrives(tmp_path: Path, films: Files, prefix: str, packed: bool) -> None:
    if packed:
        source = write_zip(tmp_path / "set.zip", films, prefix=prefix)
    else:
        source = tmp_path / "source"
        write_files(source / prefix, films)
    told: list[int] = []
    fetched = fetch_dataset(
        tmp_path / "out" / "films",
        source=source,
        on_start=lambda count, size_bytes: told.extend((count, size_bytes)),
        on_bytes=told.append,
    )
    assert read_back(tmp_path / "out" / "films") == films
    assert fetched.check is not None
    assert (fetched.films, fetched.check.edition, fetched.check.digests) == (12, "as published", 3)
    assert told[0] == 12
    assert told[1] == sum(told[2:]) == sum(map(len, films.values()))
    assert len(read_dataset(tmp_path / "out" / "films")[1]) == 12
    again = fetch_dataset(tmp_path / "out" / "films", source=source)
    assert again.was_there


def test_the_second_copy_in_the_archive_of_kaggle_is_passed_over(
    tmp_path: Path, films: Files
) -> None:
    files = {f"chest_xray/{name}": data for name, data in films.items()}
    files |= {f"chest_xray/chest_xray/{name}": data for name, data in films.items()}
    files |= {
        f"chest_xray/__MACOSX/chest_xray/{name}".replace("/IM", "/._IM"): b"x" for name in films
    }
    files["chest_xray/chest_xray/.DS_Store"] = b"x"
    fetch_dataset(tmp_path / "out", source=write_zip(tmp_path / "set.zip", files))
    assert read_back(tmp_path / "out") == films


def test_the_publishers_archive_has_no_val_and_gets_one(tmp_path: Path, films: Files) -> None:
    files = {name.replace("val/", "train/"): data for name, data in films.items()}
    fetch_dataset(tmp_path / "out", source=write_zip(tmp_path / "set.zip", files))
    assert read_back(tmp_path / "out") == films


def test_a_partial_copy_is_refused_with_its_counts(tmp_path: Path, films: Files) -> None:
    files = {name: data for name, data in films.items() if not name.startswith("test/NORMAL")}
    with pytest.raises(DatasetError, match="test/NORMAL has 0 of 2 films"):
        fetch_dataset(tmp_path / "out", source=write_zip(tmp_path / "set.zip", files))
    assert_nothing_is_left(tmp_path / "out")


def test_films_of_other_names_are_refused(tmp_path: Path, films: Files) -> None:
    files = {name.replace("IM-0-0", "IM-9-9"): data for name, data in films.items()}
    with pytest.raises(DatasetError, match="train/NORMAL has films of other names"):
        fetch_dataset(tmp_path / "out", source=write_zip(tmp_path / "set.zip", files))
    fetched = fetch_dataset(tmp_path / "out", source=tmp_path / "set.zip", verify=False)
    assert fetched.check is None
    assert read_back(tmp_path / "out") == files


def test_films_of_other_content_are_refused(tmp_path: Path, films: Files) -> None:
    first = sorted(films)[0]
    files = {**films, first: films["val/NORMAL/IM-1-0.jpeg"]}
    with pytest.raises(DatasetError, match="1 of 3 films whose digest is known differ"):
        fetch_dataset(tmp_path / "out", source=write_zip(tmp_path / "set.zip", files))
    assert_nothing_is_left(tmp_path / "out")


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-30],
        lambda data: b"",
        lambda data: b"PK" + data,
        lambda data: data[:40] + bytes(8192),
    ],
)
def test_a_film_that_broke_off_is_named(
    tmp_path: Path, films: Files, damage: Callable[[bytes], bytes]
) -> None:
    name = "train/NORMAL/IM-0-1.jpeg"
    write_files(tmp_path / "source", {**films, name: damage(films[name])})
    with pytest.raises(DatasetError, match=f"{name} is no whole JPEG"):
        fetch_dataset(tmp_path / "out", source=tmp_path / "source")
    assert_nothing_is_left(tmp_path / "out")


@pytest.mark.parametrize("length", [0, 10, 1000, -30])
def test_an_archive_that_broke_off(tmp_path: Path, films: Files, length: int) -> None:
    path = write_zip(tmp_path / "set.zip", films)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DatasetError, match="no sound ZIP archive"):
        fetch_dataset(tmp_path / "out", source=path)


def test_flipped_bytes_in_an_archive(tmp_path: Path, films: Files) -> None:
    path = write_zip(tmp_path / "set.zip", films)
    data = bytearray(path.read_bytes())
    for position in range(200, 260):
        data[position] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="damaged in the archive"):
        fetch_dataset(tmp_path / "out", source=path)
    assert_nothing_is_left(tmp_path / "out")


@pytest.mark.parametrize(
    "name",
    [
        "../train/NORMAL/x.jpeg",
        "/train/NORMAL/x.jpeg",
        "chest_xray/../../train/NORMAL/x.jpeg",
        "train\\NORMAL\\x.jpeg",
        "C:/train/NORMAL/x.jpeg",
        "train/NORMAL/..",
        "train/NORMAL/x.jpeg\0.txt",
    ],
)
def test_paths_that_lead_out_are_refused(tmp_path: Path, films: Files, name: str) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for own, data in films.items():
            archive.writestr(own, data)
        entry = zipfile.ZipInfo("x")
        entry.filename = name  # past the cleaning of ZipInfo
        archive.writestr(entry, b"x")
    with pytest.raises(DatasetError, match="outside of itself"):
        fetch_dataset(tmp_path / "deep" / "out", source=path)
    assert not (tmp_path / "train").exists()
    assert_nothing_is_left(tmp_path / "deep" / "out")


def test_a_link_in_an_archive_is_refused(tmp_path: Path, films: Files) -> None:
    path = write_zip(tmp_path / "set.zip", films)
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("train/NORMAL/link.jpeg")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(DatasetError, match="holds a link"):
        fetch_dataset(tmp_path / "out", source=path)


def test_a_link_in_a_folder_is_not_followed(tmp_path: Path, films: Files) -> None:
    write_files(tmp_path / "source", films)
    link = tmp_path / "source" / "train" / "NORMAL" / "IM-0-0.jpeg"
    link.unlink()
    link.symlink_to(tmp_path / "source" / "train" / "NORMAL" / "IM-0-1.jpeg")
    with pytest.raises(DatasetError, match="train/NORMAL has 1 of 2 films"):
        fetch_dataset(tmp_path / "out", source=tmp_path / "source")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, films: Files) -> None:
    path = write_zip(tmp_path / "set.zip", {**films, "train/NORMAL/big.jpeg": bytes(10**7)})
    assert path.stat().st_size < 10**5
    with pytest.raises(DatasetError, match="refused as a bomb"):
        fetch_dataset(tmp_path / "out", source=path, verify=False)


def test_bounds_on_an_archive(
    tmp_path: Path, films: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zip(tmp_path / "set.zip", films)
    write_files(tmp_path / "source", films)
    for bound, value in (("MAX_ENTRIES", 11), ("MAX_TOTAL_BYTES", 100)):
        with monkeypatch.context() as patch:
            patch.setattr(film_source, bound, value)
            for source in (path, tmp_path / "source"):
                with pytest.raises(DatasetError, match="more than"):
                    fetch_dataset(tmp_path / "out", source=source)


def test_an_encrypted_archive_is_refused(tmp_path: Path, films: Files) -> None:
    path = write_zip(tmp_path / "set.zip", films)
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="encrypted"):
        fetch_dataset(tmp_path / "out", source=path)


def test_two_films_of_one_name_are_refused(tmp_path: Path, films: Files) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name, data in films.items():
            archive.writestr(name, data)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("train/NORMAL/IM-0-0.jpeg", b"x")
    with pytest.raises(DatasetError, match="two films of one name"):
        fetch_dataset(tmp_path / "out", source=tmp_path / "set.zip", verify=False)


def test_what_holds_no_film(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for source, words in (
        (tmp_path / "empty", "no folder {train,val,test}"),
        (write_zip(tmp_path / "a.zip", {"a.txt": b"x"}), "no folder {train,val,test}"),
        (tmp_path / "absent", "no folder and no file"),
    ):
        with pytest.raises(DatasetError, match=words):
            fetch_dataset(tmp_path / "out", source=source)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, films: Files) -> None:
    write_files(tmp_path / "source", films)
    write_files(tmp_path / "out", {"thesis.txt": b"mine"})
    with pytest.raises(DatasetError, match="not empty"):
        fetch_dataset(tmp_path / "out", source=tmp_path / "source")
    assert read_back(tmp_path / "out") == {"thesis.txt": b"mine"}
    write_files(tmp_path / "new.partial", {"thesis.txt": b"mine"})
    with pytest.raises(DatasetError, match="in the way"):
        fetch_dataset(tmp_path / "new", source=tmp_path / "source")
    assert read_back(tmp_path / "new.partial") == {"thesis.txt": b"mine"}


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path, films: Files) -> None:
    write_files(tmp_path / "source", films)
    write_files(tmp_path / "out.partial", {".hilum-fetch": b"", "train/NORMAL/half.jpeg": b"x"})
    (tmp_path / "out").mkdir()
    fetch_dataset(tmp_path / "out", source=tmp_path / "source")
    assert read_back(tmp_path / "out") == films
    assert not (tmp_path / "out.partial").exists()


class FullDisk(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_nothing(
    tmp_path: Path, films: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path / "source", films)
    with monkeypatch.context() as patch:
        patch.setattr(film_source, "_opener", lambda path: FullDisk)
        with pytest.raises(DatasetError, match="disk is full"):
            fetch_dataset(tmp_path / "out", source=tmp_path / "source")
    assert_nothing_is_left(tmp_path / "out")
    monkeypatch.setattr("hilum.data.fetch._SPARE_BYTES", 10**18)
    with pytest.raises(DatasetError, match="Make room"):
        fetch_dataset(tmp_path / "out", source=tmp_path / "source")
    assert_nothing_is_left(tmp_path / "out")


def test_an_interruption_leaves_nothing(tmp_path: Path, films: Files) -> None:
    write_files(tmp_path / "source", films)

    def interrupt(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_dataset(tmp_path / "out", source=tmp_path / "source", on_bytes=interrupt)
    assert_nothing_is_left(tmp_path / "out")


def test_from_kaggle(tmp_path: Path, films: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    kagglehub = pytest.importorskip("kagglehub")
    write_files(tmp_path / "cache" / "chest_xray", films)
    asked: list[str] = []

    def download(handle: str, path: str | None = None) -> str:
        asked.append(handle)
        return str(tmp_path / "cache")

    monkeypatch.setattr(kagglehub, "dataset_download", download)
    fetch_dataset(tmp_path / "out")
    assert asked == ["paultimothymooney/chest-xray-pneumonia"]
    assert read_back(tmp_path / "out") == films
    # Kaggle's cache is no copy to be lost.
    assert read_back(tmp_path / "cache" / "chest_xray") == films


@pytest.mark.parametrize("kind", ["connection", "403", "credentials", "corrupt"])
def test_kaggle_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    kagglehub = pytest.importorskip("kagglehub")
    requests = pytest.importorskip("requests")
    refused = requests.Response()
    refused.status_code = 403
    error: Any = {
        "connection": requests.exceptions.ConnectionError("no route"),
        "403": kagglehub.exceptions.KaggleApiHTTPError("forbidden", response=refused),
        "credentials": kagglehub.exceptions.CredentialError("no key"),
        "corrupt": kagglehub.exceptions.DataCorruptionError("bad hash"),
    }[kind]

    def download(handle: str, path: str | None = None) -> str:
        raise error

    monkeypatch.setattr(kagglehub, "dataset_download", download)
    with pytest.raises(DatasetError) as caught:
        fetch_dataset(tmp_path / "out")
    assert WAY_OUT in str(caught.value)
    assert "--from FILE.zip" in WAY_OUT
    if kind == "403":
        assert "it answered 403" in str(caught.value)
    assert_nothing_is_left(tmp_path / "out")


def test_without_kagglehub_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "kagglehub", None)
    with pytest.raises(MissingExtraError, match=r"hilum\[lab\]"):
        fetch_dataset(tmp_path / "out")


@pytest.mark.data
def test_the_copy_at_hand_is_known_to_the_last_byte(dataset: Path) -> None:
    check = published.check_published(dataset)
    assert (check.edition, check.films, check.digests) == ("scaled to 224 px", 5856, 5856)
