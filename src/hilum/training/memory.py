"""Memory that torch frees after one step, kept for the next.

glibc hands every block of more than 32 MiB back to the kernel when it is freed. The planes of a
batch are such blocks, so that a step on the CPU takes gigabytes anew, and the kernel clears them
page by page, which can take as long as the step itself.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_NEVER = -1
# What glibc comes to by itself in a program that has freed large blocks.
_OWN_MMAP_THRESHOLD = 32 << 20
_OWN_SETTINGS = (
    (_MMAP_MAX, 65536),
    (_MMAP_THRESHOLD, _OWN_MMAP_THRESHOLD),
    (_TRIM_THRESHOLD, 2 * _OWN_MMAP_THRESHOLD),
)


@contextmanager
def keep_memory(device: torch.device) -> Iterator[None]:
    """Let freed memory stay with the process inside of the context; give it back at its end.

    Nothing is done on another device than the CPU, where the C library is not glibc, and where
    the environment already says when its malloc is to give memory back (``MALLOC_MMAP_…_``,
    ``MALLOC_TRIM_…_``, ``MALLOC_TOP_PAD_`` or ``GLIBC_TUNABLES``).
    """
    if device.type != "cpu" or platform.libc_ver()[0] != "glibc" or _is_tuned():
        yield
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        for parameter, value in _OWN_SETTINGS:
            libc.mallopt(parameter, value)
        libc.malloc_trim(0)


def _is_tuned() -> bool:
    own = ("MALLOC_MMAP_", "MALLOC_TRIM_", "MALLOC_TOP_PAD_")
    return any(name.startswith(own) for name in os.environ) or "malloc" in os.environ.get(
        "GLIBC_TUNABLES", ""
    )
