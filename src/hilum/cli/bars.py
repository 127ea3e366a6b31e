"""A progress bar for work that reports what is done and what there is in all."""

from __future__ import annotations

import sys
from typing import Any, Self


class Bar:
    """A bar on stderr where someone looks; it appears with the first report and goes at the end.

    Parameters
    ----------
    name
        What is being done.
    unit
        What is counted.
    """

    def __init__(self, name: str, unit: str) -> None:
        self._name = name
        self._unit = unit
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, done: int, whole: int) -> None:
        """Tell how much is done, of how much."""
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(
                total=whole,
                desc=self._name,
                unit=self._unit,
                leave=False,
                file=sys.stderr,
                disable=None,
            )
        self._bar.update(done - self._bar.n)
