"""Several processes that train one network: ``torchrun --nproc-per-node 2 -m hilum train ...``.

Every process takes its share of each batch, and gradients are averaged over all of them, so
that a step is the step that one process would take with the whole batch, but for what looks
at a batch as a whole: normalisation over it (on CUDA the statistics are shared, on the CPU each
process has its own), mixing, and class weights in the loss.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
from timm.layers.norm_act import convert_sync_batchnorm
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from hilum.errors import ConfigError

_T = TypeVar("_T")

# One process reads the films while the others wait for it.
_PATIENCE = datetime.timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Group:
    """The processes of a run, seen from one of them.

    rank, size
        Which of how many; rank 0 writes files and talks.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def wrap(self, network: nn.Module) -> nn.Module:
        """Make the backward pass of ``network`` average gradients over the processes.

        To be called again whenever other parameters begin to learn.
        """
        if self.size == 1:
            return network
        device = next(network.parameters()).device
        return DistributedDataParallel(
            network, device_ids=[device.index] if device.type == "cuda" else None
        )

    def averaging(self, model: nn.Module, *, wanted: bool) -> AbstractContextManager[None]:
        """Give a context in which the backward pass of a wrapped network averages, or only adds."""
        if wanted or not isinstance(model, DistributedDataParallel):
            return nullcontext()
        return model.no_sync()

    def gather(self, value: _T) -> list[_T]:
        """Give the values of all processes, by rank; for small things."""
        if self.size == 1:
            return [value]
        values: list[_T | None] = [None] * self.size
        distributed.all_gather_object(values, value)
        return values  # type: ignore[return-value]  # all are filled

    def agree(self, value: _T) -> _T:
        """Give the value of the process that leads."""
        return self.gather(value)[0]

    def agree_on(self, wish: bool, device: torch.device) -> bool:
        """Give what the process that leads wishes; quick enough for every step."""
        if self.size == 1:
            return wish
        flag = torch.tensor(int(wish), device=device)
        distributed.broadcast(flag, 0)
        return bool(flag.item())

    @contextmanager
    def lead_first(self) -> Iterator[None]:
        """Let the process that leads run the block before the others enter it."""
        if not self.leads:
            self.gather(None)
        try:
            yield
        finally:
            if self.leads:
                self.gather(None)


ALONE = Group()


@contextmanager
def join_group(device: str) -> Iterator[tuple[Group, torch.device]]:
    """Join the processes that ``torchrun`` started; alone where it did not.

    Parameters
    ----------
    device
        ``"cpu"``, ``"cuda"`` (the process takes the GPU of its local rank), ``"cuda:N"``, or
        ``"auto"``: CUDA where there is any.

    Raises
    ------
    ConfigError
        There is no such device.
    """
    chosen = choose_device(device)
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or "RANK" not in os.environ:
        yield ALONE, chosen
        return
    if chosen.type == "cuda":
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Group(distributed.get_rank(), distributed.get_world_size()), chosen
    finally:
        distributed.destroy_process_group()


def choose_device(device: str) -> torch.device:
    """Find the device of that name; see :func:`join_group`."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise ConfigError(f"There is no device {device!r}. Use auto, cpu or cuda.") from error
    if chosen.type not in ("cpu", "cuda"):
        raise ConfigError(f"hilum trains on cpu and cuda, not on {chosen.type}.")
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("torch finds no CUDA device on this machine. Use --device cpu.")
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"There is no {device} here: {torch.cuda.device_count()} GPUs.")
    return chosen


def share_normalisation(network: nn.Module, group: Group) -> nn.Module:
    """Let batch normalisations on CUDA see the whole batch, not one process's share."""
    if group.size > 1 and next(network.parameters()).is_cuda:
        return convert_sync_batchnorm(network)  # type: ignore[no-any-return, no-untyped-call]
    return network
