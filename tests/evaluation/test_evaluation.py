from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hilum
from factories.networks import TINY_INPUT, write_tiny_network
from hilum.data import Film, read_dataset
from hilum.errors import DatasetError
from hilum.evaluation import (
    ScoredFilm,
    judge,
    make_model_candidate,
    make_predictions,
    score_films,
    write_predictions,
)
from hilum.spec import ModelSpec, SetMetrics


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    return write_tiny_network(tmp_path / "model")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Bright films are pneumonia to the tiny network."""
    rng = np.random.default_rng(0)
    root = tmp_path / "films"
    for label, folder in enumerate(("NORMAL", "PNEUMONIA")):
        (root / "test" / folder).mkdir(parents=True)
        for number in range(6):
            pixels = rng.normal(90 + 70 * label, 25, (TINY_INPUT.height_px, TINY_INPUT.width_px))
            name = f"person{number // 2}_virus_{number}" if label else f"IM-{number // 2}-{number}"
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(
                root / "test" / folder / f"{name}.png"
            )
    return root


def make_scores(spec: ModelSpec, wrong: tuple[int, ...] = ()) -> Iterator[ScoredFilm]:
    """Twenty films of ten patients of each class; those in ``wrong`` are on the wrong side."""
    for index in range(40):
        label = index % 2
        side = label if index not in wrong else 1 - label
        film = Film(f"{index}", label, f"{label}-{index // 4}", "test")
        probability = 0.9 - 0.001 * index if side else 0.1 + 0.001 * index
        yield ScoredFilm(film, np.log(probability / (1 - probability)), probability)


def judge_scores(spec: ModelSpec, scored: list[ScoredFilm], resamples: int = 100) -> SetMetrics:
    candidate = make_model_candidate(make_predictions(spec.name, scored), spec)
    return judge(candidate.predictions, candidate.thresholds, command="test", resamples=resamples)


def test_figures_are_those_of_the_confusion_matrix(spec: ModelSpec) -> None:
    metrics = judge_scores(spec, list(make_scores(spec, wrong=(0, 1, 3))), resamples=200)
    assert (metrics.films, metrics.positive, metrics.negative) == (40, 20, 20)
    point = metrics.operating_points["youden"]
    assert (point.true_positive, point.false_negative) == (18, 2)
    assert (point.true_negative, point.false_positive) == (19, 1)
    assert point.accuracy.value == pytest.approx(37 / 40)
    assert point.sensitivity.value == pytest.approx(0.9)
    assert point.specificity.value == pytest.approx(0.95)
    assert point.precision is not None
    assert point.f1 is not None
    assert point.precision.value == pytest.approx(18 / 19)
    assert point.f1.value == pytest.approx(36 / 39)
    assert point.specificity.low < point.specificity.value <= point.specificity.high == 1.0
    assert 0.5 < metrics.roc_auc.low < metrics.roc_auc.value < 1.0


def test_a_perfect_model_has_a_perfect_interval(spec: ModelSpec) -> None:
    metrics = judge_scores(spec, list(make_scores(spec)))
    auc = metrics.roc_auc
    assert (auc.low, auc.value, auc.high) == pytest.approx((1.0, 1.0, 1.0))


def test_one_class_is_not_enough(spec: ModelSpec) -> None:
    positive = [scored for scored in make_scores(spec) if scored.film.label]
    with pytest.raises(DatasetError, match="both classes"):
        judge_scores(spec, positive)


def test_films_are_scored_as_users_score_them(spec: ModelSpec, films: Path, tmp_path: Path) -> None:
    root, listed = read_dataset(films)
    with hilum.load_model(tmp_path / "model") as model:
        scored = list(score_films(model, root, listed))
        alone = model.analyze(root / listed[3].path, gate=False)
    assert [one.film for one in scored] == listed
    assert (scored[3].logit, scored[3].probability) == (alone.logit, alone.probability)
    write_predictions(make_predictions("tiny", scored), tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == [film.path for film in listed]
    assert [float(row["probability"]) for row in rows] == [one.probability for one in scored]
    assert {row["patient"] for row in rows if row["label"] == "1"} == {
        f"virus-{number}" for number in range(3)
    }


def test_a_film_that_cannot_be_read_ends_the_evaluation(
    spec: ModelSpec, films: Path, tmp_path: Path
) -> None:
    broken = films / "test" / "NORMAL" / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    root, listed = read_dataset(films)
    with (
        hilum.load_model(tmp_path / "model") as model,
        pytest.raises(DatasetError, match=r"test/NORMAL/broken\.png"),
    ):
        list(score_films(model, root, listed))
