"""Memory that is kept from step to step, as the kernel counts it."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
import torch

from hilum.training.memory import keep_memory

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another C library than glibc manages its memory"
)

# In a process of its own: what a test before has freed would be taken first.
_SCRIPT = """
import resource, sys, torch
from hilum.training.memory import keep_memory

network = torch.nn.Sequential(torch.nn.Conv2d(1, 16, 3), torch.nn.ReLU(), torch.nn.Conv2d(16, 1, 3))
films = torch.rand(16, 1, 224, 224)
planes = 16 * 16 * 222 * 222 * 4

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

def count_faults():
    for _ in range(2):
        network(films).mean().backward()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(3):
        network(films).mean().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

outside = count_faults()
before = resident()
with keep_memory(torch.device(sys.argv[1])):
    inside = count_faults()
    kept = resident() - before
print(outside, inside, kept / planes, (resident() - before) / planes, count_faults())
"""


def measure(device: str = "cpu", **environment: str) -> tuple[float, ...]:
    """Page faults before, inside and after; planes of the batch that stay inside and after."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, device],
        env={"PATH": "", "OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(float(figure) for figure in done.stdout.split())


def test_what_a_step_frees_the_next_one_takes_again() -> None:
    outside, inside, kept, left, after = measure()
    assert outside > 3 * 2 * 10_000  # two planes of a batch a step, at least
    assert inside < 0.3 * outside
    assert kept > 1
    # At the end it goes back, and all is as it was.
    assert left < 0.5
    assert after > 0.7 * outside


@pytest.mark.parametrize(
    "environment",
    [
        {"MALLOC_MMAP_THRESHOLD_": "33554432"},
        {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=33554432"},
    ],
)
def test_who_has_tuned_malloc_is_left_alone(environment: dict[str, str]) -> None:
    outside, inside, *_ = measure(**environment)
    assert inside > 0.7 * outside


def test_other_devices_have_memory_of_their_own() -> None:
    outside, inside, *_ = measure("meta")
    assert inside > 0.7 * outside


def test_an_error_inside_is_not_swallowed() -> None:
    with pytest.raises(RuntimeError, match="diverged"), keep_memory(torch.device("cpu")):
        raise RuntimeError("diverged")
