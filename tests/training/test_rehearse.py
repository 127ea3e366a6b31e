"""What is tried before training: the rate finder, and the profile."""

from __future__ import annotations

import csv
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from factories.timm_networks import write_run
from hilum.errors import ConfigError, MissingExtraError
from hilum.models.restore import is_folded
from hilum.training.find_rate import RateCurve, _read_curve, find_rate
from hilum.training.optimization import ProgressiveResizing
from hilum.training.profile import measure_rates
from hilum.training.recipe import Recipe
from hilum.training.rehearse import Rehearsal, prepare_rehearsal


@pytest.fixture
def rehearsal(recipe: Recipe, drawn_dataset: Path) -> Rehearsal:
    return prepare_rehearsal(recipe, drawn_dataset, workers=0)


def test_batches_go_on_and_are_augmented_anew(rehearsal: Rehearsal) -> None:
    batches = [next(rehearsal.batches) for _ in range(14)]  # 96 films are six batches of 16
    assert {tuple(films.shape) for films, _ in batches} == {(16, 1, 64, 64)}
    assert not batches[0][0].equal(batches[6][0])


def test_rehearsals_take_films_of_the_networks_own_size(
    recipe: Recipe, drawn_dataset: Path
) -> None:
    resizing = ProgressiveResizing(first_height_px=32, full_from_epoch=2)
    optimization = recipe.optimization.model_copy(update={"progressive_resizing": resizing})
    growing = recipe.model_copy(update={"optimization": optimization})
    films, _ = next(prepare_rehearsal(growing, drawn_dataset, workers=0).batches)
    assert films.shape[2:] == (64, 64)


def test_rehearsals_begin_as_the_run_would(
    small_recipe: dict[str, Any], drawn_dataset: Path, tmp_path: Path
) -> None:
    write_run(tmp_path / "parent")
    small_recipe["network"]["init"] = str(tmp_path / "parent")
    network = prepare_rehearsal(
        Recipe.model_validate(small_recipe), drawn_dataset, workers=0
    ).network
    assert not any(is_folded(module) for module in network.modules())


def test_the_finder_rises_until_the_loss_does(recipe: Recipe, rehearsal: Rehearsal) -> None:
    told: list[tuple[int, int, float]] = []
    curve = find_rate(
        rehearsal.network,
        recipe,
        rehearsal.batches,
        rehearsal.compute_loss,
        lowest=1e-5,
        highest=100.0,
        steps=40,
        report_step=lambda *step: told.append(step),
    )
    ratios = np.diff(np.log(curve.rates))
    np.testing.assert_allclose(ratios, np.log(1e7) / 39)
    assert 1e-5 < curve.steepest < 1.0
    assert min(curve.losses) < 0.9 * curve.losses[0]
    assert told[-1][:2] == (len(told), 40)


def test_what_the_curve_says() -> None:
    rates = list(np.logspace(-6, 0, 61))
    # Falls between 1e-4 and 1e-2, steepest at 1e-3, and rises from 1e-1 on.
    exponents = np.log10(rates)
    losses = 1 / (1 + np.exp(4 * (exponents + 3))) + np.exp(6 * (exponents + 0.5))
    curve = _read_curve(rates, list(losses))
    assert curve.steepest == pytest.approx(1e-3, rel=0.3)
    assert curve.highest == pytest.approx(rates[int(np.argmin(losses))] / 10)
    losses[:3] = (2.0, 1.4, 1.0)  # noise of the first batches is no fall
    assert _read_curve(rates, list(losses)).steepest == pytest.approx(1e-3, rel=0.3)
    with pytest.raises(ConfigError, match="something other than the rate"):
        _read_curve(rates[:5], list(losses[:5]))


def test_head_and_body_keep_their_ratio(recipe: Recipe, rehearsal: Rehearsal) -> None:
    section = recipe.optimization.model_copy(update={"head_learning_rate": 0.05})
    seen: list[set[float]] = []
    real = torch.optim.AdamW.step

    def step(self: Any, *args: Any, **named: Any) -> Any:
        seen.append({group["lr"] for group in self.param_groups})
        return real(self, *args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", step)
        find_rate(
            rehearsal.network,
            recipe.model_copy(update={"optimization": section}),
            rehearsal.batches,
            rehearsal.compute_loss,
            lowest=1e-6,
            highest=1e-4,
            steps=20,
        )
    assert len(seen) == 20
    for rates in seen:
        assert max(rates) / min(rates) == pytest.approx(10)


def make_curve() -> RateCurve:
    rates = tuple(np.logspace(-5, -1, 30).tolist())
    return RateCurve(rates, tuple(np.linspace(1, 0.4, 30).tolist()), 1e-3, 1e-2)


def test_table_and_figure(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    curve = make_curve()
    curve.write_csv(tmp_path / "curve.csv")
    curve.write_png(tmp_path / "curve.png")
    with (tmp_path / "curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[3]["learning_rate"]) == pytest.approx(curve.rates[3], rel=1e-5)
    content = (tmp_path / "curve.png").read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert width > 600
    assert height > 400
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curve.csv", "curve.png"]


def test_the_figure_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"hilum\[lab\]"):
        make_curve().plot()


def test_the_profile_measures_three_rates(
    recipe: Recipe, rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    def spend(seconds: float) -> None:
        nonlocal now
        now += seconds

    def read() -> Iterator[tuple[Tensor, Tensor]]:
        for batch in rehearsal.batches:
            spend(1.0)
            yield batch

    def compute_loss(outputs: Tensor, targets: Tensor) -> Tensor:
        spend(3.0)
        return rehearsal.compute_loss(outputs, targets)

    # A clock that only films and steps move: what another process does to this machine is
    # no part of what is tested.
    monkeypatch.setattr("hilum.training.profile.time.perf_counter", lambda: now)
    rates = measure_rates(rehearsal.network, recipe, read(), compute_loss, rounds=2, steps=3)
    size = len(next(rehearsal.batches)[0])
    assert rates.bare == pytest.approx(size / 3)
    assert rates.whole == pytest.approx(size / 4)
    assert rates.films == pytest.approx(size)
    assert list(rates.shares) == pytest.approx([3 / 4] * 2)
    assert rates.share == pytest.approx(3 / 4)
