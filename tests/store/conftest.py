"""Journals in both databases: what holds for one holds for the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from factories.postgres import make_database, run_server
from hilum.store import Journal, open_journal


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a server of PostgreSQL, with braces for the name of a database."""
    with run_server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a journal can be made: a file, and a database of PostgreSQL."""
    if request.param == "sqlite":
        return str(tmp_path / "journal.sqlite")
    return make_database(request.getfixturevalue("server"))


@pytest.fixture
def journal(place: str) -> Iterator[Journal]:
    """An empty journal."""
    with open_journal(place) as opened:
        yield opened
