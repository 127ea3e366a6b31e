"""One seed, one outcome: torch's deterministic algorithms, and its generators on record."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def use_determinism(device: torch.device) -> Iterator[None]:
    """Let torch choose algorithms that give the same result each time.

    An operation that has none warns and goes on. With the same versions, device and number of
    threads, a run then gives the same weights to the last bit.
    """
    if device.type == "cuda":
        # cuBLAS reads it when its first handle is made; elsewhere it means nothing.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    warned_before = torch.is_deterministic_algorithms_warn_only_enabled()
    filled_before = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    benchmarked_before = torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling what is overwritten anyway costs time and decides nothing.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warned_before)
        torch.utils.deterministic.fill_uninitialized_memory = filled_before  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = benchmarked_before


def capture_generators(device: torch.device) -> dict[str, torch.Tensor]:
    """Give the state of torch's generators, which dropout and its like draw from."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def restore_generators(states: dict[str, torch.Tensor], device: torch.device) -> None:
    """Set torch's generators to what :func:`capture_generators` gave."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
