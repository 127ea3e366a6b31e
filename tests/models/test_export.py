"""Export: torch and ONNX agree, the map is Grad-CAM, and the file says nothing of its maker."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from factories.timm_networks import (
    SMALL_EFFICIENTNET,
    SMALL_RESNET,
    SMALL_VIT,
    build_seasoned_network,
    choose_size_px,
    export_network,
)
from hilum.errors import ExportError
from hilum.models import export as export_module
from hilum.models.build import build_network
from hilum.models.export import ExportedGraph
from hilum.models.head import EvidenceNetwork
from hilum.spec import Storage

Outputs = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]

# Where each family's pooled features come out.
FEATURES = {
    "ResNet": "layer4",
    "EfficientNet": "bn2",
    "DenseNet": "features.norm5",
    "VisionTransformer": "norm",
}

FAMILIES = [
    SMALL_RESNET,
    SMALL_EFFICIENTNET,
    SMALL_VIT,
    "resnet18",
    pytest.param("resnet50", marks=pytest.mark.slow),
    pytest.param("tf_efficientnet_lite0", marks=pytest.mark.slow),
    pytest.param("efficientnet_b0", marks=pytest.mark.slow),
    pytest.param("densenet121", marks=pytest.mark.slow),
    pytest.param("vit_tiny_patch16_224", marks=pytest.mark.slow),
]


@dataclass
class Exported:
    """A network and its graphs; each is made when it is first asked for."""

    timm_name: str
    network: nn.Module
    _graphs: dict[Storage, ExportedGraph] = field(default_factory=dict)

    @property
    def graph(self) -> ExportedGraph:
        """The graph with the weights as they are."""
        return self.store("float32")

    def store(self, storage: Storage) -> ExportedGraph:
        """Give the graph with weights of a kind."""
        if storage not in self._graphs:
            self._graphs[storage] = export_network(self.network, self.timm_name, storage=storage)
        return self._graphs[storage]

    def make_noise(self, films: int, seed: int = 1, scale: float = 1.0) -> torch.Tensor:
        """Draw a batch."""
        size_px = choose_size_px(self.timm_name)
        generator = torch.Generator().manual_seed(seed)
        return scale * torch.randn(films, 1, size_px, size_px, generator=generator)


def open_session(graph: ExportedGraph) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(graph.data, providers=["CPUExecutionProvider"])


def run_onnx(session: onnxruntime.InferenceSession, batch: torch.Tensor) -> Outputs:
    logit, evidence, embedding, activations = session.run(None, {"radiograph": batch.numpy()})
    return logit, evidence, embedding, activations


def run_torch(network: nn.Module, batch: torch.Tensor) -> Outputs:
    height_px, width_px = batch.shape[2:]
    with torch.inference_mode():
        evidence_network = EvidenceNetwork(network, size_px=(height_px, width_px))
        logit, evidence, embedding, activations = evidence_network(batch)
    return logit.numpy(), evidence.numpy(), embedding.numpy(), activations.numpy()


@pytest.fixture(scope="module", params=FAMILIES)
def exported(request: pytest.FixtureRequest) -> Exported:
    return Exported(request.param, build_seasoned_network(request.param))


@pytest.fixture(scope="module")
def small() -> Exported:
    return Exported(SMALL_RESNET, build_seasoned_network(SMALL_RESNET))


def test_torch_and_onnx_agree_on_logits_and_maps(exported: Exported) -> None:
    session = open_session(exported.graph)
    for films in (1, 2, 5):
        batch = exported.make_noise(films)
        ours, theirs = run_onnx(session, batch), run_torch(exported.network, batch)
        assert all(output.dtype == np.float32 for output in ours)
        for given_, expected in zip(ours[:2], theirs[:2], strict=True):
            np.testing.assert_allclose(given_, expected, rtol=0, atol=1e-4)
        # Features have no unit: their rounding is told by the largest of them.
        for given_, expected in zip(ours[2:], theirs[2:], strict=True):
            largest = float(np.abs(expected).max())
            np.testing.assert_allclose(given_, expected, rtol=0, atol=1e-4 * largest)
        embedding, activations = ours[2:]
        np.testing.assert_allclose(activations.mean((2, 3)), embedding, rtol=1e-4, atol=1e-5)


def test_the_logit_is_the_one_of_the_network_as_timm_runs_it(exported: Exported) -> None:
    batch = exported.make_noise(3)
    with torch.inference_mode():
        expected = exported.network(batch)[:, 0].numpy()
    logit, *_ = run_onnx(open_session(exported.graph), batch)
    np.testing.assert_allclose(logit, expected, rtol=0, atol=1e-4)
    assert np.ptp(logit) > 1e-3, "a network that says the same of all films proves nothing"


def test_the_facts_for_the_spec_are_those_of_the_graph(exported: Exported) -> None:
    facts = exported.graph.architecture
    logit, evidence, embedding, activations = run_onnx(
        open_session(exported.graph), exported.make_noise(2)
    )
    assert logit.shape == (2,)
    assert evidence.shape == (2, *facts.evidence_shape)
    assert embedding.shape == (2, facts.embedding_size)
    assert activations.shape == (2, facts.embedding_size, *facts.evidence_shape)
    assert facts.timm_name == exported.timm_name
    assert facts.parameters == sum(p.numel() for p in exported.network.parameters())
    assert facts.head_bias == pytest.approx(0.25)


@pytest.mark.parametrize("storage", ["float32", "float16", "int8"])
def test_bias_and_mean_of_the_map_are_the_logit(exported: Exported, storage: Storage) -> None:
    """The identity holds for whatever film, batch and scale, in every kind of file."""
    graph = exported.store(storage)
    session = open_session(graph)

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        films=st.integers(1, 3),
        seed=st.integers(0, 2**31),
        scale=st.floats(0.0, 4.0),
    )
    def check(films: int, seed: int, scale: float) -> None:
        logit, evidence, *_ = run_onnx(session, exported.make_noise(films, seed, scale))
        total = graph.architecture.head_bias + evidence.mean(axis=(1, 2), dtype=np.float64)
        rounding = 1e-5 * (1.0 + float(np.abs(evidence).max()))
        np.testing.assert_allclose(total, logit, rtol=0, atol=rounding)

    check()


def test_the_map_is_grad_cam_before_its_relu_times_the_number_of_cells(
    exported: Exported,
) -> None:
    """The library weighs channels by the mean gradient, which is w_k / (h·w)."""
    family = exported.graph.architecture.family
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library's own imports
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.image import scale_cam_image
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    network: Any = exported.network
    height, width = exported.graph.architecture.evidence_shape

    def reshape_tokens(tokens: torch.Tensor) -> torch.Tensor:
        patches = tokens[:, network.num_prefix_tokens :]
        return patches.reshape(len(tokens), height, width, -1).permute(0, 3, 1, 2)

    layer = network.get_submodule(FEATURES[family])
    batch = exported.make_noise(2)
    _, evidence, *_ = run_onnx(open_session(exported.graph), batch)
    transform = reshape_tokens if family == "VisionTransformer" else None
    with GradCAM(network, [layer], reshape_transform=transform) as cam:
        cam.activations_and_grads(batch)[:, 0].sum().backward()
        activations = cam.activations_and_grads.activations[0].numpy()
        gradients = cam.activations_and_grads.gradients[0].numpy()
        raw = cam.get_cam_image(batch, layer, None, activations, gradients)
        heatmap = cam(batch, [ClassifierOutputTarget(0)] * 2)
    np.testing.assert_allclose(raw * (height * width), evidence, rtol=1e-3, atol=1e-4)
    assert evidence.min() < 0 < evidence.max(), "both signs must have been compared"
    # And the library's own picture of it: ReLU, enlarged, scaled to [0, 1].
    enlarged = scale_cam_image(np.maximum(evidence, 0), (batch.shape[3], batch.shape[2]))
    positive = scale_cam_image(enlarged)  # it does so twice: for each layer, and for all
    np.testing.assert_allclose(heatmap, positive, atol=2e-3)


@pytest.mark.parametrize(
    ("storage", "share", "shift"), [("float16", 0.6, 0.05), ("int8", 0.4, 0.3)]
)
def test_less_storage_makes_a_smaller_file_and_hardly_moves_the_map(
    exported: Exported, storage: Storage, share: float, shift: float
) -> None:
    small = exported.store(storage)
    batch = exported.make_noise(3)
    full_outputs = run_onnx(open_session(exported.graph), batch)
    small_outputs = run_onnx(open_session(small), batch)
    if not exported.timm_name.startswith("test_"):  # theirs is more graph than weights
        assert len(small.data) < share * len(exported.graph.data)
    largest = np.abs(full_outputs[1]).max()
    for full, given_ in zip(full_outputs[:2], small_outputs[:2], strict=True):
        assert given_.dtype == np.float32
        assert np.abs(full - given_).max() < shift * largest
    assert small.storage == storage
    assert small.architecture == exported.graph.architecture


def test_initialisers_keep_the_names_that_timm_gives_them(exported: Exported) -> None:
    model = onnx.load_from_string(exported.graph.data)
    known = exported.network.state_dict()
    large = [t for t in model.graph.initializer if np.prod(t.dims, dtype=int) > 16]
    assert large
    assert {tensor.name for tensor in large} <= known.keys()


def test_norms_after_a_convolution_are_folded(small: Exported) -> None:
    operators = {node.op_type for node in onnx.load_from_string(small.graph.data).graph.node}
    assert "Conv" in operators
    assert "BatchNormalization" not in operators


def test_the_same_network_gives_the_same_bytes(small: Exported) -> None:
    again = export_network(build_seasoned_network(SMALL_RESNET), SMALL_RESNET)
    assert again.sha256 == small.graph.sha256
    assert again.data == small.graph.data


def test_the_file_says_nothing_of_the_machine_that_made_it(small: Exported) -> None:
    root = str(Path(__file__).resolve().parents[2]).encode()
    for trace in (root, b"site-packages", b"stack_trace", b".py", b"namespace"):
        assert trace not in small.graph.data
    model = onnx.load_from_string(small.graph.data)
    assert model.producer_name == "hilum"
    assert [item.key for item in model.metadata_props] == ["hilum"]
    assert not any(node.doc_string or node.metadata_props for node in model.graph.node)


def test_exporting_leaves_the_network_as_it_was() -> None:
    network = build_seasoned_network(SMALL_RESNET).train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    export_network(network, SMALL_RESNET)
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_three_channels_are_exported_too() -> None:
    network = build_seasoned_network(SMALL_RESNET, channels=3)
    graph = export_network(network, SMALL_RESNET, channels=3)
    session = open_session(graph)
    assert session.get_inputs()[0].shape[1:] == [3, 64, 64]
    batch = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    expected = run_torch(network, batch)
    np.testing.assert_allclose(run_onnx(session, batch)[1], expected[1], rtol=0, atol=1e-4)


def test_a_transformer_that_took_films_of_any_size_is_exported_for_its_own() -> None:
    network = build_seasoned_network(SMALL_VIT)
    any_size = build_network(SMALL_VIT, init="none", any_size=True)
    any_size.load_state_dict(network.state_dict())
    side = choose_size_px(SMALL_VIT)
    any_size(torch.zeros(1, 1, side // 2, side // 2))
    assert export_network(any_size, SMALL_VIT).data == export_network(network, SMALL_VIT).data
    any_size(torch.zeros(1, 1, side // 2, side // 2))  # what was exported is a copy


@pytest.mark.parametrize(
    ("timm_name", "reason"),
    [
        ("convnext_atto", "more than a global average pool"),  # a norm after the pool
        ("mobilenetv3_small_050", "no grid of features"),  # a convolution after the pool
    ],
)
def test_a_head_without_an_exact_map_is_refused(timm_name: str, reason: str) -> None:
    network = build_network(timm_name, init="none")
    with pytest.raises(ExportError, match=reason):
        export_network(network, timm_name)


def test_a_graph_that_differs_from_torch_is_not_given_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shapes = {"logit": (1,), "evidence": (1, 2, 2), "embedding": (1, 4)}
    monkeypatch.setattr(export_module, "_compare", lambda *_: (2e-4, 0.5, shapes))
    with pytest.raises(ExportError, match=r"differs from torch by 0\.0002"):
        export_network(build_seasoned_network(SMALL_RESNET), SMALL_RESNET)


def test_weights_beyond_float16_are_refused_by_name() -> None:
    network: Any = build_seasoned_network(SMALL_RESNET)
    with torch.no_grad():
        network.fc.weight[0, 0] = 1e6
    with pytest.raises(ExportError, match=r"fc\.weight exceed the range of float16"):
        export_network(network, SMALL_RESNET, storage="float16")
