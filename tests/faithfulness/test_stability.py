"""Films hardly changed, and weights that are shuffled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from factories.labelled_films import SIDE, draw_patch, make_films
from hilum.data.phantom import Opacity, draw_phantom
from hilum.errors import ConfigError, DatasetError
from hilum.explain import explain
from hilum.faithfulness import measure_stability, stability
from hilum.faithfulness.stability import correlate
from hilum.inference import Backend


def test_the_rank_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 9, (6, 5)).astype(np.float32)
    second = (first + rng.integers(0, 9, (6, 5))).astype(np.float32)
    spearmanr = pytest.importorskip("scipy.stats").spearmanr
    expected = spearmanr(first.ravel(), second.ravel()).statistic
    assert correlate(first, second) == pytest.approx(expected)
    assert correlate(first, -first) == pytest.approx(-1.0)
    assert correlate(first, np.ones_like(first)) == 0.0


def test_a_map_of_each_place_hardly_changes_with_the_film(backend: Backend) -> None:
    cloudy = Opacity(0.3, 0.5, 0.2, 1.0)
    films = make_films(
        [draw_phantom(seed, height_px=SIDE, width_px=SIDE, opacity=cloudy) for seed in (0, 1)],
        [1, 1],
    )
    done: list[tuple[int, int]] = []
    (found,) = measure_stability(
        backend,
        films,
        ["evidence"],
        random_weights=False,
        report=lambda *pair: done.append(pair),
    )
    assert done == [(1, 2), (2, 2)]
    assert (found.method, found.films, found.random_weights) == ("evidence", 2, ())
    assert found.tone[0] > 0.9
    assert found.shift[0] > 0.5
    assert found.noise[1] <= found.noise[0] <= found.noise[2]


def test_a_map_dies_with_the_weights_and_the_model_does_not(backend: Backend) -> None:
    pytest.importorskip("onnx")
    cloudy = Opacity(0.3, 0.5, 0.2, 1.0)
    films = make_films(
        [draw_phantom(seed, height_px=SIDE, width_px=SIDE, opacity=cloudy) for seed in (0, 1)],
        [1, 1],
    )
    before = explain(backend, films[0].radiograph).values
    done: list[tuple[int, int]] = []
    (found,) = measure_stability(
        backend, films, ["evidence"], report=lambda *pair: done.append(pair)
    )
    np.testing.assert_array_equal(before, explain(backend, films[0].radiograph).values)
    names = [name for name, _ in found.random_weights]
    assert names == ["head", "patches"]
    assert done[-1] == (2 * 3, 2 * 3)
    for _, (alike, low, high) in found.random_weights:
        assert low <= alike <= high < found.noise[0]


def test_a_map_that_weights_do_not_change_is_told(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[tuple[int, int]] = []

    def leave_weights(same: Backend, seed: tuple[int, int]) -> Iterator[Backend]:
        seeds.append(seed)
        yield same

    monkeypatch.setattr(stability, "_shuffle_weights", leave_weights)
    monkeypatch.setattr(stability, "_list_layers", lambda _: ["all"])
    films = make_films(
        [draw_phantom(seed, height_px=SIDE, width_px=SIDE) for seed in range(21)], [1] * 21
    )
    (found,) = measure_stability(backend, films, ["evidence"])
    [(layer, alike)] = found.random_weights
    assert layer == "all"
    assert alike == pytest.approx((1.0, 1.0, 1.0))
    assert seeds == [(0, 0), (0, 1)], "ten films and eleven, each group shuffled in its own way"


def test_a_layout_that_all_maps_share_says_nothing_of_the_weights(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    layout = rng.normal(0.0, 9.0, (SIDE, SIDE)).astype(np.float32)

    def draw(*_: object) -> NDArray[np.float32]:
        return layout + rng.normal(0.0, 1.0, layout.shape).astype(np.float32)

    monkeypatch.setattr(stability, "_draw", draw)
    monkeypatch.setattr(stability, "_change_film", lambda *_: [1.0, 1.0, 1.0])
    monkeypatch.setattr(stability, "_shuffle_weights", lambda same, _: iter([same]))
    monkeypatch.setattr(stability, "_list_layers", lambda _: ["all"])
    films = make_films([draw_patch(24, 40)] * 10, [1] * 10)
    (found,) = measure_stability(backend, films, ["evidence"])
    assert correlate(draw(), draw()) > 0.9
    [(_, (alike, _, _))] = found.random_weights
    assert abs(alike) < 0.1


def test_a_single_film_has_no_mean_to_take_off(backend: Backend) -> None:
    films = make_films([draw_phantom(0, height_px=SIDE, width_px=SIDE)], [1])
    (found,) = measure_stability(backend, films, ["evidence"])
    assert found.random_weights == ()


def test_what_cannot_be_measured(backend: Backend) -> None:
    with pytest.raises(DatasetError, match="no films of the positive class to change"):
        measure_stability(backend, make_films([draw_patch(24, 40)], [0]), ["evidence"])


def test_a_network_on_torch_is_to_be_exported(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from factories.timm_networks import SMALL_RESNET, choose_size_px, write_run
    from hilum.inference.torch_backend import TorchBackend

    spec = write_run(tmp_path)
    side = choose_size_px(SMALL_RESNET)
    films = make_films([draw_phantom(0, height_px=side, width_px=side)] * 2, [1, 1])
    with (
        TorchBackend.from_checkpoint(tmp_path / "checkpoint.safetensors", spec) as torch_backend,
        pytest.raises(ConfigError, match="TorchBackend has none"),
    ):
        measure_stability(torch_backend, films, ["evidence"])
