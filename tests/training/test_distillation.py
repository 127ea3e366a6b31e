from __future__ import annotations

import multiprocessing
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from factories.networks import TINY_INPUT, make_tiny_spec, write_tiny_network
from factories.training import make_settings
from hilum.errors import ConfigError, UnknownModelError
from hilum.inference import OnnxBackend
from hilum.models.zoo import resolve_model
from hilum.preprocess import normalize_film
from hilum.spec import InputSpec, read_weights
from hilum.training.distillation import Teachers, check_teacher, load_teachers
from hilum.training.films import TrainingFilms
from hilum.training.recipe import AugmentationSection, DistillationSection, Recipe
from hilum.training.run import run_recipe


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two teachers of one size and another of twice the size."""
    large = TINY_INPUT.model_copy(update={"height_px": 128, "width_px": 96})
    write_tiny_network(tmp_path / "a", name="tiny-a")
    write_tiny_network(tmp_path / "b", large, name="tiny-b")
    return [tmp_path / "a", tmp_path / "b"]


@pytest.fixture
def films() -> NDArray[np.float32]:
    return np.random.default_rng(0).random((4, 64, 48), dtype=np.float32) ** 2


def ask(folders: list[Path], **changes: Any) -> Teachers:
    names = tuple(str(folder) for folder in folders)
    teachers = load_teachers(DistillationSection(teachers=names, **changes), TINY_INPUT)
    assert teachers is not None
    return teachers


def compute_logit(folder: Path, film: NDArray[np.float32]) -> float:
    spec, place = resolve_model(folder)
    with OnnxBackend(spec, read_weights(spec, place), threads=1) as backend:
        return float(backend.run(normalize_film(film, spec.input)).logit[0])


def test_the_score_is_the_mean_of_the_softened_probabilities(
    folders: list[Path], films: NDArray[np.float32]
) -> None:
    logit = compute_logit(folders[0], films[0])
    one = ask(folders[:1], temperature=2.0).score(films[0])
    assert one == pytest.approx(1 / (1 + np.exp(-logit / 2)))
    other = ask(folders[1:], temperature=2.0).score(films[0])
    assert other != one  # it sees the film at twice the size
    assert ask(folders, temperature=2.0).score(films[0]) == pytest.approx((one + other) / 2)
    assert ask(folders[:1], temperature=1e9).score(films[0]) == pytest.approx(0.5)
    assert ask(folders[:1], temperature=1e-9).score(films[0]) in (0.0, 1.0)


def test_the_target_weighs_label_and_teachers(
    folders: list[Path], films: NDArray[np.float32]
) -> None:
    score = ask(folders).score(films[0])
    for weight in (0.0, 0.3, 1.0):
        lesson = ask(folders, weight=weight).teach(1.0, films[0])
        assert lesson.evidence is None
        assert lesson.features is None
        assert lesson.probability == pytest.approx((1 - weight) * 1.0 + weight * score)


def make_dataset(
    films: NDArray[np.float32], teachers: Teachers | None, **augmentation: Any
) -> TrainingFilms:
    section = AugmentationSection(**augmentation)
    return TrainingFilms(films, np.array([0, 0, 1, 1]), TINY_INPUT, section, 0, teachers)


def test_teachers_see_the_augmented_film_or_the_clean_one(
    folders: list[Path], films: NDArray[np.float32]
) -> None:
    augmented = make_dataset(films, ask(folders, weight=1.0), gamma=3.0)
    assert len({float(augmented[epoch, 2][1]) for epoch in range(4)}) == 4
    clean = make_dataset(films, ask(folders, weight=1.0, films="clean"), gamma=3.0)
    expected = ask(folders).score(films[2])
    assert [float(clean[epoch, 2][1]) for epoch in range(3)] == pytest.approx([expected] * 3)
    plain = make_dataset(films, None, gamma=3.0)
    assert plain[1, 2][0].equal(augmented[1, 2][0])
    assert float(plain[1, 2][1]) == 1.0


def _score_elsewhere(teachers: Teachers, film: NDArray[np.float32]) -> float:
    return teachers.score(film)


def test_teachers_follow_into_other_processes(
    folders: list[Path], films: NDArray[np.float32]
) -> None:
    teachers = ask(folders)
    here = teachers.score(films[0])
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(_score_elsewhere, (teachers, films[0])) == here
    assert pickle.loads(pickle.dumps(teachers)).score(films[0]) == here


def test_no_teacher_is_no_distillation() -> None:
    assert load_teachers(DistillationSection(), TINY_INPUT) is None


def test_an_unknown_teacher_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="nobody"):
        load_teachers(DistillationSection(teachers=("nobody",)), TINY_INPUT)


@pytest.mark.parametrize(
    "changes",
    [
        {"resize": "letterbox"},
        {"resize": "shortest_side_crop", "shortest_side_px": 80},
        {"recipe": {"name": "hu_window", "center": 40, "width": 800}},
    ],
)
def test_a_teacher_of_other_films_is_refused(changes: dict[str, Any]) -> None:
    student = InputSpec.model_validate(TINY_INPUT.model_dump() | changes)
    with pytest.raises(ConfigError, match=r"teacher tiny takes films with resize=squash"):
        check_teacher(make_tiny_spec(b""), student)


@pytest.mark.parametrize(("shortest", "fits"), [(160, True), (200, False)])
def test_a_teacher_that_crops_as_the_student_does_may_be_larger(shortest: int, fits: bool) -> None:
    cropped = {"resize": "shortest_side_crop", "shortest_side_px": 80}
    student = InputSpec.model_validate(TINY_INPUT.model_dump() | cropped)
    larger = {"height_px": 128, "width_px": 96, "shortest_side_px": shortest}
    teacher = InputSpec.model_validate(student.model_dump() | larger)
    spec = make_tiny_spec(b"", teacher)
    if fits:
        check_teacher(spec, student)
    else:
        with pytest.raises(ConfigError):
            check_teacher(spec, student)


def test_a_student_learns_from_its_teacher_alone(drawn_dataset: Path, tmp_path: Path) -> None:
    """With weight 1 the labels are not used: the student repeats what the teacher says."""
    settings = make_settings()
    settings["augmentation"] = {"flip": 0.5}
    square = InputSpec(height_px=64, width_px=64, normalization="per_film")
    write_tiny_network(tmp_path / "teacher", square, name="tiny")
    settings["distillation"] = {"teachers": [str(tmp_path / "teacher")], "weight": 1.0}
    settings["optimization"]["epochs"] = 6
    run = run_recipe(Recipe.model_validate(settings), drawn_dataset, tmp_path / "run", workers=1)
    losses = [record.train_loss for record in run.history]
    assert losses[-1] < losses[0]
