"""``hilum export``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from factories.radiographs import draw_noise, make_radiograph
from factories.timm_networks import write_run
from hilum.cli import build_app
from hilum.predictor import load_model
from hilum.spec import read_spec, read_weights


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_run(folder)
    return folder


def test_a_run_becomes_a_model_that_answers_as_before(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "model"
    result = CliRunner().invoke(build_app(), ["export", str(run), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "weights in float16" in result.output
    before, after = read_spec(run / "small.json"), read_spec(out / "small.json")
    assert after.weights.storage == "float16"
    assert after.weights.sha256 != before.weights.sha256
    assert read_weights(after, out)
    unchanged = {"weights"}
    assert after.model_dump(exclude=unchanged) == before.model_dump(exclude=unchanged)
    film = make_radiograph(draw_noise())
    with load_model(run) as old, load_model(out) as new:
        assert new.analyze(film).logit == pytest.approx(old.analyze(film).logit, abs=0.02)


def test_a_checkpoint_and_a_spec_apart(run: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "lone.safetensors"
    checkpoint.write_bytes((run / "checkpoint.safetensors").read_bytes())
    arguments = ["--spec", str(run / "small.json"), "--out", str(tmp_path), "--storage", "float32"]
    result = CliRunner().invoke(build_app(), ["export", str(checkpoint), *arguments])
    assert result.exit_code == 0, result.output
    # The same network gives the same bytes, so the run's own file comes out again.
    assert (tmp_path / "small.onnx").read_bytes() == (run / "small.onnx").read_bytes()


def test_no_checkpoint_is_wrong_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(build_app(), ["export", str(tmp_path), "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "There is no checkpoint" in result.stderr


def test_a_spec_of_another_size_is_refused(run: Path, tmp_path: Path) -> None:
    text = (run / "small.json").read_text().replace('"height_px": 64', '"height_px": 96')
    spec = tmp_path / "wrong.json"
    spec.write_text(text)
    arguments = ["--spec", str(spec), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(build_app(), ["export", str(run), *arguments])
    assert result.exit_code == 2
    assert "takes films of 64x64 px" in result.stderr
    assert not (tmp_path / "out").exists()


def test_all_kinds_of_storage_agree_on_the_map(run: Path, tmp_path: Path) -> None:
    maps = []
    for storage in ("int8", "float16", "float32"):
        out = tmp_path / storage
        arguments = ["--out", str(out), "--storage", storage]
        assert CliRunner().invoke(build_app(), ["export", str(run), *arguments]).exit_code == 0
        with load_model(out) as model:
            maps.append(model.analyze(make_radiograph(draw_noise())).evidence.values)
    for stored in maps[:2]:
        np.testing.assert_allclose(stored, maps[2], atol=0.05)
