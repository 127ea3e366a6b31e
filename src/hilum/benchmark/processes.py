"""Fresh processes: one that serves films, and one that answers a single film and ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from time import perf_counter
from typing import IO, TYPE_CHECKING, Any, cast

from hilum.closing import Closing
from hilum.errors import HilumError

if TYPE_CHECKING:
    from pathlib import Path


def make_environment(threads: int) -> dict[str, str]:
    """Give the environment of every measured process: the same threads for both sides."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONWARNINGS": "ignore"}


class Worker(Closing):
    """A process that loads one side and answers films; see :mod:`hilum.benchmark.measure`.

    Raises
    ------
    HilumError
        The process ended before it answered.
    """

    def __init__(self, side: str, settings: Path, *, threads: int) -> None:
        self._side = side
        self._errors: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._process = subprocess.Popen(  # noqa: S603  our own module, no shell
            [sys.executable, "-m", "hilum.benchmark.measure", side, str(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=make_environment(threads),
        )

    def wait_until_ready(self) -> None:
        """Return when the model is loaded."""
        self._read()

    def answer(self, film: Path, *, overlay: bool) -> dict[str, Any]:
        """Let the process answer one film."""
        return self._ask({"film": str(film), "overlay": overlay})

    def read_peak_resident_bytes(self) -> int | None:
        """Give the most memory that the process ever held resident."""
        return cast("int | None", self._ask({"peak": True})["peak_resident_bytes"])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None  # asked for above
        with suppress(BrokenPipeError):  # what the process said of its end is read below
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # asked for above
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            last = (self._errors.read().strip().splitlines() or ["no message"])[-1]
            raise HilumError(f"The benchmark's process for {self._side} ended: {last}")
        return cast("dict[str, Any]", json.loads(line))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None  # asked for above
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended already
            self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()


def time_command(command: list[str], *, threads: int) -> float:
    """Run ``command`` in a fresh process and give the seconds until it has ended.

    Raises
    ------
    HilumError
        It failed.
    """
    start = perf_counter()
    run = subprocess.run(  # noqa: S603  our own commands, no shell
        command, capture_output=True, text=True, env=make_environment(threads), check=False
    )
    seconds = perf_counter() - start
    if run.returncode:
        last = (run.stderr.strip().splitlines() or ["no message"])[-1]
        raise HilumError(f"A process of the benchmark failed: {last}")
    return seconds
