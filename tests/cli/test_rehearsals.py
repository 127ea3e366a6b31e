"""``hilum train --find-rate`` and ``--profile``, and ``key=value``."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from factories.training import make_settings, write_drawn_dataset

pytest.importorskip("torch")

from hilum.cli import build_app


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    desk = tmp_path_factory.mktemp("desk")
    write_drawn_dataset(desk / "films")
    settings = make_settings()
    settings["augmentation"] = {"flip": 0.5}
    (desk / "recipe.yaml").write_text(yaml.safe_dump(settings))
    return desk


def train(desk: Path, out: Path, *words: str) -> Result:
    common = ["train", str(desk / "recipe.yaml"), "--data", str(desk / "films")]
    common += ["--out", str(out), "--no-cache", "--workers", "0"]
    return CliRunner().invoke(build_app(), [*common, *words])


def test_find_rate_writes_table_and_figure_once(desk: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "run"
    done = train(desk, out, "--find-rate")
    assert done.exit_code == 0, done.stderr
    assert "the loss falls fastest at" in done.stdout
    assert sorted(path.name for path in out.iterdir()) == ["find_rate.csv", "find_rate.png"]
    again = train(desk, out, "--find-rate")
    assert again.exit_code == 2
    assert "already" in again.stderr


def test_profile_shows_the_share_and_writes_nothing(desk: Path, tmp_path: Path) -> None:
    done = train(desk, tmp_path / "run", "--profile")
    assert done.exit_code == 0, done.stderr
    assert "bare training step" in done.stdout
    assert "% of it" in done.stdout
    assert not (tmp_path / "run").exists()


def test_an_unknown_key_is_told_before_anything_is_read(desk: Path, tmp_path: Path) -> None:
    done = train(desk, tmp_path / "run", "epochs=3")
    assert done.exit_code == 2
    assert "optimization.epochs" in done.stderr
    assert not (tmp_path / "run").exists()
