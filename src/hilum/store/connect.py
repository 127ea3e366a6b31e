"""Where a journal lies, and how it is opened: SQLite as a file, PostgreSQL by URL."""

from __future__ import annotations

import os
import sqlite3
import ssl
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from platformdirs import user_state_path
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, InvalidatePoolError

from hilum.errors import ConfigError, JournalError, MissingExtraError
from hilum.language import Text
from hilum.store.faults import get_sqlite_code, told
from hilum.store.tables import FORMAT, journals, metadata

FILE_NAME = "journal.sqlite"

# How long a writer waits for another one; each holds the file for milliseconds.
_BUSY_S = 30.0
_SERVER_S = 30.0
_SQLITE_BUSY = 5

# Any number will do, as long as all of hilum takes the same.
_ADVISORY_LOCK = 0x68696C756D

_POSTGRES_NAMES = {"postgres", "postgresql"}
_SSL_MODES = ("disable", "prefer", "require", "verify-full")


def find_default_path() -> Path:
    """Give the path of this user's journal: in the folder for state of the platform."""
    return user_state_path("hilum", appauthor=False) / FILE_NAME


def resolve_place(url_or_path: str | os.PathLike[str] | None) -> URL:
    """Give the URL of a journal; a path is that of a file of SQLite.

    Raises
    ------
    ConfigError
        It is no URL that hilum can use.
    """
    if url_or_path is None:
        url_or_path = find_default_path()
    text = os.fspath(url_or_path)
    if "\0" in text or not text:
        raise ConfigError("A journal is named by a path or a URL.")
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).absolute()))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # Not told again: there may be a password in it.
        raise ConfigError("The URL of the journal cannot be read.") from None
    if url.drivername == "sqlite":
        if not url.database or url.database == ":memory:" or url.query:
            raise ConfigError("A journal in SQLite is a file: sqlite:///PATH, or just the path.")
        return URL.create("sqlite", database=str(Path(url.database).absolute()))
    if url.drivername in _POSTGRES_NAMES:
        return url.set(drivername="postgresql+pg8000")
    if url.get_backend_name() == "postgresql":
        return url
    raise ConfigError(
        "A journal is kept in SQLite or PostgreSQL: name a file, or postgresql://USER@HOST/NAME."
    )


