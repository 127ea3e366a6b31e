"""The journal of analyses: written to as films are analyzed, read by whoever runs hilum."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, delete, func, insert, select

from hilum.closing import Closing
from hilum.decision.drift import DEFAULT_ALPHA
from hilum.errors import ConfigError
from hilum.store import figures, scores
from hilum.store.analysis import (
    Analysis,
    Feedback,
    Verdict,
    check_time,
    check_verdict,
    describe_failure,
    describe_prediction,
)
from hilum.store.connect import describe_place, open_engine, resolve_place
from hilum.store.faults import told
from hilum.store.selection import EVERYTHING, Selection, select_analyses
from hilum.store.tables import analyses, feedback

if TYPE_CHECKING:
    from hilum.spec import ModelSpec
    from hilum.types import Prediction

# Rows that are read at once where all of them are gone through.
_PAGE = 1000


def open_journal(
    url_or_path: str | os.PathLike[str] | None = None, *, create: bool = True
) -> Journal:
    """Open a journal. Close it, or use it in a ``with``.

    Parameters
    ----------
    url_or_path
        A file of SQLite, a URL (``postgresql://USER@HOST/NAME``, with the extra ``postgres``),
        or ``None`` for this user's own, :func:`hilum.store.find_default_path`.
    create
        Make it where there is none.

    Raises
    ------
    JournalError
        It cannot be opened, is damaged, is another program's or of a newer hilum; or there is
        none and ``create`` is false.
    ConfigError
        The URL cannot be used.
    MissingExtraError
        The driver for PostgreSQL is not installed.
    """
    url = resolve_place(url_or_path)
    return Journal(open_engine(url, create=create), describe_place(url))


class Journal(Closing):
    """Analyses and what readers said of them. It may be used from several threads.

    Several processes may write to one journal at once: each waits for the others. What a method
    has returned from is on the disk. Every method raises :class:`~hilum.errors.JournalError`
    where the database fails, and what was recorded before is kept.

    Parameters
    ----------
    engine, place
        From :func:`open_journal`.
    """

    def __init__(self, engine: Engine, place: str) -> None:
        self._engine = engine
        self._place = place

    @property
    def place(self) -> str:
        """Where it lies: the path of a file, or a URL without its password."""
        return self._place

    def record(
        self,
        prediction: Prediction,
        *,
        spec: ModelSpec,
        source: str,
        latency_ms: float | None,
        time: datetime | None = None,
    ) -> Analysis:
        """Record an analysis.

        Parameters
        ----------
        prediction
            Neither its pixels nor the name and header of its film are kept.
        spec
            Of the model that made it.
        source
            Which part of hilum asked: ``"app"``, ``"cli"`` …
        latency_ms
            From the film's bytes to the answer; ``None`` where it was not measured.
        time
            When; ``None`` is now.

        Raises
        ------
        SpecMismatchError
            The prediction is not of that model.
        ConfigError
            ``source``, ``latency_ms`` or ``time`` cannot be kept.
        """
        return self._insert(
            describe_prediction(prediction, spec, source=source, latency_ms=latency_ms, time=time)
        )

    def record_failure(
        self,
        error: BaseException,
        *,
        source: str,
        latency_ms: float | None,
        spec: ModelSpec | None = None,
        film_sha256: str | None = None,
        film_format: str | None = None,
        time: datetime | None = None,
    ) -> Analysis:
        """Record an analysis that failed.

        Parameters
        ----------
        error
            The name of its class is kept; its message is not.
        spec
            Of the model that was asked, where there was one.
        film_sha256, film_format
            Of the film, where they are known.
        source, latency_ms, time
            See :meth:`record`.

        Raises
        ------
        ConfigError
            Something of it cannot be kept.
        """
        return self._insert(
            describe_failure(
                error,
                spec,
                source=source,
                latency_ms=latency_ms,
                film_sha256=film_sha256,
                film_format=film_format,
                time=time,
            )
        )

    def add_feedback(
        self, analysis_id: int, verdict: str, *, time: datetime | None = None
    ) -> Feedback:
        """Add what a reader says of an answer: ``"agree"``, ``"disagree"`` or ``"unsure"``.

        The last one counts; those before it are kept.

        Raises
        ------
        ConfigError
            There is no such verdict, or no such analysis.
        """
        row: dict[str, Any] = {
            "analysis_id": analysis_id,
            "verdict": check_verdict(verdict),
            "time": datetime.now(UTC) if time is None else check_time(time),
        }
        if not 0 < analysis_id < 2**63:
            raise self._make_unknown(analysis_id)
        # Held until the end: it is not removed in between.
        known = select(analyses.c.id).where(analyses.c.id == analysis_id)
        with self._write() as connection:
            if connection.execute(known.with_for_update(read=True)).one_or_none() is None:
                raise self._make_unknown(analysis_id)
            key = connection.execute(insert(feedback).values(row)).inserted_primary_key
        assert key is not None
        return Feedback(id=key[0], **row)

    def get(self, analysis_id: int) -> Analysis:
        """Give one analysis.

        Raises
        ------
        ConfigError
            There is none of that number.
        """
        if 0 < analysis_id < 2**63:
            query = select_analyses(EVERYTHING).where(analyses.c.id == analysis_id)
            with self._read() as connection:
                row = connection.execute(query).one_or_none()
            if row is not None:
                return Analysis(*row)
        raise self._make_unknown(analysis_id)

    def list_analyses(
        self,
        selection: Selection = EVERYTHING,
        *,
        limit: int = 50,
        before: int | None = None,
        offset: int = 0,
    ) -> list[Analysis]:
        """List analyses, the newest first.

        Parameters
        ----------
        limit
            No more than these.
        before
            Only those recorded before the analysis of this number: give the last one of a page
            for the next page, which then stays the same when others are recorded.
        offset
            Leave out so many of the newest: for a page by its number.

        Raises
        ------
        ConfigError
            ``limit`` or ``offset`` is less than 0.
        """
        if limit < 0 or offset < 0:
            raise ConfigError("A page of the journal has 0 or more rows, after 0 or more others.")
        query = select_analyses(selection).order_by(analyses.c.id.desc())
        if before is not None:
            query = query.where(analyses.c.id < before)
        with self._read() as connection:
            rows = connection.execute(query.limit(limit).offset(offset))
            return [Analysis(*row) for row in rows]

    def count(self, selection: Selection = EVERYTHING) -> int:
        """Count analyses."""
        query = select(func.count()).select_from(analyses).where(*selection.list_conditions())
        with self._read() as connection:
            return int(connection.execute(query).scalar_one())

    def iterate(self, selection: Selection = EVERYTHING) -> Iterator[Analysis]:
        """Go through analyses, the oldest first, in constant memory.

        Those that are recorded meanwhile may be among them. No lock is held in between.
        """
        after = 0
        while True:
            query = select_analyses(selection).where(analyses.c.id > after)
            with self._read() as connection:
                rows = connection.execute(query.order_by(analyses.c.id).limit(_PAGE)).all()
            for row in rows:
                yield Analysis(*row)
            if len(rows) < _PAGE:
                return
            after = rows[-1].id

    def list_feedback(self, analysis_id: int) -> list[Feedback]:
        """List all that was said of an answer, the oldest first."""
        query = select(feedback).where(feedback.c.analysis_id == analysis_id)
        with self._read() as connection:
            rows = connection.execute(query.order_by(feedback.c.id))
            return [Feedback(*row) for row in rows]

    def iterate_feedback(
        self, selection: Selection = EVERYTHING
    ) -> Iterator[tuple[Feedback, Analysis]]:
        """Go through all that was said, the oldest first, with the analysis that it was said of."""
        after = 0
        while True:
            query = (
                select_analyses(selection)
                .join(feedback, feedback.c.analysis_id == analyses.c.id)
                .add_columns(*(column.label(f"said_{column.key}") for column in feedback.c))
                .where(feedback.c.id > after)
            )
            with self._read() as connection:
                rows = connection.execute(query.order_by(feedback.c.id).limit(_PAGE)).all()
            width = len(feedback.c)
            for row in rows:
                yield Feedback(*row[-width:]), Analysis(*row[:-width])
            if len(rows) < _PAGE:
                return
            after = rows[-1].said_id

    def count_outcomes(self, selection: Selection = EVERYTHING) -> figures.OutcomeCounts:
        """Count analyses by outcome; with it the share that failed."""
        with self._read() as connection:
            return figures.count_outcomes(connection, selection)

    def count_by_day(
        self, selection: Selection = EVERYTHING, *, zone: tzinfo = UTC
    ) -> list[figures.DayCounts]:
        """Count the analyses of each day by outcome.

        Parameters
        ----------
        zone
            Whose days these are.

        Returns
        -------
        Every day from the first to the last that has analyses, days without any among them.
        """
        with self._read() as connection:
            return figures.count_by_day(connection, selection, zone)

    def count_errors(self, selection: Selection = EVERYTHING) -> dict[str, int]:
        """Count what failed by the class of the error, the most frequent first."""
        with self._read() as connection:
            return figures.count_errors(connection, selection)

    def count_reasons(self, selection: Selection = EVERYTHING) -> dict[str, int]:
        """Count why films were refused by the gate, by code, the most frequent first."""
        with self._read() as connection:
            return figures.count_codes(connection, selection, analyses.c.reasons)

    def count_warnings(self, selection: Selection = EVERYTHING) -> dict[str, int]:
        """Count the warnings of films by code, the most frequent first."""
        with self._read() as connection:
            return figures.count_codes(connection, selection, analyses.c.warnings)

    def count_feedback(self, selection: Selection = EVERYTHING) -> dict[str, dict[Verdict, int]]:
        """Count what was said last of each answer: decision → verdict → number."""
        with self._read() as connection:
            return figures.count_feedback(connection, selection)

    def list_models(self, selection: Selection = EVERYTHING) -> list[figures.ModelUse]:
        """List the models that were asked, the one asked most first."""
        with self._read() as connection:
            return figures.list_models(connection, selection)

    def measure_latency(self, selection: Selection = EVERYTHING) -> figures.Latency:
        """Measure median and 95th percentile of how long analyses took."""
        with self._read() as connection:
            return figures.measure_latency(connection, selection)

    def measure_latency_by_day(
        self, selection: Selection = EVERYTHING, *, zone: tzinfo = UTC
    ) -> list[figures.DayLatency]:
        """Measure each day by itself; days without analyses are left out."""
        with self._read() as connection:
            return figures.measure_latency_by_day(connection, selection, zone)

    def compare_scores(
        self,
        spec: ModelSpec,
        selection: Selection = EVERYTHING,
        *,
        alpha: float = DEFAULT_ALPHA,
    ) -> scores.ScoreComparison:
        """Compare how films score with the validation films of their model.

        Each film counts once, by its last analysis. Films that the gate refuses, and means over
        views, are left out. See :mod:`hilum.decision.drift` for the tests and what they mean.

        Parameters
        ----------
        spec
            The model; analyses of other weights are left out.
        alpha
            Chance of a false alarm that each test may have, each time that it is asked.

        Raises
        ------
        ConfigError
            The selection names another model, or ``alpha`` is not between 0 and 0.5.
        """
        with self._read() as connection:
            return scores.compare_scores(connection, spec, selection, alpha)

    def purge(self, *, older_than_days: float, now: datetime | None = None) -> int:
        """Remove analyses that are older, and what was said of them; give how many they were.

        In SQLite what was removed is overwritten in the file; the room is used again.

        Raises
        ------
        ConfigError
            ``older_than_days`` is less than 0, or reaches back further than time does.
        """
        if not math.isfinite(older_than_days) or older_than_days < 0.0:
            raise ConfigError("How many days are kept is a number of 0 or more.")
        try:
            border = (now or datetime.now(UTC)) - timedelta(days=older_than_days)
        except OverflowError as error:
            raise ConfigError(f"Time does not reach back {older_than_days:g} days.") from error
        with self._write() as connection:
            removed = connection.execute(
                delete(analyses).where(analyses.c.time < check_time(border))
            ).rowcount
        if removed and self._engine.dialect.name == "sqlite":
            # The write-ahead log still holds the rows until it is written back.
            with told(self._place), self._engine.connect() as connection:
                driver = connection.connection
                driver.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return int(removed)

    def close(self) -> None:
        """Let go of the database. Closing twice is fine."""
        self._engine.dispose()

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with told(self._place), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with told(self._place), self._engine.connect() as connection:
            writing = connection.execution_options(writes=True)
            with writing.begin():
                yield writing

    def _insert(self, row: dict[str, Any]) -> Analysis:
        with self._write() as connection:
            key = connection.execute(insert(analyses).values(row)).inserted_primary_key
        assert key is not None
        return Analysis(id=key[0], **row)

    def _make_unknown(self, analysis_id: int) -> ConfigError:
        return ConfigError(
            f"There is no analysis {analysis_id} in the journal. `hilum journal show` lists them."
        )
