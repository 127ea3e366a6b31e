"""What stops a run from outside the recipe, told in words that say what to do.

torch reports memory that it cannot get, on the CPU and in the processes that load films, as a
plain RuntimeError; what it says is all there is to tell them by.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from hilum.errors import TrainingError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MEMORY_WORDS = ("can't allocate memory", "cannot allocate memory", "not enough memory")
_SHARED_MEMORY_WORDS = ("insufficient shared memory", "unable to write to file </torch", "shm")
_KILLED_WORDS = ("is killed by signal", "exited unexpectedly")
_FULL_WORDS = ("no space left on device", "file write failed", "disk quota exceeded")


def describe_divergence(what: str) -> str:
    """Say that training has diverged, and what to do."""
    return (
        f"{what} is no longer finite: training has diverged. Lower optimization.learning_rate, "
        "set optimization.clip_gradient_norm, or use precision bfloat16 or float32."
    )


@contextmanager
def explain_failures(settle: Callable[[], str], batch_size: int) -> Iterator[None]:
    """Turn what the machine refuses into a :class:`TrainingError`.

    Parameters
    ----------
    settle
        Clears up after whatever went wrong, and says what is left of the run.

    Raises
    ------
    TrainingError
        Memory or disk ran out within the block, or it raised one itself.
    """
    try:
        yield
    except TrainingError as error:
        raise TrainingError(f"{error} {settle()}") from error
    except (MemoryError, OSError, RuntimeError) as error:
        reason, left = _find_reason(error, batch_size), settle()
        if reason is None:
            raise
        raise TrainingError(f"{reason} {left}") from error
    except BaseException:
        settle()
        raise


def _find_reason(error: BaseException, batch_size: int) -> str | None:
    words = str(error).lower()
    smaller = (
        f"lower optimization.batch_size (now {batch_size}), or raise optimization.accumulation "
        "to take a batch in parts"
    )
    if isinstance(error, torch.OutOfMemoryError):
        return f"The GPU is out of memory: {smaller}."
    if isinstance(error, MemoryError) or any(word in words for word in _MEMORY_WORDS):
        return f"Out of memory: {smaller}, or use fewer --workers."
    if any(word in words for word in _SHARED_MEMORY_WORDS):
        return (
            "The processes that load films are out of shared memory (/dev/shm): use "
            "--workers 0, or give the container more (docker run --shm-size 2g)."
        )
    if "dataloader worker" in words and any(word in words for word in _KILLED_WORDS):
        return (
            "A process that loads films was killed, most likely for want of memory: use fewer "
            "--workers."
        )
    full = isinstance(error, OSError) and error.errno in _FULL
    if full or any(word in words for word in _FULL_WORDS):
        return "The disk is full: make room."
    return None
