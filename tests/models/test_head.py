"""The evidence head, on torch alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from factories.timm_networks import (
    SMALL_EFFICIENTNET,
    SMALL_RESNET,
    SMALL_VIT,
    build_seasoned_network,
)
from hilum.errors import ExportError
from hilum.models.build import build_network
from hilum.models.head import EvidenceNetwork, _own_size, merge_logits


def test_the_map_and_the_bias_are_the_logit() -> None:
    network = build_seasoned_network(SMALL_EFFICIENTNET)
    evidence_network = EvidenceNetwork(network)
    batch = torch.randn(3, 1, 96, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logit, evidence, embedding, activations = evidence_network(batch)
        expected = network(batch)[:, 0]
    assert evidence.shape == (3, 3, 2)
    assert embedding.shape == (3, evidence_network.head.in_features)
    torch.testing.assert_close(activations.mean(dim=(2, 3)), embedding)
    weighed = torch.einsum("ndij,d->nij", activations, evidence_network.head.weight[0])
    torch.testing.assert_close(weighed, evidence, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(logit, expected)
    torch.testing.assert_close(evidence.mean(dim=(1, 2)) + evidence_network.bias, logit)


def test_double_precision_holds_the_identity_to_its_own_rounding() -> None:
    evidence_network = EvidenceNetwork(build_seasoned_network(SMALL_RESNET).double())
    batch = torch.randn(2, 1, 64, 64, dtype=torch.float64)
    logit, evidence, *_ = evidence_network(batch)
    total = evidence.mean(dim=(1, 2)) + evidence_network.bias
    torch.testing.assert_close(total, logit, rtol=0, atol=1e-12)


def test_gradients_reach_the_input() -> None:
    evidence_network = EvidenceNetwork(build_seasoned_network(SMALL_RESNET))
    batch = torch.randn(1, 1, 64, 64, requires_grad=True)
    logit, *_ = evidence_network(batch)
    logit.sum().backward()
    assert batch.grad is not None
    assert batch.grad.abs().sum() > 0


def test_a_head_of_two_classes_is_refused() -> None:
    import timm

    with pytest.raises(ExportError, match="one linear logit"):
        EvidenceNetwork(timm.create_model(SMALL_RESNET, num_classes=2))


def test_a_network_that_is_not_timms_is_refused() -> None:
    with pytest.raises(ExportError, match="one linear logit"):
        EvidenceNetwork(nn.Sequential(nn.Conv2d(1, 4, 3)))


@pytest.mark.parametrize("seed", range(8))
def test_numbers_decide_not_class_names(seed: int) -> None:
    """A norm slipped between pool and head is seen although every attribute looks right."""
    torch.manual_seed(seed)
    network: Any = build_network(SMALL_RESNET, init="none")
    head = network.get_classifier()
    with torch.no_grad():
        head.weight *= 1e-4  # a small logit must not hide it either
        head.bias += 3.0
    EvidenceNetwork(network)  # a bias that outweighs everything is no fault
    with torch.no_grad():
        head.bias -= 3.0
    pool = network.global_pool
    network.global_pool = nn.Sequential(pool, nn.LayerNorm(head.in_features))
    with pytest.raises(ExportError, match="more than a global average pool"):
        EvidenceNetwork(network)


def test_a_head_without_bias_has_bias_zero() -> None:
    network: Any = build_network(SMALL_RESNET, init="none")
    network.fc = nn.Linear(network.fc.in_features, 1, bias=False)
    assert EvidenceNetwork(network).bias == 0.0


@pytest.mark.parametrize("name", [SMALL_RESNET, SMALL_EFFICIENTNET, SMALL_VIT, "densenet121"])
def test_two_logits_become_their_difference(name: str) -> None:
    torch.manual_seed(0)
    network: Any = build_network(name, init="none", outputs=2).eval()
    # A network just drawn gives next to nothing; a head of some size does.
    torch.nn.init.normal_(network.get_classifier().weight)
    torch.nn.init.normal_(network.get_classifier().bias)
    batch = torch.randn(3, 1, *(_own_size(network) or (64, 64)))
    with torch.inference_mode():
        two = network(batch)
        merge_logits(network)
        one = network(batch)
    assert one.shape == (3, 1)
    torch.testing.assert_close(one[:, 0], two[:, 1] - two[:, 0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(torch.sigmoid(one[:, 0]), torch.softmax(two, 1)[:, 1])
    EvidenceNetwork(network, size_px=(batch.shape[2], batch.shape[3]))
    again = network.get_classifier()
    merge_logits(network)
    assert network.get_classifier() is again


def test_more_than_two_logits_cannot_be_merged() -> None:
    import timm

    with pytest.raises(ExportError, match="one or two"):
        merge_logits(timm.create_model(SMALL_RESNET, num_classes=3))
