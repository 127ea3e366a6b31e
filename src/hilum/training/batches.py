"""Which films make up a batch: the same ones however many processes share it."""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import Sampler

from hilum.errors import ConfigError
from hilum.training.distributed import Group
from hilum.training.films import EpochSampler


class Batches(Sampler[list[tuple[int, int]]]):
    """This process's share of each batch of an epoch.

    A last batch that is not full is left out, unless it is the only one. Set :attr:`done` to
    the batches that an interrupted epoch has behind it.

    Raises
    ------
    ConfigError
        There are fewer films in a batch than processes.
    """

    def __init__(self, sampler: EpochSampler, batch_size: int, group: Group) -> None:
        self.done = 0
        self.films = min(batch_size, len(sampler))
        self._sampler = sampler
        self._group = group
        if self.films < group.size:
            raise ConfigError(
                f"A batch of {self.films} films cannot be shared by {group.size} processes. "
                "Raise optimization.batch_size or start fewer."
            )

    def begin_epoch(self, epoch: int, done: int) -> None:
        """Go to the batch after the ``done`` first ones of ``epoch``."""
        self._sampler.epoch = epoch
        self.done = done

    def __len__(self) -> int:
        return len(self._sampler) // self.films

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        keys = list(self._sampler)
        for batch in range(self.done, len(self)):
            whole = keys[batch * self.films : (batch + 1) * self.films]
            yield whole[self._group.rank :: self._group.size]
