"""From the shipped file back to torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from factories.networks import build_tiny_onnx
from factories.timm_networks import (
    SMALL_EFFICIENTNET,
    SMALL_RESNET,
    SMALL_VIT,
    build_seasoned_network,
    choose_size_px,
    export_network,
)
from hilum.errors import SpecMismatchError
from hilum.models.build import build_network
from hilum.models.export import export_onnx
from hilum.models.head import EvidenceNetwork
from hilum.models.restore import restore_network
from hilum.spec import Storage

NAMES = [
    SMALL_RESNET,
    SMALL_EFFICIENTNET,
    SMALL_VIT,
    pytest.param("densenet121", marks=pytest.mark.slow),  # norms that cannot be folded
]


@pytest.mark.parametrize("storage", ["float32", "float16", "int8"])
@pytest.mark.parametrize("timm_name", NAMES)
def test_the_network_computes_what_the_graph_computes(timm_name: str, storage: Storage) -> None:
    graph = export_network(build_seasoned_network(timm_name), timm_name, storage=storage)
    size_px = choose_size_px(timm_name)
    batch = torch.randn(2, 1, size_px, size_px, generator=torch.Generator().manual_seed(5))
    session = onnxruntime.InferenceSession(graph.data, providers=["CPUExecutionProvider"])
    network = restore_network(graph.data)
    assert not network.training
    with torch.inference_mode():
        outputs = EvidenceNetwork(network)(batch)
    for ours, theirs in zip(session.run(None, {"radiograph": batch.numpy()}), outputs, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=1e-4)


@pytest.mark.slow
def test_tables_that_no_file_holds_come_back() -> None:
    network = build_network("gcvit_xxtiny", init="none", in_channels=1).eval()
    tables = {name for name, _ in network.named_buffers()} - network.state_dict().keys()
    assert tables
    restored = restore_network(export_onnx(network, height_px=224, width_px=224).data)
    for name in tables:
        assert torch.equal(restored.get_buffer(name), network.get_buffer(name))


def test_the_layers_are_those_of_timm() -> None:
    """Norms come back as norms: what is measured on torch is timm's own network."""
    original = build_seasoned_network(SMALL_RESNET)
    restored: Any = restore_network(export_network(original, SMALL_RESNET).data)
    assert str(restored) == str(original).replace("momentum=None", "momentum=0.1")


def test_a_graph_that_hilum_did_not_export_is_refused() -> None:
    with pytest.raises(SpecMismatchError, match="did not write it"):
        restore_network(build_tiny_onnx())


def test_garbage_is_refused() -> None:
    with pytest.raises(SpecMismatchError, match="not an ONNX graph"):
        restore_network(b"\xff\xffgarbage")


def test_a_missing_tensor_is_refused() -> None:
    graph = export_network(build_seasoned_network(SMALL_RESNET), SMALL_RESNET)
    model = onnx.load_from_string(graph.data)
    del model.graph.initializer[0]
    with pytest.raises(SpecMismatchError, match="does not hold the tensors"):
        restore_network(model.SerializeToString())
