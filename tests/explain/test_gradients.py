"""Methods that look inside the network, against the library ``grad-cam`` used by hand."""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from factories.films import save_array
from factories.networks import write_tiny_network
from factories.radiographs import draw_noise, make_radiograph
from factories.shipped import list_shipped
from factories.timm_networks import (
    SMALL_EFFICIENTNET,
    SMALL_RESNET,
    SMALL_VIT,
    build_seasoned_network,
    describe,
    make_spec,
)
from hilum.errors import ConfigError, ModelError, SpecMismatchError
from hilum.explain import METHODS, explain, get_method
from hilum.explain.networks import list_layers
from hilum.inference import OnnxBackend
from hilum.inference.torch_backend import TorchBackend
from hilum.predictor import load_model
from hilum.preprocess import preprocess
from hilum.types import Radiograph

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the library's own imports
    import pytorch_grad_cam
    from pytorch_grad_cam.ablation_layer import AblationLayer
    from pytorch_grad_cam.utils.image import scale_cam_image
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

DENSENET = "densenet121"
# What a user of the library has to know of each family: layers, by hand.
LAYERS = {
    SMALL_RESNET: ("layer3", "layer4"),
    SMALL_EFFICIENTNET: ("blocks.1", "bn2"),
    DENSENET: ("features.denseblock3", "features.norm5"),
    SMALL_VIT: ("blocks.1", "norm"),
}
CLASSES = {
    "grad_cam": "GradCAM",
    "grad_cam_plus_plus": "GradCAMPlusPlus",
    "hires_cam": "HiResCAM",
    "xgrad_cam": "XGradCAM",
    "layer_cam": "LayerCAM",
    "eigen_cam": "EigenCAM",
}
INSIDE = [name for name, method in METHODS.items() if method.extra == "train"]


@pytest.fixture(scope="module", params=LAYERS)
def backend(request: pytest.FixtureRequest) -> Iterator[TorchBackend]:
    network = build_seasoned_network(request.param)
    with TorchBackend(make_spec(describe(network, request.param)), network) as opened:
        yield opened


def draw_film(backend: TorchBackend | OnnxBackend, seed: int = 3) -> Radiograph:
    side = backend.spec.input.height_px
    return make_radiograph(draw_noise(side, side, seed=seed))


def reshape_tokens(tokens: torch.Tensor) -> torch.Tensor:
    """As a user of the library writes it for the small ViT: 1 class token, 10 x 10 patches."""
    return tokens[:, 1:].transpose(1, 2).reshape(len(tokens), -1, 10, 10)


def use_library(
    backend: TorchBackend, film: Radiograph, make: Callable[..., Any], layer: str, sign: int = 1
) -> NDArray[np.float32]:
    """Call the library as its documentation has it."""
    network = backend.network.network
    tensor = torch.from_numpy(preprocess(film, backend.spec.input))
    reshape = reshape_tokens if type(network).__name__ == "VisionTransformer" else None
    with make(
        model=network, target_layers=[network.get_submodule(layer)], reshape_transform=reshape
    ) as cam:
        targets = [lambda output: sign * ClassifierOutputTarget(0)(output)]
        values: NDArray[np.float32] = cam(input_tensor=tensor, targets=targets)[0]
    return values


def scale_as_library(values: NDArray[np.float32], film: Radiograph) -> NDArray[np.float32]:
    """Between 0 and 1, at the film's size, and once more between 0 and 1."""
    height, width = film.pixels.shape
    scaled: NDArray[np.float32] = scale_cam_image(scale_cam_image(values[None], (width, height)))[0]
    return scaled


@pytest.mark.parametrize("place", ["early", "last"])
@pytest.mark.parametrize("method", [name for name in CLASSES if name != "eigen_cam"])
def test_a_map_is_that_of_the_library(backend: TorchBackend, method: str, place: str) -> None:
    film = draw_film(backend)
    early, last = LAYERS[backend.spec.architecture.timm_name]
    layer = early if place == "early" else last
    make = getattr(pytorch_grad_cam, CLASSES[method])
    strongest = []
    for target, sign in (("pneumonia", 1), ("normal", -1)):
        theirs = use_library(backend, film, make, layer, sign)
        chosen = early if place == "early" else "last"
        ours = explain(backend, film, method=method, target=target, layers=chosen)
        np.testing.assert_allclose(scale_as_library(ours.values, film), theirs, atol=1e-5)
        strongest.append(theirs.max())
    assert max(strongest) > 0.99


def test_eigen_cam_is_that_of_the_library_or_its_negative(backend: TorchBackend) -> None:
    """The library leaves the sign open; ours is the one in which activations are larger."""
    film = draw_film(backend)
    last = LAYERS[backend.spec.architecture.timm_name][1]
    ours = explain(backend, film, method="eigen_cam").values

    class Negative(pytorch_grad_cam.EigenCAM):  # type: ignore[misc]  # it has no types
        def get_cam_image(self, *arguments: Any) -> Any:
            return -super().get_cam_image(*arguments)

    theirs = [
        use_library(backend, film, make, last) for make in (pytorch_grad_cam.EigenCAM, Negative)
    ]
    differences = [np.abs(scale_as_library(ours, film) - one).max() for one in theirs]
    assert min(differences) < 1e-5
    strength = np.abs(backend.compute_activations(preprocess(film, backend.spec.input))[0]).sum(0)
    assert np.corrcoef(ours.ravel(), strength.ravel())[0, 1] > 0


