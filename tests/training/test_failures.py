from __future__ import annotations

import errno
import os

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from hilum.errors import TrainingError
from hilum.training.failures import explain_failures


def explain(error: BaseException) -> str:
    with pytest.raises(TrainingError) as caught, explain_failures(lambda: "All is kept.", 32):
        raise error
    message = str(caught.value)
    assert message.endswith("All is kept.")
    return message


def test_memory_that_is_not_there_is_told() -> None:
    message = ""
    with pytest.raises(TrainingError) as caught, explain_failures(lambda: "All is kept.", 32):
        torch.empty(2**60, dtype=torch.uint8)
    message = str(caught.value)
    assert message.startswith("Out of memory: lower optimization.batch_size (now 32)")
    assert "Out of memory" in explain(MemoryError())
    assert "The GPU is out of memory" in explain(torch.OutOfMemoryError("CUDA out of memory."))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "The disk is full"),
        (RuntimeError("unable to write to file </torch_12_34>"), "--shm-size"),
        (
            RuntimeError("DataLoader worker (pid 3) is killed by signal: Killed."),
            "use fewer --workers",
        ),
    ],
)
def test_what_the_machine_refuses_is_told(error: Exception, words: str) -> None:
    assert words in explain(error)


class Killed(Dataset[int]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        os.kill(os.getpid(), 9)  # as the kernel does where memory has run out
        return index


def test_a_process_that_loads_films_and_is_killed_is_told() -> None:
    with (
        pytest.raises(TrainingError, match="fewer --workers"),
        explain_failures(lambda: "All is kept.", 32),
    ):
        list(DataLoader(Killed(), num_workers=1))


def test_a_mistake_of_ours_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="shape"), explain_failures(lambda: "", 32):
        raise RuntimeError("shape mismatch")
    with pytest.raises(FileNotFoundError), explain_failures(lambda: "", 32):
        raise FileNotFoundError(errno.ENOENT, "No such file")
