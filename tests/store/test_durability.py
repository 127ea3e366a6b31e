"""What was acknowledged is there afterwards: killed writers, several at once, a full disk."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from threading import Event, Thread

import pytest

from factories.journals import make_prediction, make_spec
from hilum.errors import JournalError
from hilum.store import Journal, Selection, open_journal

WRITER = Path(__file__).with_name("killed_writers.py")
TESTS = WRITER.parents[1]


def start_writer(
    place: str, count: int, source: str, environment: dict[str, str]
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WRITER), place, str(count), source],
        env=environment | {"PYTHONPATH": f"{environment['PYTHONPATH']}:{TESTS}"},
        stdout=subprocess.PIPE,
        text=True,
    )


def read_acknowledged(writer: subprocess.Popen[str], limit: int | None = None) -> list[int]:
    """Read the numbers that a writer prints, until it ends or has printed so many."""
    assert writer.stdout is not None
    told = []
    for line in writer.stdout:
        # The last line of a writer that was killed may be cut off.
        if line.endswith("\n") and line != "open\n":
            told.append(int(line))
        if limit is not None and len(told) >= limit:
            break
    return told


@pytest.mark.slow
def test_all_that_was_acknowledged_is_there_after_kill_9(
    place: str, quiet_environment: dict[str, str]
) -> None:
    acknowledged: list[int] = []
    for after in (1, 7, 40, 90):
        with start_writer(place, 100_000, "app", quiet_environment) as writer:
            acknowledged += read_acknowledged(writer, limit=after)
            # It goes on writing meanwhile: the blow falls anywhere in a record.
            writer.kill()
            acknowledged += read_acknowledged(writer)
        assert writer.returncode == -9
        with open_journal(place, create=False) as journal:
            kept = [one.id for one in journal.iterate()]
            assert set(acknowledged) <= set(kept)
            # One record at most was kept and could not be acknowledged, for each blow.
            assert len(kept) <= len(acknowledged) + 4
            assert journal.get(acknowledged[-1]).warnings == ("lossy",)
    assert len(acknowledged) >= 1 + 7 + 40 + 90
    if "://" not in place:
        with sqlite3.connect(place) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()


@pytest.mark.slow
def test_two_processes_write_at_once_without_loss_while_one_reads(
    place: str, quiet_environment: dict[str, str]
) -> None:
    """Both begin with a journal that is not there yet."""
    count = 150
    sources = ("app", "cli")
    first, second = (start_writer(place, count, source, quiet_environment) for source in sources)
    told: dict[str, list[int]] = {}
    threads = [
        Thread(target=lambda s, w: told.__setitem__(s, read_acknowledged(w)), args=pair)
        for pair in zip(sources, (first, second), strict=True)
    ]
    for thread in threads:
        thread.start()
    seen = [0]
    with first, second, open_journal(place) as journal:
        while any(thread.is_alive() for thread in threads):
            seen.append(journal.count())
            assert sum(one.counts.total for one in journal.count_by_day()) >= seen[-1]
        for thread, writer in zip(threads, (first, second), strict=True):
            thread.join()
            assert writer.wait() == 0
        assert seen == sorted(seen)
        kept = [one.id for one in journal.iterate()]
        assert len(kept) == len(set(kept)) == 2 * count
        for source in sources:
            assert len(told[source]) == count
            own = [one.id for one in journal.iterate(Selection(source=source))]
            assert own == told[source]
            latencies = Counter(one.latency_ms for one in journal.iterate(Selection(source=source)))
            assert latencies == Counter(float(number) for number in range(count))


def test_many_open_a_new_journal_at_once(place: str) -> None:
    start, faults, journals = Event(), [], []

    def open_it() -> None:
        start.wait()
        try:
            journals.append(open_journal(place))
        except JournalError as error:
            faults.append(error)

    threads = [Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    start.set()
    for thread in threads:
        thread.join()
    assert not faults
    for journal in journals:
        record(journal)
    assert journals[0].count() == len(journals) == 8
    for journal in journals:
        journal.close()


def record(journal: Journal) -> int:
    return journal.record(make_prediction(), spec=make_spec(), source="app", latency_ms=1).id


def test_a_full_disk_is_told_and_what_was_recorded_stays(tmp_path: Path) -> None:
    """SQLite itself is told that there is no further page."""
    path = tmp_path / "journal.sqlite"
    with open_journal(path) as journal:
        kept = [record(journal)]
        with journal._engine.connect() as connection:
            driver = connection.connection.dbapi_connection
            assert driver is not None
            pages = driver.execute("PRAGMA page_count").fetchone()[0]
            driver.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(JournalError, match="disk is full"):
            kept.extend(record(journal) for _ in range(1000))
        assert [one.id for one in journal.iterate()] == kept
    with open_journal(path) as journal:
        assert [one.id for one in journal.iterate()] == kept
        kept.append(record(journal))
        assert journal.count() == len(kept)


FILL = """
import resource, sys
from pathlib import Path
from factories.journals import make_prediction, make_spec
from hilum.errors import JournalError
from hilum.store import open_journal

with open_journal(sys.argv[1]) as journal:
    limit = 200_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    kept = 0
    try:
        while kept < 5000:
            journal.record(make_prediction(), spec=make_spec(), source="app", latency_ms=1)
            kept += 1
    except JournalError as error:
        print(kept, journal.count())
        print(error)
"""


def test_a_file_that_may_not_grow_is_told_and_what_was_recorded_stays(
    tmp_path: Path, quiet_environment: dict[str, str]
) -> None:
    """The operating system refuses the write."""
    path = tmp_path / "journal.sqlite"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FILL, str(path)],
        env=quiet_environment | {"PYTHONPATH": f"{quiet_environment['PYTHONPATH']}:{TESTS}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    counts, message = done.stdout.splitlines()
    kept, counted = map(int, counts.split())
    assert "disk" in message
    assert str(path) in message
    assert kept == counted > 5
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 200_000
    with open_journal(path, create=False) as journal:
        assert journal.count() == kept
        record(journal)


def test_a_writer_waits_for_another_and_says_so_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    monkeypatch.setattr("hilum.store.connect._BUSY_S", 0.2)
    with open_journal(path) as journal:
        record(journal)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="another process"):
            record(journal)
        assert journal.count() == 1  # reading goes on
        other.execute("ROLLBACK")
        other.close()
        assert record(journal) == 2