class ZeroLayer(AblationLayer):  # type: ignore[misc]  # it has no types
    """Takes a channel away as the paper has it; the library's own puts -1e7 in its place."""

    def __call__(self, _: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.activations.clone()
        channels_last = output.ndim == 3
        for row, channel in enumerate(self.indices[: len(output)]):
            output[(row, ..., channel) if channels_last else (row, channel)] = 0
        return output

    def set_next_batch(
        self, input_batch_index: int, activations: torch.Tensor, num_channels_to_ablate: int
    ) -> None:
        whole = activations[input_batch_index]
        self.activations = whole.repeat(num_channels_to_ablate, *[1] * whole.ndim)


@pytest.mark.slow
def test_ablation_cam_is_that_of_the_library_channel_by_channel(backend: TorchBackend) -> None:
    film = draw_film(backend)
    logit = float(backend.run(preprocess(film, backend.spec.input)).logit[0])
    target, sign = ("pneumonia", 1) if logit > 0 else ("normal", -1)

    def make(**given: Any) -> Any:
        return pytorch_grad_cam.AblationCAM(**given, ablation_layer=ZeroLayer(), batch_size=64)

    last = LAYERS[backend.spec.architecture.timm_name][1]
    theirs = use_library(backend, film, make, last, sign)
    ours = explain(backend, film, method="ablation_cam", target=target).values
    np.testing.assert_allclose(scale_as_library(ours, film), theirs, atol=1e-4)


def test_layers_are_listed_from_the_film_to_the_head(backend: TorchBackend) -> None:
    names = list(list_layers(backend.network))
    early, last = LAYERS[backend.spec.architecture.timm_name]
    assert names[-1] == last
    assert early in names[:-1]
    modules = list(list_layers(backend.network).values())
    assert len({id(module) for module in modules}) == len(names)


def test_evidence_is_grad_cam_before_its_cut(backend: TorchBackend) -> None:
    film = draw_film(backend)
    evidence = explain(backend, film).values
    for method in ("grad_cam", "hires_cam"):
        for_it = explain(backend, film, method=method).values
        against = explain(backend, film, method=method, target="normal").values
        np.testing.assert_allclose(for_it - against, evidence, atol=1e-4)
        assert not np.allclose(for_it, against)


def test_maps_of_several_layers_are_averaged_on_the_finest(backend: TorchBackend) -> None:
    film = draw_film(backend)
    early, last = LAYERS[backend.spec.architecture.timm_name]
    one, other, both = (
        explain(backend, film, method="layer_cam", layers=layers).values
        for layers in (early, last, f"{last}, {early}")
    )
    assert both.shape == one.shape
    if one.shape == other.shape:
        np.testing.assert_allclose(both, (one + other) / 2, atol=1e-6)
    assert both.mean() == pytest.approx((one.mean() + other.mean()) / 2, rel=0.1)
    twice = explain(backend, film, method="layer_cam", layers=f"{last},last").values
    np.testing.assert_array_equal(twice, other)


def find_hooks(network: torch.nn.Module) -> Iterator[str]:
    for name, module in network.named_modules():
        if module._forward_hooks or module._backward_hooks or module._forward_pre_hooks:
            yield name


@pytest.mark.parametrize("method", INSIDE)
def test_nothing_of_a_call_stays(backend: TorchBackend, method: str) -> None:
    """No hook, no gradient, no switch; and frozen weights do no harm."""
    transformer = backend.spec.architecture.timm_name == SMALL_VIT
    film = draw_film(backend)
    if method == "attention_rollout" and not transformer:
        with pytest.raises(ConfigError, match="no vision transformer"):
            explain(backend, film, method=method)
        return
    backend.network.zero_grad()  # what the library, used by hand in other tests, has left
    before = explain(backend, film, method=method).values
    fused = [getattr(one, "fused_attn", None) for one in backend.network.modules()]
    for parameter in backend.network.parameters():
        parameter.requires_grad_(False)
    try:
        after = explain(backend, film, method=method).values
    finally:
        for parameter in backend.network.parameters():
            parameter.requires_grad_()
    np.testing.assert_array_equal(after, before)
    assert not list(find_hooks(backend.network))
    assert all(parameter.grad is None for parameter in backend.network.parameters())
    assert [getattr(one, "fused_attn", None) for one in backend.network.modules()] == fused


def count_tensors() -> int:
    gc.collect()
    # Not isinstance: that asks some of torch's objects for their class, and they complain.
    return sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())


