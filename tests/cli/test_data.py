"""``hilum data``, as a user runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from factories.datasets import make_published_set, make_shortcut_set, write_files
from hilum.cli import build_app
from hilum.data import read_split


def run_hilum(
    *arguments: str | Path, cwd: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", "from hilum.cli import main; main()", "data"]
        + [str(argument) for argument in arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def films(tmp_path: Path) -> Path:
    write_files(tmp_path / "films", make_shortcut_set())
    return tmp_path / "films"


def test_show_counts_and_draws(films: Path, quiet_environment: dict[str, str]) -> None:
    place = films.parent
    for sheet in ("sheet.png", "sheet.html"):
        done = run_hilum(
            "show", "films", "--sheet", sheet, cwd=place, environment=quiet_environment
        )
        assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["films", "48", "films", "of", "24", "patients"]
    assert ["PNEUMONIA", "24", "films", "of", "12", "patients"] in lines
    with Image.open(place / "sheet.png") as sheet_image:
        assert sheet_image.width > sheet_image.height
    assert (place / "sheet.html").read_text().count("<img") == 12
    assert not list(place.glob("*.partial"))


def test_split_writes_manifests_that_training_reads(
    films: Path, quiet_environment: dict[str, str]
) -> None:
    place = films.parent
    done = run_hilum(
        *("split", "films", "--folds", "3", "--out", "splits"),
        cwd=place,
        environment=quiet_environment,
    )
    assert done.returncode == 0, done.stderr
    manifests = sorted((place / "splits").iterdir())
    assert [path.name for path in manifests] == [
        f"patient-kfold3-seed0-fold{number}.csv" for number in (1, 2, 3)
    ]
    assert not any(read_split(path).leaks for path in manifests)
    done = run_hilum(
        *("split", "films", "--kind", "random", "--out", "splits"),
        cwd=place,
        environment=quiet_environment,
    )
    assert "LEAKS" in done.stdout
    assert read_split(place / "splits" / "random-seed0.csv").leaks
    done = run_hilum(
        *("split", "films", "--kind", "official", "--out", "splits"),
        cwd=place,
        environment=quiet_environment,
    )
    assert done.returncode == 6
    assert "no part 'train'" in done.stderr


def test_audit_prints_and_writes(films: Path, quiet_environment: dict[str, str]) -> None:
    place = films.parent
    arguments = ("audit", "films", "--html", "a.html", "--out", "a.json")
    done = run_hilum(*arguments, cwd=place, environment=quiet_environment)
    assert done.returncode == 0, done.stderr
    assert "shortcut, resolution" in done.stdout
    assert "WARNING  films: Size and aspect alone tell the classes apart" in done.stdout
    assert re.search(r"^48 films, audited in \d+ s\.$", done.stdout, re.MULTILINE)
    assert "Shortcut score" in (place / "a.html").read_text()
    assert json.loads((place / "a.json").read_text())["sets"][0]["films"] == 48

    (films / "NORMAL" / "broken.jpeg").write_bytes(b"\xff\xd8\xff")
    done = run_hilum(*arguments, cwd=place, environment=quiet_environment)
    assert done.returncode == 3
    assert "unreadable: NORMAL/broken.jpeg" in done.stdout
    assert "FAULT    films: 1 of 49 films cannot be read." in done.stdout


def test_fetch_from_an_archive(tmp_path: Path, quiet_environment: dict[str, str]) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name, data in make_published_set().items():
            archive.writestr(name, data)
    done = run_hilum("fetch", "--from", "set.zip", cwd=tmp_path, environment=quiet_environment)
    assert done.returncode == 6
    assert "train/NORMAL has 2 of 1,341 films" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["set.zip"]
    done = run_hilum(
        *("fetch", "--from", "set.zip", "--unverified", "--out", "mine"),
        cwd=tmp_path,
        environment=quiet_environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "mine: 12 films, not checked.\n"
    assert len(list((tmp_path / "mine").rglob("*.jpeg"))) == 12


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show", "absent"), 6, "no folder"),
        (("show", "films", "--sheet", "sheet.gif"), 2, ".png or an .html"),
        (("show", "films", "--part", "test"), 6, "no part 'test'"),
        (("show", "films", "--sheet", "absent/sheet.png"), 2, "no folder absent"),
        (("audit", "films", "--html", "films"), 2, "is a folder"),
        (("audit", "films", "--out", "absent/a.json"), 2, "no folder absent"),
        (("split", "films", "--out", "films/NORMAL/IM-0-0.jpeg"), 2, "cannot be made"),
        (("audit", "films/NORMAL"), 6, "neither the folders"),
        (("split", "films", "--folds", "99", "--out", "splits"), 6, "fewer folds"),
        (("fetch", "--from", "absent.zip"), 6, "no folder and no file"),
        (("fetch", "--from", "films", "--out", "films"), 6, "not empty"),
    ],
)
def test_errors_are_told_in_one_line(
    films: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    monkeypatch.chdir(films.parent)
    done = CliRunner().invoke(build_app(), ["data", *arguments])
    assert done.exit_code == code, done.stderr
    assert words in done.stderr
    assert done.stderr.startswith("hilum: ")
    assert len(done.stderr.splitlines()) == 1
