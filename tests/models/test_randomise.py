"""Weights that are shuffled step by step."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("onnx")

import onnx

from factories.networks import build_tiny_onnx
from hilum.models.onnx_storage import read_weights_as_float32
from hilum.models.randomise import list_layers, shuffle_weights


def read(weights: bytes) -> dict[str, NDArray[np.float32]]:
    return dict(read_weights_as_float32(onnx.load_from_string(weights)))


@pytest.mark.parametrize("storage", ["float32", "float16", "int8"])
def test_weights_lose_their_order_from_the_head_to_the_stem(storage: str) -> None:
    pytest.importorskip("torch")
    from factories.timm_networks import SMALL_RESNET, build_seasoned_network, export_network

    network = build_seasoned_network(SMALL_RESNET)
    weights = export_network(network, SMALL_RESNET, storage=storage).data  # type: ignore[arg-type]
    before = read(weights)
    steps = list(shuffle_weights(weights, seed=0))
    assert [name for name, _ in steps] == list_layers(weights)
    changed: list[set[str]] = []
    for _, after in steps:
        own = read(after)
        assert own.keys() == before.keys()
        changed.append({key for key in own if not np.array_equal(own[key], before[key])})
    assert {key.split(".")[0] for key in changed[0]} == {"fc"}
    for earlier, later in itertools.pairwise(changed):
        assert earlier < later
    assert any(key.startswith("conv1") for key in changed[-1] - changed[-3])
    many = [key for key, value in before.items() if value.size > 8 and np.ptp(value) > 0]
    assert set(many) <= changed[-1] | {key for key in many if key.endswith(".scale")}
    for key in many:
        if not key.endswith(".scale"):
            shuffled = np.sort(read(steps[-1][1])[key].ravel())
            step = np.abs(before[key]).max() / 127 if storage == "int8" else 0.0
            np.testing.assert_allclose(shuffled, np.sort(before[key].ravel()), atol=step)


def test_the_same_seed_gives_the_same_order() -> None:
    tiny = build_tiny_onnx()
    first, same, other = (list(shuffle_weights(tiny, seed))[-1][1] for seed in (0, 0, 1))
    assert first == same != other
