"""Films hardly changed, and weights that are shuffled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from factories.labelled_films import SIDE, draw_patch, make_films
from hilum.data.phantom import Opacity, draw_phantom
from hilum.errors import ConfigError, DatasetError
from hilum.explain import explain
from hilum.faithfulness import measure_stability
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


def test_each_film_meets_weights_that_are_shuffled_in_another_way(backend: Backend) -> None:
    pytest.importorskip("onnx")
    cloudy = draw_phantom(0, height_px=SIDE, width_px=SIDE, opacity=Opacity(0.3, 0.5, 0.2, 1.0))
    (found,) = measure_stability(backend, make_films([cloudy, cloudy], [1, 1]), ["evidence"])
    _, (alike, low, high) = found.random_weights[0]
    assert low < alike < high, "the same film twice differs by the weights alone"


def test_what_cannot_be_measured(backend: Backend) -> None:
    with pytest.raises(DatasetError, match="no films of the positive class to change"):
        measure_stability(backend, make_films([draw_patch(24, 40)], [0]), ["evidence"])


def test_a_network_on_torch_is_to_be_exported(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from factories.timm_networks import SMALL_RESNET, choose_size_px, write_run
    from hilum.inference.torch_backend import TorchBackend

    spec = write_run(tmp_path)
    side = choose_size_px(SMALL_RESNET)
    films = make_films([draw_phantom(0, height_px=side, width_px=side)], [1])
    with (
        TorchBackend.from_checkpoint(tmp_path / "checkpoint.safetensors", spec) as torch_backend,
        pytest.raises(ConfigError, match="TorchBackend has none"),
    ):
        measure_stability(torch_backend, films, ["evidence"])