@pytest.mark.slow
def test_memory_is_flat_over_a_thousand_calls() -> None:
    network = build_seasoned_network(SMALL_RESNET)
    spec = make_spec(describe(network, SMALL_RESNET))
    with TorchBackend(spec, network) as backend:
        film = draw_film(backend)
        for method in ("grad_cam", "layer_cam"):
            for _ in range(50):
                explain(backend, film, method=method)
        tensors = count_tensors()
        peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(1000):
            explain(backend, film, method="grad_cam" if number % 2 else "layer_cam")
        assert count_tensors() == tensors
        # Each call's activations alone are 0.1 MiB.
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_kib < 10 * 1024
        assert not list(find_hooks(backend.network))


def test_rollout_is_that_of_its_paper() -> None:
    """Attention is computed from each block's own weights, by hand."""
    network: Any = build_seasoned_network(SMALL_VIT)
    spec = make_spec(describe(network, SMALL_VIT))
    with TorchBackend(spec, network) as backend:
        film = draw_film(backend)
        ours = explain(backend, film, method="attention_rollout").values
        tensor = torch.from_numpy(preprocess(film, spec.input))
    inputs: list[torch.Tensor] = []
    handles = [
        block.attn.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
        for block in network.blocks
    ]
    with torch.inference_mode():
        network(tensor)
        rollout = None
        for block, tokens in zip(network.blocks, inputs, strict=True):
            attention = block.attn
            heads = attention.num_heads
            qkv = attention.qkv(tokens).reshape(tokens.shape[1], 3, heads, -1)
            query, key, _ = qkv.unbind(1)
            query, key = attention.q_norm(query), attention.k_norm(key)
            logits = torch.einsum("nhd,mhd->hnm", query, key) * attention.scale
            mixed = logits.softmax(-1).mean(0) / 2 + torch.eye(tokens.shape[1]) / 2
            rollout = mixed if rollout is None else mixed @ rollout
    for handle in handles:
        handle.remove()
    assert rollout is not None
    expected = rollout[1:, 1:].mean(0).reshape(10, 10).numpy()
    np.testing.assert_allclose(ours, expected / expected.max(), atol=1e-5)


@pytest.mark.parametrize("name", list_shipped({}))
def test_a_shipped_model_is_restored(name: str) -> None:
    with load_model(name, threads=1) as model:
        film = make_radiograph(draw_noise(300, 260, seed=5))
        evidence = model.explain(film).values
        ours = model.explain(film, "grad_cam").values
        np.testing.assert_allclose(ours, np.maximum(evidence, 0.0), atol=2e-3)
        family = model.spec.architecture.timm_name
        layers = "layer2,layer3,last" if "resnet" in family else "blocks.2,blocks.4,last"
        fine = model.explain(film, "layer_cam", layers=layers)
        assert fine.values.shape == (28, 28)
        assert fine.options == {"layers": layers}


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    network = build_seasoned_network(SMALL_RESNET)
    spec = make_spec(describe(network, SMALL_RESNET))
    backend = TorchBackend(spec, network)
    film = draw_film(backend)
    with pytest.raises(ConfigError, match=r"no layer 'layer9'.*layer1.*layer4; or last"):
        explain(backend, film, method="grad_cam", layers="layer3,layer9")
    with pytest.raises(ConfigError, match="no vision transformer"):
        explain(backend, film, method="attention_rollout")
    backend.close()
    with pytest.raises(ModelError, match="closed"):
        explain(backend, film, method="grad_cam")
    write_tiny_network(tmp_path)
    with load_model(tmp_path, threads=1) as model:
        small = make_radiograph(draw_noise(64, 48))
        with pytest.raises(SpecMismatchError, match="hilum export"):
            model.explain(small, "grad_cam")
        model.close()
        with pytest.raises(ModelError, match="closed"):
            model.explain(small, "grad_cam")


def test_a_layer_that_is_no_module_is_said() -> None:
    """A network that ends its features in a function has no layer to look at."""
    network: Any = build_seasoned_network(SMALL_RESNET)
    spec = make_spec(describe(network, SMALL_RESNET))
    whole = network.forward_features
    network.forward_features = lambda film: whole(film) * 1.0
    with (
        TorchBackend(spec, network) as backend,
        pytest.raises(ConfigError, match="by no layer of its own"),
    ):
        explain(backend, draw_film(backend), method="grad_cam")


def test_without_torch_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import hilum\n"
        "from hilum.errors import MissingExtraError\n"
        "model = hilum.load_model()\n"
        "from hilum.io import read_radiograph\n"
        "film = read_radiograph(sys.stdin.buffer)\n"
        "for method in sys.argv[1:]:\n"
        "    try:\n"
        "        model.explain(film, method)\n"
        "    except MissingExtraError as error:\n"
        "        print(error)\n"
    )
    command = [sys.executable, "-c", code, *INSIDE]
    film = save_array(np.full((64, 64), 128, dtype=np.uint8), "PNG")
    done = subprocess.run(command, input=film, capture_output=True, check=True)
    assert done.stdout.count(b"hilum[train]") == len(INSIDE), done.stdout


def test_each_method_says_what_it_needs() -> None:
    assert get_method("evidence").extra is None
    assert set(INSIDE) == {*CLASSES, "ablation_cam", "attention_rollout"}
