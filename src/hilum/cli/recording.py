"""Keeping what a command analyzes in a journal, where one is asked for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hilum.predictor import FilmError
    from hilum.spec import ModelSpec
    from hilum.types import Prediction

    Record = Callable[[Prediction | FilmError, float], None]


@contextmanager
def open_recorder(place: str | None, spec: ModelSpec) -> Iterator[Record]:
    """Give what records an outcome and its milliseconds; with ``None`` it records nothing.

    Raises
    ------
    JournalError, ConfigError, MissingExtraError
        The journal cannot be opened; see :func:`hilum.store.open_journal`.
    """
    if place is None:
        yield lambda _, __: None
        return
    from hilum.cli.journal import open_named
    from hilum.predictor import FilmError

    with open_named(place, create=True) as journal:

        def record(outcome: Prediction | FilmError, latency_ms: float) -> None:
            if isinstance(outcome, FilmError):
                journal.record_failure(
                    outcome.error, spec=spec, source="cli", latency_ms=latency_ms
                )
            else:
                journal.record(outcome, spec=spec, source="cli", latency_ms=latency_ms)

        yield record
