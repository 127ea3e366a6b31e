"""``hilum data samples`` and ``hilum data synthesize``, as a user runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from factories.datasets import make_shortcut_set, write_files
from hilum.cli import build_app
from hilum.samples import list_films


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(build_app(), ["data", *(str(one) for one in arguments)])


def test_the_samples_are_written_and_may_be_written_again(tmp_path: Path) -> None:
    for _ in range(2):
        done = run("samples", tmp_path / "films")
        assert done.exit_code == 0, done.output
    written = {path.name: path.read_bytes() for path in (tmp_path / "films").iterdir()}
    assert written == {film.file_name: film.read() for film in list_films()}


def test_a_film_of_the_users_own_is_not_written_over(tmp_path: Path) -> None:
    mine = tmp_path / list_films()[0].file_name
    mine.write_bytes(b"mine")
    done = run("samples", tmp_path)
    assert done.exit_code != 0
    assert "another film" in done.stderr
    assert mine.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--seeds", "1,x", "Seeds are"),
        ("--seeds", "2,2", "Seeds are"),
        ("--seeds", "-1", "Seeds are"),
        ("--size", "512", "A size is"),
        ("--size", "64x4000", "A size is"),
        ("--part", "train", "at least 200 patients"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    tmp_path: Path, option: str, value: str, reason: str
) -> None:
    write_files(tmp_path / "films", make_shortcut_set())
    out = tmp_path / "out"
    done = run("synthesize", tmp_path / "films", "--out", out, option, value)
    assert done.exit_code != 0
    assert reason in done.stderr
    assert not out.exists() or not list(out.iterdir())
