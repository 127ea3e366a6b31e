from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from factories.networks import write_tiny_network
from factories.training import draw_film
from hilum.cli import build_app
from hilum.data import read_dataset, split_by_patient
from hilum.decision import load_gate
from hilum.predictor import load_model
from hilum.spec import ModelSpec, read_spec, write_spec

Run = Callable[..., Result]
FILMS = 360  # of each class; 15 % of them set the bounds


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for label, folder in enumerate(("NORMAL", "PNEUMONIA")):
        (root / folder).mkdir()
        for number in range(FILMS):
            name = f"person{number}_virus_{number}" if label else f"IM-{number:04d}-0001"
            Image.fromarray(draw_film(label, rng)).save(root / folder / f"{name}.png")
    return root


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network, as if it had been trained on those films."""
    folder = tmp_path_factory.mktemp("model")
    spec = write_tiny_network(folder)
    _, films = read_dataset(data)
    split = split_by_patient(films, validation_fraction=0.15, seed=0)
    facts = spec.training_data.model_copy(update={"fingerprint": split.fingerprint})
    write_spec(spec.model_copy(update={"training_data": facts}), folder / "tiny.json")
    return folder


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
