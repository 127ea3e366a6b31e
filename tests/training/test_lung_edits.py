"""Films that show only lungs, no lungs, or an opacity that was planted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factories.training import make_settings
from hilum.anatomy import find_lungs
from hilum.data.phantom import draw_phantom
from hilum.spec import InputSpec
from hilum.training.films import TrainingFilms
from hilum.training.lung_edits import REGION_GRID, LungEdits, find_planted
from hilum.training.map_loss import TargetLayout
from hilum.training.recipe import AugmentationSection, Recipe
from hilum.training.run import run_recipe

SIDE = 96
SPEC = InputSpec(height_px=SIDE, width_px=SIDE, normalization="per_film")
FILMS = np.stack([draw_phantom(seed, height_px=SIDE, width_px=SIDE) for seed in range(4)])
LABELS = np.array([0, 0, 1, 1])


def make_edits(**shares: Any) -> LungEdits:
    edits = LungEdits(AugmentationSection(**shares))
    for film in FILMS:
        edits.add(film)
    return edits


def make_dataset(**augmentation: Any) -> TrainingFilms:
    return TrainingFilms(FILMS, LABELS, SPEC, AugmentationSection(**augmentation), 0)


def test_lungs_alone_and_films_without_them() -> None:
    lungs = find_lungs(FILMS[0])
    only, without = (
        make_edits(**{kind: 1.0}).edit(FILMS[0], 0, 0, np.random.default_rng(0))
        for kind in ("lungs_only", "lungs_levelled")
    )
    assert (only.kind, without.kind) == ("lungs_only", "lungs_levelled")
    rows, columns = np.nonzero(lungs)
    inside = np.s_[
        int(np.median(rows)) - 3 : int(np.median(rows)) + 3, columns.min() + 8 : columns.min() + 14
    ]
    np.testing.assert_allclose(only.film[inside], FILMS[0][inside], atol=0.02)
    assert np.ptp(without.film[inside]) < 0.02
    assert np.ptp(only.film[-8:, :8]) < 0.01
    np.testing.assert_array_equal(without.film[-8:, :8], FILMS[0][-8:, :8])


def test_opacities_are_planted_into_negative_films_alone() -> None:
    edits = make_edits(planted=1.0)
    kinds = [
        edits.edit(FILMS[i], i, int(LABELS[i]), np.random.default_rng(i)).kind for i in range(4)
    ]
    assert kinds == ["planted", "planted", "none", "none"]


def test_shares_are_kept() -> None:
    edits = make_edits(lungs_only=0.3, lungs_levelled=0.2, planted=0.5)
    rng = np.random.default_rng(0)
    kinds = [edits.edit(FILMS[0], 0, 0, rng).kind for _ in range(400)]
    shares = {kind: kinds.count(kind) / 400 for kind in set(kinds)}
    assert shares == pytest.approx(
        {"lungs_only": 0.3, "lungs_levelled": 0.2, "planted": 0.25, "none": 0.25}, abs=0.07
    )


def test_a_film_without_lungs_is_left_as_it_is() -> None:
    edits = LungEdits(AugmentationSection(lungs_only=1.0))
    edits.add(
        np.zeros((SIDE, SIDE), dtype=np.float32) + np.float32(0.9) * np.eye(SIDE, dtype=np.float32)
    )
    black = np.zeros((SIDE, SIDE), dtype=np.float32)
    edits._lungs[0] = None
    edit = edits.edit(black, 0, 0, np.random.default_rng(0))
    assert edit.kind == "none"
    assert edit.film is black


def test_where_an_opacity_has_come_to_lie() -> None:
    plain = FILMS[0]
    film = plain.copy()
    film[12:24, 60:72] += 0.2
    shares = find_planted(film, plain)
    assert shares is not None
    cell = SIDE / REGION_GRID
    assert shares.sum() * cell**2 == pytest.approx(12 * 12, rel=0.06)
    row, column = divmod(int(shares.argmax()), REGION_GRID)
    assert 12 <= (row + 0.5) * cell <= 24
    assert 60 <= (column + 0.5) * cell <= 72
    assert find_planted(plain + np.float32(0.01), plain) is None


def test_targets_of_edited_films() -> None:
    geometry = {"flip": 1.0, "gamma": 1.3}
    levelled = make_dataset(lungs_levelled=1.0, **geometry)
    assert [float(levelled[1, index][1]) for index in range(4)] == [0.5] * 4
    only = make_dataset(lungs_only=1.0, **geometry)
    assert [float(only[1, index][1]) for index in range(4)] == [0, 0, 1, 1]
    planted = make_dataset(planted=1.0, **geometry)
    assert planted.layout == TargetLayout(regions=True)
    targets = [planted[1, index][1].numpy() for index in range(4)]
    assert all(target.shape == (1 + REGION_GRID**2,) for target in targets)
    assert all(target[1:].sum() > 0.1 for target in targets[:2])
    assert all(target[0] == 1 and not target[1:].any() for target in targets[2:])


def test_a_film_is_edited_the_same_way_again_and_otherwise_the_next_time() -> None:
    dataset = make_dataset(planted=1.0, rotation_deg=5)
    films = [dataset[epoch, 0][0] for epoch in (1, 1, 2)]
    assert films[0].equal(films[1])
    assert not films[0].equal(films[2])


def test_films_that_are_not_edited_stay_the_same_to_the_last_bit() -> None:
    with_edits, without = make_dataset(planted=1.0, gamma=1.3), make_dataset(gamma=1.3)
    assert with_edits[3, 2][0].equal(without[3, 2][0])


@pytest.mark.slow
def test_a_run_with_everything(drawn_dataset: Path, tmp_path: Path) -> None:
    settings = make_settings()
    settings["augmentation"] = {
        "flip": 0.5, "lungs_only": 0.2, "lungs_levelled": 0.1, "planted": 0.5,
    }  # fmt: skip
    run = run_recipe(Recipe.model_validate(settings), drawn_dataset, tmp_path / "run", workers=1)
    assert np.isfinite([record.train_loss for record in run.history]).all()
