"""The state of a run on disk: whole or not at all, so that a run can be killed at any instant.

One file, ``state.pt``, holds all that decides what comes next: weights, optimizer, averages,
the best weights so far, the history, the place in the epoch, and every random generator. It
is written beside its old self and takes its place in one step; a kill leaves the one or the
other. torch's ``weights_only`` reader reads it: it holds tensors and plain values, no code.
"""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path
from typing import Any

import torch

from hilum.errors import ConfigError, TrainingError
from hilum.files import replacing

STATE_FORMAT = 1
# However large the network: writing its state takes at most this share of the time.
_LARGEST_SHARE = 0.05


class StateFile:
    """Where the state of a run is kept.

    Parameters
    ----------
    path
        The file; it need not exist.
    identity
        What makes a run the same run (recipe, films, first weights, processes): a state of
        another one is refused.
    every_s
        Seconds from one state to the next; 0 writes one after every step.
    every_steps
        Steps from one state to the next, beside that.
    """

    def __init__(
        self,
        path: Path,
        identity: dict[str, str],
        *,
        every_s: float = 60.0,
        every_steps: int | None = None,
    ) -> None:
        self.path = path
        self.identity = identity
        self._every_s = every_s
        self._every_steps = every_steps
        self._written_at = time.monotonic()
        self._took_s = 0.0

    def is_due(self, step: int) -> bool:
        """Whether a state is to be written after ``step``."""
        if self._every_steps is not None and step % self._every_steps == 0:
            return True
        wait_s = max(self._every_s, self._took_s / _LARGEST_SHARE) if self._every_s else 0.0
        return time.monotonic() - self._written_at >= wait_s

    def write(self, state: dict[str, Any]) -> None:
        """Write ``state`` in place of the one before, which stays if that fails.

        Raises
        ------
        TrainingError
            It cannot be written, above all for want of room.
        """
        began = time.monotonic()
        try:
            with replacing(self.path) as partial, partial.open("wb") as file:
                torch.save(
                    {"format": STATE_FORMAT, "identity": self.identity, "state": state}, file
                )
                file.flush()
                os.fsync(file.fileno())
        except (OSError, RuntimeError) as error:
            raise TrainingError(
                f"The state of the run cannot be written ({_shorten(error)}). Is the disk full?"
            ) from error
        self._written_at = time.monotonic()
        self._took_s = self._written_at - began

    def read(self) -> dict[str, Any] | None:
        """Read the state; ``None`` where there is none.

        Raises
        ------
        ConfigError
            It is damaged, or of another run.
        """
        if not self.path.is_file():
            return None
        try:
            # On the CPU: what belongs on the GPU is copied there by those who load it.
            content = torch.load(self.path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
            raise ConfigError(
                f"The state {self.path} cannot be read ({_shorten(error)}). Delete it to train "
                "from the start."
            ) from error
        if not isinstance(content, dict) or content.get("format") != STATE_FORMAT:
            raise ConfigError(
                f"{self.path} is no state of a run that this version of hilum goes on with. "
                "Delete it to train from the start."
            )
        differing = [
            name for name, value in self.identity.items() if content["identity"].get(name) != value
        ]
        if differing:
            raise ConfigError(
                f"The run in {self.path.parent} was begun with another "
                f"{' and another '.join(differing)}. Go on with the same, or name a new folder "
                "with --out."
            )
        state: dict[str, Any] = content["state"]
        return state

    def delete(self) -> None:
        """Remove the state: the run is finished."""
        self.path.unlink(missing_ok=True)


def _shorten(error: BaseException) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:120]}" if lines else type(error).__name__
