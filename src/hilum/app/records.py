"""Keeping analyses of the pages in a journal, where there is one, and asking what readers say.

An answer does not wait for the journal's health: where it cannot be written, the page shows the
answer and says that it was not recorded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from hilum.app.parts import name_options, say, show_notes
from hilum.app.session import Film
from hilum.app.settings import get_options
from hilum.errors import HilumError, JournalError
from hilum.language import Text, join_texts
from hilum.spec import ModelSpec
from hilum.types import Prediction

if TYPE_CHECKING:
    from hilum.store import Journal

State = MutableMapping[Any, Any]

SOURCE = "app"
VERDICTS: Mapping[str, Text] = {
    "agree": Text("agree"),
    "disagree": Text("disagree"),
    "unsure": Text("unsure"),
}


# One in a process, for every session: the server owns its lifetime.
@st.cache_resource(show_spinner=False, on_release=lambda journal: journal.close())
def load_journal(place: str) -> Journal:
    """Open the journal that the command line named; an empty name is this user's own."""
    from hilum.store import open_journal

    return open_journal(place or None)


def get_journal(state: State) -> Journal | None:
    """Give the journal; ``None`` where the page keeps none.

    Raises
    ------
    JournalError
        It cannot be opened.
    """
    place = get_options(state).journal
    return None if place is None else load_journal(place)


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes to a journal, and to nothing where there is none.

    trouble
        Is called with what went wrong, where something did.
    """

    journal: Journal | None
    trouble: Callable[[HilumError], None]

    def record(self, prediction: Prediction, spec: ModelSpec, latency_ms: float) -> int | None:
        """Record an answer; give its number in the journal."""
        if self.journal is None:
            return None
        try:
            kept = self.journal.record(prediction, spec=spec, source=SOURCE, latency_ms=latency_ms)
        except JournalError as error:
            self.trouble(error)
            return None
        return kept.id

    def record_failure(
        self, error: BaseException, spec: ModelSpec, latency_ms: float, sha256: str | None
    ) -> None:
        """Record that a film has no answer."""
        if self.journal is None:
            return
        try:
            self.journal.record_failure(
                error, spec=spec, source=SOURCE, latency_ms=latency_ms, film_sha256=sha256
            )
        except JournalError as trouble:
            self.trouble(trouble)


def make_recorder(state: State, tell: Callable[[HilumError], None]) -> Recorder:
    """Make what records analyses; one that records nothing where the journal cannot be opened.

    Parameters
    ----------
    tell
        Is called with what went wrong with the journal, now or later.
    """
    try:
        return Recorder(get_journal(state), tell)
    except HilumError as error:
        tell(error)
        return Recorder(None, tell)


def analyze_recorded(
    state: State, spec: ModelSpec, model: str, film: Film, analyze: Callable[[], Prediction]
) -> Prediction:
    """Run ``analyze``, and record it where it was not recorded in this visit.

    Raises
    ------
    HilumError
        From ``analyze``, after it was recorded as a failure.
    """
    numbers: dict[tuple[str, str, str], int | None] = state.setdefault("recorded", {})
    key = (film.sha256, film.name, model)
    if key in numbers:
        return analyze()

    def tell(error: HilumError) -> None:
        state["journal_trouble"] = error.text

    recorder = make_recorder(state, tell)
    began = time.perf_counter()

    def measure() -> float:
        return (time.perf_counter() - began) * 1000.0

    try:
        prediction = analyze()
    except HilumError as error:
        # Once: a knob that moves tries the film again, and the error rate is one of films.
        numbers[key] = None
        recorder.record_failure(error, spec, measure(), film.sha256)
        raise
    numbers[key] = recorder.record(prediction, spec, measure())
    return prediction


def ask_for_feedback(state: State, model: str, film: Film) -> None:
    """Ask what the reader thinks of the answer, where the journal can keep it."""
    number = state.get("recorded", {}).get((film.sha256, film.name, model))
    if trouble := state.pop("journal_trouble", None):
        show_notes([join_texts([Text("This analysis is not in the journal."), trouble])])
    if number is None:
        return
    key = f"feedback:{number}"
    st.pills(
        say(Text("Do you agree with this answer?")),
        list(VERDICTS),
        key=key,
        format_func=name_options(VERDICTS, lambda verdict: VERDICTS[verdict].as_start()),
        on_change=_keep_feedback,
        args=(state, key, number),
    )


def _keep_feedback(state: State, key: str, number: int) -> None:
    verdict = state.get(key)
    if verdict is None:
        return
    try:
        journal = get_journal(state)
        if journal is not None:
            journal.add_feedback(number, verdict)
    except HilumError as error:
        state["journal_trouble"] = error.text
