"""Opening: where a journal lies, who may read it, and what is refused."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from factories.journals import make_prediction, make_spec
from factories.postgres import make_database
from hilum.errors import ConfigError, HilumError, JournalError
from hilum.store import find_default_path, open_journal
from hilum.store.connect import _read_pg8000_options, resolve_place


def fill(path: Path, rows: int = 3) -> None:
    with open_journal(path) as journal:
        for _ in range(rows):
            journal.record(make_prediction(), spec=make_spec(), source="app", latency_ms=1)


def test_without_a_name_it_is_this_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    if sys.platform == "linux":
        assert find_default_path() == tmp_path / "state" / "hilum" / "journal.sqlite"
        with pytest.raises(JournalError, match="no journal"):
            open_journal(create=False)
        with open_journal() as journal:
            assert journal.place == str(find_default_path())
        assert find_default_path().parent.stat().st_mode & 0o777 == 0o700


def test_a_file_is_named_by_path_or_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "폐렴 #1?.sqlite"
    fill(path)
    monkeypatch.chdir(tmp_path)
    for name in (path, str(path), path.name):
        with open_journal(name, create=False) as journal:
            assert journal.count() == 3
            assert journal.place == str(path)
    plain = tmp_path / "plain.sqlite"
    fill(plain)
    with open_journal(f"sqlite:///{plain}", create=False) as journal:
        assert journal.count() == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    mask = os.umask(0)
    try:
        with open_journal(path) as journal:
            journal.record(make_prediction(), spec=make_spec(), source="app", latency_ms=1)
            names = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
        assert names["journal.sqlite"] == names["journal.sqlite-wal"] == 0o600
        assert set(names.values()) == {0o600}
        # Who shares a journal with a group keeps it so.
        path.chmod(0o660)
        fill(path)
        assert path.stat().st_mode & 0o777 == 0o660
    finally:
        os.umask(mask)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a\0b",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///a.db?mode=ro",
        "mysql://me@host/db",
        "http://host/journal",
        "postgresql://u:p@[::/x",
        "postgresql://u@h/d?sslmode=maybe",
        "postgresql://u@h/d?options=-csearch_path",
        "postgresql://u@h/d?sslrootcert=ca.pem",
    ],
)
def test_other_urls_are_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        open_journal(name)


def test_a_password_is_never_told() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    url = f"postgresql://reader:hunter2@127.0.0.1:{port}/journal"
    with pytest.raises(JournalError, match="cannot be reached") as caught:
        open_journal(url)
    assert "hunter2" not in str(caught.value)
    assert "***" in str(caught.value)
    for broken in ("postgresql://u:hunter2@h:port/x", "bad+://u:hunter2@h/x"):
        with pytest.raises(ConfigError) as refused:
            open_journal(broken)
        assert "hunter2" not in str(refused.value)


def test_tls_is_asked_for_as_in_libpq() -> None:
    def read(options: str) -> object:
        return _read_pg8000_options(resolve_place(f"postgres://u@h/d{options}"))[1]["ssl_context"]

    assert read("") is None  # where the server offers it
    assert read("?sslmode=require") is True
    assert read("?sslmode=disable") is False
    checked = read("?sslmode=verify-full")
    assert getattr(checked, "check_hostname", None) is True


@pytest.mark.parametrize("rest", [b"", b"\0" * 4096, b"no database at all" * 500])
def test_a_file_that_is_no_database_is_told_and_left(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(b"DICM" + rest)
    before = path.read_bytes()
    with pytest.raises(JournalError, match="no journal, or is damaged"):
        open_journal(path)
    assert path.read_bytes() == before


def use_all(path: Path) -> str | None:
    """Read and write a journal; give what was told where that failed."""
    try:
        with open_journal(path) as journal:
            list(journal.iterate())
            journal.count_by_day()
            journal.record(make_prediction(), spec=make_spec(), source="app", latency_ms=1)
    except JournalError as error:
        return str(error)
    return None


def test_a_damaged_journal_is_told_whenever_it_is_met(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    fill(path, rows=200)
    whole = path.read_bytes()
    found = 0
    # Each page in turn is overwritten, as by a failing disk.
    for place in range(0, len(whole), 4096):
        for side in tmp_path.glob("journal.sqlite-*"):
            side.unlink()
        path.write_bytes(whole[:place] + b"\xa5" * 4096 + whole[place + 4096 :])
        told = use_all(path)
        assert told is None or "damaged" in told
        found += told is not None
    assert found >= 5


def test_a_journal_that_was_cut_off_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    fill(path, rows=200)
    path.write_bytes(path.read_bytes()[:12_288])
    with pytest.raises(JournalError, match="damaged"), open_journal(path) as journal:
        list(journal.iterate())


def test_a_newer_journal_is_not_touched(place: str) -> None:
    with open_journal(place) as journal, journal._engine.begin() as connection:
        connection.execute(text("UPDATE hilum_journal SET format = 99"))
    with pytest.raises(JournalError, match=r"newer hilum \(format 99; this one knows 1\)"):
        open_journal(place)


def test_another_programs_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE moz_places (url TEXT)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    for create in (True, False):
        with pytest.raises(JournalError, match="no journal of hilum"):
            open_journal(path, create=create)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["places.sqlite"]


def test_a_folder_that_is_not_there_or_a_folder_instead_of_a_file_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "journal.sqlite", tmp_path):
        for create in (True, False):
            with pytest.raises(JournalError):
                open_journal(path, create=create)
    assert list(tmp_path.iterdir()) == []


READ_ONLY = """
import sys
from hilum.errors import JournalError
from hilum.store import open_journal
for name in sys.argv[1:]:
    try:
        open_journal(name).count()
    except JournalError as error:
        print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_folder_that_may_not_be_written_to_is_told(
    tmp_path: Path, quiet_environment: dict[str, str]
) -> None:
    """By a process that is not root, whom no mode would stop."""
    folder = tmp_path / "closed"
    folder.mkdir()
    fill(folder / "old.sqlite")
    (folder / "old.sqlite").chmod(0o444)
    folder.chmod(0o555)
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(parent.stat().st_mode | 0o055)
    drop: list[str] = []
    if os.geteuid() == 0:
        drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    try:
        done = subprocess.run(
            [*drop, sys.executable, "-c", READ_ONLY, folder / "new.sqlite", folder / "old.sqlite"],
            env=quiet_environment | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    except FileNotFoundError:
        pytest.skip("as root, setpriv is needed")
    finally:
        folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    new, old = done.stdout.splitlines()
    assert "new.sqlite cannot be opened: Permission denied" in new
    assert "old.sqlite" in old
    assert "cannot be" in old


@pytest.mark.postgres
def test_what_a_server_refuses_is_told_in_words(server: str) -> None:
    place = make_database(server)
    for wrong, words in (
        (server.format("nowhere"), "does not exist. Make it with"),
        (place.replace("not%20a%20secret", "guess"), "Check the password"),
    ):
        with pytest.raises(JournalError, match=words) as caught:
            open_journal(wrong)
        assert "secret" not in str(caught.value)
        assert "guess" not in str(caught.value)
    with pytest.raises(JournalError, match="no journal of hilum"):
        open_journal(place, create=False)


@pytest.mark.postgres
def test_other_tables_of_a_server_are_left_alone(server: str) -> None:
    place = make_database(server)
    url, arguments = _read_pg8000_options(resolve_place(place))
    engine = create_engine(url, connect_args=arguments)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE wards (name TEXT)"))
    with open_journal(place) as journal:
        assert journal.count() == 0
        assert "secret" not in journal.place
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM wards")).scalar_one() == 0
    engine.dispose()


@pytest.mark.postgres
def test_a_lost_connection_is_told_and_the_next_one_is_new(server: str) -> None:
    place = make_database(server)
    with open_journal(place) as journal:
        journal.record(make_prediction(), spec=make_spec(), source="app", latency_ms=1)
        with open_journal(place) as other, other._engine.begin() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        assert journal.count() == 1


HIDE = """
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
from hilum.errors import MissingExtraError
try:
    from hilum.store import open_journal
    open_journal(sys.argv[2])
except MissingExtraError as error:
    print(error.extra)
"""


@pytest.mark.parametrize(
    ("hidden", "place", "extra"),
    [
        ("sqlalchemy", "journal.sqlite", "store"),
        ("platformdirs", "journal.sqlite", "store"),
        ("pg8000", "postgresql://u@h/d", "postgres"),
    ],
)
def test_a_missing_package_names_its_extra(
    hidden: str, place: str, extra: str, tmp_path: Path, quiet_environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HIDE, hidden, place],
        cwd=tmp_path,
        env=quiet_environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.strip() == extra, done.stderr


def test_errors_of_a_journal_are_hilums_own() -> None:
    assert issubclass(JournalError, HilumError)
