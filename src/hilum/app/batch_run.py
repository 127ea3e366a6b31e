"""A run over many films: in the background, with its progress, its results and its end.

The visitor's script comes and goes with each click. A run goes on in threads of its own until
it is done, is cancelled, or the visit ends.
"""

from __future__ import annotations

import io
import logging
import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from hilum.app.records import Recorder
from hilum.app.session import Engine
from hilum.app.tray import Entry
from hilum.errors import HilumError
from hilum.language import Text
from hilum.predictor import decide_again
from hilum.report import draw_film
from hilum.types import Prediction

_LOG = logging.getLogger(__name__)

State = Literal["running", "done", "cancelled"]

# While the network has one film, the next is being decoded.
_WORKERS = 2
_THUMBNAIL_PX = 72


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one film; of the film itself nothing is kept but a small picture.

    notes
        Codes of the film's warnings and of the gate's reasons.
    thumbnail
        A JPEG of at most 72 px a side; ``None`` where the film could not be read.
    error
        Why there is no answer; ``None`` where there is a prediction.
    """

    name: str
    milliseconds: float
    sha256: str | None = None
    decision: str | None = None
    probability: float | None = None
    logit: float | None = None
    threshold: float | None = None
    notes: tuple[str, ...] = ()
    thumbnail: bytes | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    seconds_left
        At the rate so far; ``None`` before the first film is done, and at the end.
    """

    state: State
    done: int
    failed: int
    whole: int
    seconds: float
    seconds_left: float | None


@dataclass
class _Board:
    """What the threads of a run and the page both see; it does not know the run's owner."""

    waiting: deque[tuple[int, Entry]]
    whole: int
    rows: dict[int, Row] = field(default_factory=dict)
    failed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    cancelled: threading.Event = field(default_factory=threading.Event)
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    workers: int = _WORKERS

    def take(self) -> tuple[int, Entry] | None:
        with self.lock:
            if self.cancelled.is_set() or not self.waiting:
                return None
            return self.waiting.popleft()

    def put(self, number: int, row: Row) -> None:
        with self.lock:
            self.rows[number] = row
            self.failed += row.error is not None

    def leave(self) -> None:
        with self.lock:
            self.workers -= 1
            if not self.workers:
                self.ended = time.monotonic()
                self.waiting.clear()  # of a cancelled run: its films are let go


class BatchRun:
    """Analyzes films in the background from the moment it is made.

    It is cancelled when nothing refers to it any more: with the visit that began it.

    Parameters
    ----------
    entries
        The films; each is opened when its turn comes, and let go after it.
    operating_point, gate
        As for one film.
    recorder
        Keeps each outcome; the answers do not wait for it.
    """

    def __init__(
        self,
        engine: Engine,
        entries: Sequence[Entry],
        operating_point: str,
        *,
        gate: bool,
        recorder: Recorder,
    ) -> None:
        self.spec = engine.spec
        self.operating_point = operating_point
        self._board = _Board(deque(enumerate(entries)), len(entries))
        weakref.finalize(self, self._board.cancelled.set)
        for _ in range(_WORKERS):
            # A server that is stopped does not wait for films.
            threading.Thread(
                target=_work,
                args=(self._board, engine, operating_point, gate, recorder),
                daemon=True,
            ).start()

    def cancel(self) -> None:
        """Let the films in hand be finished, and begin no other."""
        self._board.cancelled.set()

    def get_progress(self) -> Progress:
        """Say how far the run is."""
        board = self._board
        with board.lock:
            done, ended = len(board.rows), board.ended
        seconds = (time.monotonic() if ended is None else ended) - board.began
        state: State = "running"
        if ended is not None:
            state = "done" if done == board.whole else "cancelled"
        left = seconds / done * (board.whole - done) if done and ended is None else None
        return Progress(state, done, board.failed, board.whole, seconds, left)

    def list_rows(self) -> list[Row]:
        """Give what is known so far, in the order in which the films were given."""
        with self._board.lock:
            return [self._board.rows[number] for number in sorted(self._board.rows)]

    def wait(self, timeout_s: float) -> Progress:
        """Wait until the run has ended, at most ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while self.get_progress().state == "running" and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.get_progress()


def _work(
    board: _Board, engine: Engine, operating_point: str, gate: bool, recorder: Recorder
) -> None:
    try:
        while (taken := board.take()) is not None:
            number, entry = taken
            board.put(number, _analyze(engine, entry, operating_point, gate, recorder))
    finally:
        board.leave()


def _analyze(
    engine: Engine, entry: Entry, operating_point: str, gate: bool, recorder: Recorder
) -> Row:
    began, sha256 = time.perf_counter(), None

    def measure() -> float:
        return (time.perf_counter() - began) * 1000.0

    try:
        film = entry.open()
        sha256 = film.sha256
        prediction = engine.analyze(engine.read(film))
        prediction = decide_again(prediction, engine.spec, operating_point, gate=gate)
    except HilumError as error:
        recorder.record_failure(error, engine.spec, measure(), sha256)
        return Row(entry.name, measure(), error=error.text)
    except Exception as error:
        # One film must not end the others. The message may hold what stands in the film.
        where = "".join(traceback.format_tb(error.__traceback__))
        _LOG.error("A film of a batch ended with %s:\n%s", type(error).__name__, where)
        recorder.record_failure(error, engine.spec, measure(), sha256)
        return Row(entry.name, measure(), error=_describe(error))
    recorder.record(prediction, engine.spec, measure())
    thumbnail = _draw_thumbnail(prediction)
    notes = (*prediction.reasons, *prediction.warnings)
    return Row(
        entry.name,
        measure(),
        sha256=prediction.radiograph.sha256,
        decision=prediction.decision,
        probability=prediction.probability,
        logit=prediction.logit,
        threshold=prediction.threshold,
        notes=tuple(dict.fromkeys(note.code for note in notes)),
        thumbnail=thumbnail,
    )


def _describe(error: Exception) -> Text:
    return Text("An unexpected {kind}.", kind=type(error).__name__)


def _draw_thumbnail(prediction: Prediction) -> bytes:
    picture = draw_film(prediction.radiograph, max_side_px=_THUMBNAIL_PX)
    buffer = io.BytesIO()
    picture.convert("L").save(buffer, format="JPEG", quality=70)
    return buffer.getvalue()
