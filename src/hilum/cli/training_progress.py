"""How a training run shows itself on a terminal, and in a log that is no terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tqdm import tqdm

if TYPE_CHECKING:
    from hilum.training.recipe import Recipe
    from hilum.training.validation import EpochRecord


class TrainingProgress:
    """A bar with rate and time left while films are read and while the network trains.

    Where stderr is no terminal, no bar is drawn, and a line an epoch says the same.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._epochs = recipe.optimization.epochs
        self._batch_size = recipe.optimization.batch_size
        self._selection = recipe.selection
        self._bar: tqdm[Any] | None = None
        self._began = time.monotonic()
        self._first_step = 0
        self._step = 0
        self._steps = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def show_stage(self, stage: str) -> None:
        """Say what begins."""
        self._close()
        tqdm.write(f"{stage} ...", file=sys.stderr)

    def show_films(self, read: int, total: int) -> None:
        """Move the bar of the films that are read."""
        if self._bar is None:
            self._bar = self._open(total, "films", 0)
        self._bar.update(read - self._bar.n)

    def show_step(self, step: int, steps: int, loss: float) -> None:
        """Move the bar of the training."""
        if self._bar is None:
            # After a break the bar goes on where it was, and its rate is that of today.
            self._bar = self._open(steps * self._batch_size, "films", (step - 1) * self._batch_size)
            self._began, self._first_step = time.monotonic(), step - 1
        self._step, self._steps = step, steps
        epoch = min((step - 1) * self._epochs // steps + 1, self._epochs)
        self._bar.set_description_str(f"epoch {epoch}/{self._epochs}", refresh=False)
        self._bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
        self._bar.update(step * self._batch_size - self._bar.n)
        if step * self._epochs % steps == 0:
            self._bar.set_postfix_str(f"loss {loss:.3f}, validating", refresh=True)

    def show_epoch(self, record: EpochRecord) -> None:
        """Write the line of an epoch."""
        worst = min(record.auc, key=lambda name: record.auc[name])
        stressed = (
            f", under stress {record.mean_stressed_auc:.4f} on average, "
            f"{record.worst_stressed_auc:.4f} at worst ({worst})"
            if record.is_stressed
            else ""
        )
        tqdm.write(
            f"epoch {record.epoch}: loss {record.train_loss:.4f}, validation loss "
            f"{record.loss:.4f}, accuracy {record.accuracy:.3f}, AUC "
            f"{record.auc['clean']:.4f}{stressed} · {record.films_per_s:.0f} films/s"
            f"{self._describe_time_left(record)}",
            file=sys.stderr,
        )

    def _describe_time_left(self, record: EpochRecord) -> str:
        done = self._step - self._first_step
        # A run that goes on may begin with the last steps of an epoch, which say nothing yet.
        if record.epoch == self._epochs or done * self._epochs < self._steps:
            return ""
        left_s = (time.monotonic() - self._began) / done * (self._steps - self._step)
        return f" · {tqdm.format_interval(left_s)} left"

    def _open(self, total: int, unit: str, initial: int) -> tqdm[Any]:
        return tqdm(
            total=total,
            initial=initial,
            unit=f" {unit}",
            file=sys.stderr,
            disable=None,
            dynamic_ncols=True,
            smoothing=0.05,
        )

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
