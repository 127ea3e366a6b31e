"""What a database says when it fails, in words that tell what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from sqlite3 import Error as SqliteError

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hilum.errors import JournalError
from hilum.language import Text

# Primary result codes of SQLite, https://sqlite.org/rescode.html.
_SQLITE: Mapping[int, Text] = {
    5: Text("is held by another process for too long. Try again"),
    6: Text("is held by another connection for too long. Try again"),
    8: Text("cannot be written to. Give it, and its folder, to this user, or name another journal"),
    10: Text(
        "cannot be written to or read from the disk. Look whether the disk is full or failing"
    ),
    11: Text(
        "is damaged. Move it aside (hilum begins a new one), or rescue what is in it with "
        "`sqlite3 FILE .recover`"
    ),
    # Removing rows takes room too, before it gives any.
    13: Text("has no room left: the disk is full. Make room on it; what was recorded is kept"),
    14: Text("cannot be opened. Look whether its folder is there and belongs to this user"),
    23: Text("cannot be opened: this user may not"),
    26: Text(
        "is no journal, or is damaged. Name another file, or move it aside (hilum begins a new one)"
    ),
}
# SQLSTATE, appendix A of PostgreSQL's manual.
_POSTGRES: Mapping[str, Text] = {
    "28000": Text("does not let this user in. Check the name in the URL"),
    "28P01": Text("does not let this user in. Check the password in the URL"),
    "3D000": Text("does not exist. Make it with `createdb`"),
    "42501": Text("does not let this user make or write the journal's tables. Grant it the right"),
    "53100": Text("has no room left: the server's disk is full"),
    "53300": Text("has no connection left. Try again"),
    "57P03": Text("is starting up. Try again"),
}


@contextmanager
def told(place: str) -> Iterator[None]:
    """Turn what a database raises into a :class:`JournalError` that says what to do.

    Parameters
    ----------
    place
        The journal in words, without a password.
    """
    try:
        yield
    except (SQLAlchemyError, SqliteError, OSError) as error:
        fault = _describe(error)
        raise JournalError(
            Text("The journal {place} {fault}.", place=place, fault=fault)
        ) from error


def _describe(error: Exception) -> Text:
    origin = (error.orig if isinstance(error, DBAPIError) else None) or error
    if isinstance(origin, SqliteError):
        code = get_sqlite_code(origin)
        # Without a code, a driver speaks of its own use, as of a file that it was not given.
        return _SQLITE.get(code) or Text("failed with SQLite's result code {code}", code=code)
    state = get_sqlstate(origin)
    if state is not None:
        return _POSTGRES.get(state) or Text(
            "failed with the state {state} of PostgreSQL", state=state
        )
    if isinstance(origin, OSError):
        reason = origin.strerror or type(origin).__name__
        return Text("cannot be opened: {reason}", reason=reason)
    return Text(
        "cannot be reached, or failed ({kind}). Look whether the server runs",
        kind=type(origin).__name__,
    )


def get_sqlite_code(error: BaseException) -> int:
    """Give the primary result code of an error of SQLite, 0 where it has none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def get_sqlstate(error: BaseException) -> str | None:
    """Give the state that PostgreSQL told, by whichever driver.

    pg8000 answers a refusal by another error: that the server has hung up.
    """
    found: BaseException | None = error
    while found is not None:
        state = getattr(found, "sqlstate", None)
        if state is None and found.args and isinstance(found.args[0], dict):
            state = found.args[0].get("C")
        if isinstance(state, str):
            return state
        found = found.__cause__ or found.__context__
    return None
