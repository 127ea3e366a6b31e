from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hilum.training.arithmetic import autocast, lacks

CPU = torch.device("cpu")


@pytest.fixture
def bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in bfloat16 on any processor, be it ever so slow."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})


def take_gradients(
    layer: nn.Module, films: Tensor, precision: str
) -> tuple[Tensor, Tensor, list[Tensor]]:
    films = films.clone().requires_grad_()
    layer.zero_grad()
    with autocast(CPU, precision):
        out = layer(films)
    (out.float() ** 2).sum().backward()
    assert films.grad is not None
    gradients = [weight.grad for weight in layer.parameters()]
    return out, films.grad, [gradient.clone() for gradient in gradients if gradient is not None]


def count_nodes(node: Any, name: str) -> int:
    """Count the nodes of that name in the chain of gradients from ``node`` on."""
    children = [child for child, _ in node.next_functions if child is not None]
    own = 1 if node.name() == name else 0
    return own + sum(count_nodes(child, name) for child in children)


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("bias", [False, True])
def test_depthwise_gradients_are_those_of_float32(stride: int, kernel: int, bias: bool) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(16, 16, kernel, stride, kernel // 2, groups=16, bias=bias)
    films = torch.randn(4, 16, 20, 20)
    out, of_films, of_weights = take_gradients(layer, films, "bfloat16")
    exact, of_films_exact, of_weights_exact = take_gradients(layer, films, "float32")
    assert out.dtype == torch.bfloat16
    for ours, theirs in zip(
        (out.float(), of_films, *of_weights),
        (exact, of_films_exact, *of_weights_exact),
        strict=True,
    ):
        assert ours.dtype == torch.float32
        assert ours.shape == theirs.shape
        # bfloat16 has 8 bits of precision.
        assert (ours - theirs).norm() < 0.01 * theirs.norm()


@pytest.mark.usefixtures("bfloat16")
def test_what_bfloat16_would_be_slow_in_is_computed_in_float32() -> None:
    layer = nn.Sequential(
        nn.Conv2d(16, 16, 1, bias=False),
        nn.Conv2d(16, 16, 3, 1, 1, groups=16, bias=False),
        nn.Conv2d(16, 16, 5, 1, 2, groups=16, bias=False),
        nn.Conv2d(16, 16, 3, 2, 1, groups=16, bias=False),
    )
    films = torch.randn(2, 16, 20, 20)
    with autocast(CPU, "bfloat16"):
        loss = layer(films).float().sum()
    # Two of the four: the 5x5 and the strided one.
    assert count_nodes(loss.grad_fn, "_DepthwiseConvolutionBackward") == 2


@pytest.mark.usefixtures("bfloat16")
def test_gradients_reach_what_learns_alone() -> None:
    layer = nn.Conv2d(16, 16, 5, groups=16, bias=False)
    layer.weight.requires_grad_(False)
    films = torch.randn(2, 16, 20, 20, requires_grad=True)
    with autocast(CPU, "bfloat16"):
        layer(films).float().sum().backward()
    assert layer.weight.grad is None
    assert films.grad is not None
    layer.weight.requires_grad_(True)
    with autocast(CPU, "bfloat16"):
        layer(films.detach()).float().sum().backward()
    assert layer.weight.grad is not None


@pytest.mark.parametrize(
    ("has", "computed"),
    [
        ({"avx2": True, "avx512_bf16": False}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
    ],
)
def test_float32_stands_for_bfloat16_where_the_processor_has_none(
    monkeypatch: pytest.MonkeyPatch, has: dict[str, bool], computed: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    with autocast(CPU, "bfloat16"):
        assert nn.Linear(4, 2)(torch.ones(1, 4)).dtype == computed
    assert lacks(CPU, "bfloat16") == (computed == torch.float32)
    assert not lacks(CPU, "float32")


def test_this_processor_tells_what_it_has() -> None:
    assert any("avx2" in name or "neon" in name for name in torch.cpu.get_capabilities())
