"""The arithmetic of a step: what precision it computes in, and where that would be slow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode

from hilum.errors import ConfigError


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Give the context that computes in the arithmetic that the recipe names.

    Where the device has no bfloat16 (:func:`lacks`), float32 stands for it.

    Raises
    ------
    ConfigError
        It is float16, and the device is no CUDA device.
    """
    if precision == "float16" and device.type != "cuda":
        raise ConfigError(
            "optimization.precision: float16 needs a CUDA device. On the CPU use bfloat16."
        )
    return _cast(device, precision)


def lacks(device: torch.device, precision: str) -> bool:
    """Tell whether ``precision`` is bfloat16, and the device does not compute in it itself.

    Torch would imitate it: on an AVX2 processor of AMD, a step of an EfficientNet-B0 takes eight
    times as long as in float32, and one of a ViT-Tiny 24 times.
    """
    if precision != "bfloat16":
        return False
    if device.type == "cuda":
        return not torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        # avx512_bf16 and amx_bf16 on x86; others on Arm.
        known = torch.cpu.get_capabilities()
        return not any(has for name, has in known.items() if "bf16" in name)
    return False


@contextmanager
def _cast(device: torch.device, precision: str) -> Iterator[None]:
    dtype = torch.float16 if precision == "float16" else torch.bfloat16
    if precision == "float32" or lacks(device, precision):
        # Also inside of a context that says otherwise.
        with torch.autocast(device.type, enabled=False):
            yield
        return
    with torch.autocast(device.type, dtype):
        if precision == "bfloat16" and device.type == "cpu":
            with _DepthwiseGradients():
                yield
        else:
            yield


class _DepthwiseGradients(TorchFunctionMode):
    """Gradients of depthwise convolutions in float32, where bfloat16 has no fast kernel.

    oneDNN computes the gradient of a strided depthwise convolution in bfloat16 by its reference
    code, 10 to 100 times slower than in float32, and that of the filters of a 5x5 one three
    times slower: two fifths of the step of an EfficientNet-Lite0. All else is faster in bfloat16.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is torch.conv2d and torch.is_grad_enabled() and not kwargs and len(args) == 7:
            films, filters, bias, stride, padding, dilation, groups = args
            depthwise = groups > 1 and filters.shape[1] == 1
            slow = max(stride) > 1 or max(filters.shape[2:]) > 3
            if depthwise and slow and bias is None and not isinstance(padding, str):
                geometry = (stride, padding, dilation)
                return _DepthwiseConvolution.apply(films, filters, *geometry)  # type: ignore[no-untyped-call]  # torch
        return func(*args, **(kwargs or {}))


class _DepthwiseConvolution(torch.autograd.Function):
    """Forward in bfloat16, as under autocast; backward in float32."""

    @staticmethod
    def forward(
        ctx: Any,
        films: Tensor,
        filters: Tensor,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
    ) -> Tensor:
        ctx.geometry = (list(stride), list(padding), list(dilation))
        ctx.dtypes = (films.dtype, filters.dtype)
        films, filters = films.bfloat16(), filters.bfloat16()
        ctx.save_for_backward(films, filters)
        return torch.conv2d(films, filters, None, stride, padding, dilation, filters.shape[0])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        films, filters = ctx.saved_tensors
        wanted = [*ctx.needs_input_grad[:2], False]
        of_films, of_filters, _ = torch.ops.aten.convolution_backward(
            gradient.float(), films.float(), filters.float(), None,
            *ctx.geometry, False, [0, 0], filters.shape[0], wanted,
        )  # fmt: skip
        dtypes = ctx.dtypes
        return (
            of_films.to(dtypes[0]) if wanted[0] else None,
            of_filters.to(dtypes[1]) if wanted[1] else None,
            None,
            None,
            None,
        )
