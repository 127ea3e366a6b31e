"""Weights that are shuffled step by step."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from factories.timm_networks import SMALL_RESNET, build_seasoned_network
from hilum.models.randomise import shuffle_weights


def test_weights_lose_their_order_from_the_head_to_the_stem() -> None:
    network: Any = build_seasoned_network(SMALL_RESNET)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    layers = ["layer4", "layer3"]
    changed: list[set[str]] = []
    names = []
    for name in shuffle_weights(network, layers, seed=0):
        names.append(name)
        state = network.state_dict()
        changed.append({key for key in before if not state[key].equal(before[key])})
    assert names == ["head", "layer4", "layer3", "stem"]
    assert changed[0] == {"fc.weight"}  # one bias has one order
    assert {key.split(".")[0] for key in changed[1]} == {"fc", "layer4"}
    assert {key.split(".")[0] for key in changed[2]} == {"fc", "layer4", "layer3"}
    assert "conv1.weight" in changed[3] or "conv1.0.weight" in changed[3]
    for key, value in network.state_dict().items():
        torch.testing.assert_close(
            value.flatten().sort().values, before[key].flatten().sort().values
        )
        assert changed[1] <= changed[2] <= changed[3]


def test_the_same_seed_gives_the_same_order() -> None:
    states = []
    for seed in (0, 0, 1):
        network: Any = build_seasoned_network(SMALL_RESNET)
        list(shuffle_weights(network, [], seed=seed))
        states.append(network.fc.weight.clone())
    assert states[0].equal(states[1])
    assert not states[0].equal(states[2])