def describe_place(url: URL) -> str:
    """Name a journal for people: the path of a file, or a URL without its password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.set(query={}).render_as_string(hide_password=True)


def open_engine(url: URL, *, create: bool) -> Engine:
    """Open a journal and make sure that its tables are there and of this format.

    Parameters
    ----------
    create
        Make it where there is none.

    Raises
    ------
    JournalError
        There is none and it is not to be made, it cannot be opened, or it is another program's
        or of a newer hilum.
    ConfigError, MissingExtraError
        The URL has options that hilum does not know; the driver is not installed.
    """
    place = describe_place(url)
    with told(place):
        if url.get_backend_name() == "sqlite":
            engine = _make_sqlite(url, create=create)
        else:
            engine = _make_postgres(url)
        try:
            _prepare(engine, place, create=create)
        except BaseException:
            engine.dispose()
            raise
    return engine


def _make_sqlite(url: URL, *, create: bool) -> Engine:
    path = Path(str(url.database))
    if create:
        _touch(path)
    elif not path.exists():
        raise JournalError(
            Text(
                "There is no journal {path}. Name one with --journal, or record an analysis first.",
                path=str(path),
            )
        )
    engine = create_engine(
        url,
        # SQLAlchemy begins transactions below, of the kind that is wanted.
        connect_args={"timeout": _BUSY_S, "isolation_level": None},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _touch(path: Path) -> None:
    """Make the file of a new journal, for its owner alone; SQLite's own files follow it."""
    if path == find_default_path():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    os.close(descriptor)


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # FULL waits for the disk at each commit, so that a row survives a power cut and not only
    # a process that is killed. What is removed is overwritten, not only forgotten.
    for setting in ("foreign_keys = ON", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at the beginning: one that has read first could not wait for it.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _make_postgres(url: URL) -> Engine:
    arguments: dict[str, Any] = {}
    if url.get_driver_name() == "pg8000":
        if find_spec("pg8000") is None:
            raise MissingExtraError("postgres", Text("keep a journal in PostgreSQL"))
        url, arguments = _read_pg8000_options(url)
    try:
        engine = create_engine(url, connect_args=arguments, hide_parameters=True)
    except (ImportError, ArgumentError) as error:
        raise ConfigError(
            f"The driver {url.drivername} is not installed. Write postgresql:// to use pg8000."
        ) from error
    _ask_before_use(engine)
    return engine


def _ask_before_use(engine: Engine) -> None:
    """Replace connections that the server has closed meanwhile, as when it was started anew.

    The pool has such a way of its own (``pool_pre_ping``), but pg8000 lets errors of the socket
    through that the pool does not know.
    """
    driver: Any = engine.dialect.dbapi

    def ask(connection: Any, *_: Any) -> None:
        try:
            cursor = connection.cursor()
            cursor.execute("SELECT 1")
            cursor.close()
            connection.rollback()
        except (driver.Error, OSError) as error:
            raise InvalidatePoolError from error

    event.listen(engine, "checkout", ask)


def _read_pg8000_options(url: URL) -> tuple[URL, dict[str, Any]]:
    """Give the URL without its options, and the options as pg8000 takes them.

    Understood are ``host=/FOLDER`` (a Unix socket), ``sslmode`` and ``sslrootcert``, as libpq
    has them.
    """
    options = {key: value for key, value in url.query.items() if isinstance(value, str)}
    arguments: dict[str, Any] = {"timeout": _SERVER_S}
    folder = options.pop("host", None)
    if folder is not None:
        arguments["unix_sock"] = f"{folder}/.s.PGSQL.{url.port or 5432}"
    mode = options.pop("sslmode", "disable" if folder else "prefer")
    root = options.pop("sslrootcert", None)
    if options or mode not in _SSL_MODES or (root is not None and mode != "verify-full"):
        raise ConfigError(
            f"A journal's URL takes host=/FOLDER, sslmode={'|'.join(_SSL_MODES)} and, with "
            "verify-full, sslrootcert=FILE."
        )
    if mode == "verify-full":
        arguments["ssl_context"] = ssl.create_default_context(cafile=root)
    else:
        arguments["ssl_context"] = {"disable": False, "prefer": None, "require": True}[mode]
    return url.set(query={}), arguments


def _prepare(engine: Engine, place: str, *, create: bool) -> None:
    """Check the format of a journal, and make its tables where there are none."""
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if not _is_there(connection, place, create=create, sqlite=sqlite):
            connection.rollback()
            if sqlite:
                _use_log(connection)
            _make_tables(connection.execution_options(writes=True), sqlite=sqlite)
        found = connection.execute(select(journals.c.format)).scalar_one()
    if found > FORMAT:
        raise JournalError(
            Text(
                "The journal {place} was made by a newer hilum (format {found}; this one knows "
                "{known}). Update hilum, or name another journal.",
                place=place,
                found=found,
                known=FORMAT,
            )
        )


def _is_there(connection: Connection, place: str, *, create: bool, sqlite: bool) -> bool:
    tables = inspect(connection).get_table_names()
    if journals.name in tables:
        return True
    # A file of SQLite is one program's; a database of PostgreSQL has room for several.
    if (tables and sqlite) or not create:
        raise JournalError(
            Text(
                "{place} is no journal of hilum. Name another place; nothing was changed in it.",
                place=place,
            )
        )
    return False


def _use_log(connection: Connection) -> None:
    """Let readers read while one writes (write-ahead log); the file remembers it."""
    driver: Any = connection.connection.dbapi_connection
    until = time.monotonic() + _BUSY_S
    while True:
        try:
            driver.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # Here SQLite does not always wait by itself.
            if get_sqlite_code(error) != _SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _make_tables(connection: Connection, *, sqlite: bool) -> None:
    """Make the tables; of several processes at once, one does."""
    with connection.begin():
        if not sqlite:
            connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        if journals.name not in inspect(connection).get_table_names():
            metadata.create_all(connection)
            connection.execute(insert(journals).values(format=FORMAT))
