from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from factories.networks import write_tiny_network
from factories.training import draw_film
from hilum.cli import build_app
from hilum.decision import load_gate
from hilum.predictor import load_model
from hilum.spec import ModelSpec, read_spec


@pytest.fixture(scope="module")
def data(drawn_films: Path) -> Path:
    return drawn_films


@pytest.fixture(scope="module")
def model(write_trained: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trained(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def calibrated(model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "new"
    result = CliRunner().invoke(
        build_app(), ["calibrate", str(model), "--data", str(data), "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    assert "held-out folds" in result.stdout
    assert "input gate: refuses" in result.stdout
    return out


def test_it_writes_a_model_that_loads_and_keeps_the_old_one(model: Path, calibrated: Path) -> None:
    before, after = read_spec(model / "tiny.json"), read_spec(calibrated / "tiny.json")
    assert before.conformal is None
    assert after.conformal is not None
    assert after.gate is not None
    assert after.conformal.coverage.lowest > 0.9
    assert 0.0 <= after.gate.validation_refused <= 0.02
    assert before.validation_logits is None
    assert after.validation_logits is not None
    lie = after.validation_logits
    assert lie.positive.films + lie.negative.films == 108  # 15 % of the patients
    assert lie.positive.quantiles[50] > lie.negative.quantiles[50]
    assert after.weights == before.weights
    assert not after.metrics  # other thresholds: what was measured no longer holds
    assert load_gate(after, calibrated) is not None
    assert sorted(path.name for path in calibrated.iterdir()) == [
        "tiny.gate.npz",
        "tiny.json",
        "tiny.onnx",
    ]


def test_the_gate_knows_films_from_noise_and_from_turned_ones(calibrated: Path) -> None:
    rng = np.random.default_rng(9)
    films = [draw_film(number % 2, rng) for number in range(60)]
    passed = {"film": 0, "inverted": 0, "turned": 0, "noise": 0}
    with load_model(calibrated, threads=1) as predictor:

        def assess(pixels: np.ndarray) -> bool:
            path = calibrated.parent / "film.png"
            Image.fromarray(pixels).save(path)
            return predictor.analyze(path).assessed

        for film in films:
            passed["film"] += assess(film)
            passed["inverted"] += assess(255 - film)
            passed["turned"] += assess(np.rot90(film))
            passed["noise"] += assess(rng.integers(0, 255, film.shape, dtype=np.uint8))
    assert passed["film"] >= 54
    assert (passed["inverted"], passed["turned"], passed["noise"]) == (0, 0, 0)


def test_the_same_films_give_the_same_model(
    model: Path, data: Path, calibrated: Path, tmp_path: Path
) -> None:
    result = CliRunner().invoke(
        build_app(), ["calibrate", str(model), "--data", str(data), "--out", str(tmp_path)]
    )
    assert result.exit_code == 0
    assert read_spec(tmp_path / "tiny.json") == read_spec(calibrated / "tiny.json")


def test_another_split_than_the_trainings_is_refused(
    model: Path, data: Path, tmp_path: Path
) -> None:
    spec: ModelSpec = write_tiny_network(tmp_path / "other")
    assert (
        spec.training_data.fingerprint != read_spec(model / "tiny.json").training_data.fingerprint
    )
    result = CliRunner().invoke(
        build_app(), ["calibrate", str(tmp_path / "other"), "--data", str(data)]
    )
    assert result.exit_code == 6
    assert "fingerprint" in result.stderr
    assert read_spec(tmp_path / "other" / "tiny.json") == spec
