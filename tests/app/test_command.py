"""``hilum app`` up to the moment at which the server would start."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hilum.app import launcher
from hilum.app.launcher import ServerOptions
from hilum.app.options import PageOptions
from hilum.cli import build_app

pytest.importorskip("streamlit", reason='needs the extra "app"')


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[ServerOptions, PageOptions]]:
    """What the server would have been started with."""
    starts: list[tuple[ServerOptions, PageOptions]] = []

    def note(server: ServerOptions, page: PageOptions, **_: Any) -> None:
        starts.append((server, page))

    monkeypatch.setattr(launcher, "run_page", note)
    return starts


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), ["app", *arguments])


def test_the_page_starts_on_this_machine_alone(
    started: list[tuple[ServerOptions, PageOptions]], tiny_model: Path
) -> None:
    result = run("--model", str(tiny_model))
    assert result.exit_code == 0, result.output
    (server, page), *others = started
    assert not others
    assert server.host == "127.0.0.1"
    assert server.open_browser
    assert page.model == str(tiny_model)
    assert server.url in result.stdout
    assert "no login" not in result.output


def test_another_address_is_warned_of(
    started: list[tuple[ServerOptions, PageOptions]], tiny_model: Path
) -> None:
    result = run("--host", "0.0.0.0", "--no-browser", "--model", str(tiny_model))
    assert result.exit_code == 0, result.output
    assert "no login" in result.stderr
    assert not started[0][0].open_browser


def test_an_unknown_model_is_said_before_a_server_starts(
    started: list[tuple[ServerOptions, PageOptions]],
) -> None:
    result = run("--model", "no-such-model")
    assert result.exit_code == 2
    assert "no-such-model" in result.stderr
    assert not started


def test_what_stands_before_the_page_is_given_by_option_or_environment(
    started: list[tuple[ServerOptions, PageOptions]],
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = ("--model", str(tiny_model))
    names = ("--allowed-host", "a.example.org", "--allowed-host", "b.example.org")
    assert run("--base-path", "/hilum", *names, "--in-frame", *model).exit_code == 0
    monkeypatch.setenv("HILUM_BASE_PATH", "/hilum")
    monkeypatch.setenv("HILUM_ALLOWED_HOSTS", "a.example.org b.example.org")
    monkeypatch.setenv("HILUM_IN_FRAME", "1")
    assert run(*model).exit_code == 0
    for server, _ in started:
        assert server.base_path == "hilum"
        assert server.allowed_hosts == ("a.example.org", "b.example.org")
        assert server.in_frame
    assert len(started) == 2


def test_a_wrong_path_is_said_before_a_server_starts(
    started: list[tuple[ServerOptions, PageOptions]], tiny_model: Path
) -> None:
    result = run("--base-path", "a b", "--model", str(tiny_model))
    assert result.exit_code == 2
    assert "--base-path" in result.stderr
    assert not started


def test_a_taken_port_ends_the_command(
    started: list[tuple[ServerOptions, PageOptions]], tiny_model: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run("--port", port, "--model", str(tiny_model))
    assert result.exit_code == 2
    assert "--port" in result.stderr
    assert not started


def test_a_missing_extra_is_named(
    started: list[tuple[ServerOptions, PageOptions]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = run()
    assert result.exit_code == 5
    assert "hilum[app]" in result.stderr
    assert not started
