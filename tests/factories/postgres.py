"""A private server of PostgreSQL, from the binaries of Debian's package."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

USER = "reader"
PASSWORD = "not a secret"

# As root, the server runs as this user, whom Debian's package makes.
_SERVANT = "postgres"


def find_postgres() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``: on the PATH, else that of the newest package."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    packages = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found = sorted(packages, key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


def can_run() -> bool:
    """Whether the server can be started: its binaries, and as root someone to run it as."""
    if find_postgres() is None:
        return False
    return os.geteuid() != 0 or shutil.which("setpriv") is not None


@contextmanager
def run_server() -> Iterator[str]:
    """Run a server in a folder of its own, without any port; give its URL, without a database."""
    binaries = find_postgres()
    assert binaries is not None
    # Short: the path of a Unix socket has a hundred characters or so.
    root = Path(tempfile.mkdtemp(prefix="hilum-pg-"))
    data, password = root / "data", root / "password"
    password.write_text(PASSWORD)
    servant: list[str] = []
    if os.geteuid() == 0:
        servant = ["setpriv", f"--reuid={_SERVANT}", f"--regid={_SERVANT}", "--clear-groups"]
        for path in (root, password):
            shutil.chown(path, _SERVANT, _SERVANT)

    def call(program: str, *arguments: str) -> None:
        with (root / "log").open("a") as log:
            subprocess.run(
                [*servant, binaries / program, "-D", data, *arguments],
                cwd=root,
                env={"LANG": "C", "PATH": os.environ["PATH"]},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=True,
                timeout=120,
            )

    try:
        call(
            "initdb",
            *("-U", USER, "--encoding=UTF8", "--no-sync"),
            *("--auth=scram-sha-256", f"--pwfile={password}"),
        )
        options = f"-c listen_addresses='' -c unix_socket_directories='{root}' -c fsync=off"
        call("pg_ctl", "-o", options, "-w", "-t", "60", "start")
        try:
            yield f"postgresql://{USER}:{PASSWORD.replace(' ', '%20')}@/{{}}?host={root}"
        finally:
            call("pg_ctl", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(root)


def make_database(server: str) -> str:
    """Make an empty database; give its URL."""
    from sqlalchemy import create_engine, text

    from hilum.store.connect import _read_pg8000_options, resolve_place

    name = f"journal_{uuid4().hex[:12]}"
    url, arguments = _read_pg8000_options(resolve_place(server.format("postgres")))
    engine = create_engine(url, connect_args=arguments, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.format(name)
