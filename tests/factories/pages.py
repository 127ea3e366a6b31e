"""A running page, and a Chromium to look at it with."""

from __future__ import annotations

import html
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, FilePayload, Page

_START_TIMEOUT_S = 180.0
_CHROMIUM_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def serve_page(
    model: str | None = None,
    *options: str,
    base_path: str = "",
    port: int | None = None,
    state: Path | None = None,
) -> Iterator[str]:
    """Run ``hilum app`` in a process of its own; give its address.

    Parameters
    ----------
    options
        More options of the command.
    base_path
        Below which the page is to be; with a slash before it and none behind.
    port
        ``None``: one that is free.
    state
        Folder in which the page keeps the journal that it keeps unasked (Linux). ``None``: it
        keeps none, since visits of a test have no place in anyone's journal.

    Raises
    ------
    RuntimeError
        The page does not answer; the message holds what the process printed.
    """
    port = port or find_port()
    command = [sys.executable, "-c", "from hilum.cli import main; main()"]
    command += ["app", "--no-browser", f"--port={port}"]
    command += ["--no-journal"] if state is None else []
    command += [] if model is None else [f"--model={model}"]
    command += [*options, *([f"--base-path={base_path}"] if base_path else [])]
    with _serve(command, port, base_path, state) as url:
        yield url


@contextmanager
def serve_script(script: Path) -> Iterator[str]:
    """Run a Streamlit script with the page's own theme; give its address.

    Raises
    ------
    RuntimeError
        As :func:`serve_page`.
    """
    port = find_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    command += ["--server.address=127.0.0.1", "--server.headless=true"]
    command += ["--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    with _serve(command, port) as url:
        yield url


def find_port() -> int:
    """Find a port that is free on this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _serve(
    command: list[str], port: int, base_path: str = "", state: Path | None = None
) -> Iterator[str]:
    environment = dict(os.environ)
    if state is not None:
        environment["XDG_STATE_HOME"] = str(state)
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            url = f"http://127.0.0.1:{port}{base_path}"
            if not _wait_until_healthy(server, url):
                log.seek(0)
                raise RuntimeError(f"The page did not start:\n{log.read().decode()}")
            yield url
        finally:
            server.terminate()
            server.wait(timeout=20)


def _wait_until_healthy(server: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return True
        except OSError:
            time.sleep(0.05)
    return False


def find_resident_mb(url: str) -> float:
    """Give the resident memory of the process that serves ``url``, in MB (Linux)."""
    port = f"--port={url.rpartition(':')[2]}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if port in (folder / "cmdline").read_bytes().split(b"\0"):
                pages = int((folder / "statm").read_text().split()[1])
                return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        except OSError:
            continue  # it has ended meanwhile
    raise RuntimeError(f"No process serves {url}.")


@contextmanager
def open_chromium(
    executable: str | os.PathLike[str],
    *switches: str,
    width_px: int = 1440,
    height_px: int = 900,
) -> Iterator[BrowserContext]:
    """Open a headless Chromium with a user folder of its own, and more switches if need be."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        context = playwright.chromium.launch_persistent_context(
            Path(folder),
            executable_path=Path(executable),
            args=[*_CHROMIUM_SWITCHES, *switches],
            viewport={"width": width_px, "height": height_px},
            reduced_motion="reduce",
        )
        try:
            yield context
        finally:
            context.close()


def drop_files(page: Page, *files: tuple[str, bytes]) -> None:
    """Drop files on a page, each a name and its bytes."""
    # After each film comes another drop zone, and the last one stays until the page has run.
    page.wait_for_function("() => document.querySelectorAll('input[type=file]').length === 1")
    payloads: list[FilePayload] = [
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
        for name, data in files
    ]
    page.locator("input[type=file]").set_input_files(payloads)


def wait_for_run(page: Page) -> None:
    """Wait until the page has run: before, what the last run drew may stand beside the new."""
    state = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState"
    page.wait_for_function(f"() => {state} === 'notRunning'")


@contextmanager
def open_quiet_page(browser: BrowserContext, patience_ms: int = 180_000) -> Iterator[Page]:
    """Give a page of a browser that in the end has complained of nothing."""
    page = browser.new_page()
    page.set_default_timeout(patience_ms)
    complaints: list[str] = []

    def listen(message: Any) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert complaints == []


def read_plots(page: Any) -> list[str]:
    """Give the charts of a page of Streamlit's test runner as SVG."""
    told = [read_told(part) for part in page.get("bidi_component") if part.proto.json]
    return [one["svg"].replace("\u00a0", " ") for one in told if "svg" in one]


def read_told(component: Any) -> dict[str, Any]:
    """Give what a component was told, and not by bytes."""
    [told] = json.loads(component.proto.json)
    entries: dict[str, Any] = told
    return entries


def read_page(page: Any) -> str:
    """Give all HTML of a page of Streamlit's test runner, with characters for entities."""
    text = "\n".join(element.proto.body for element in page.get("html"))
    return html.unescape(text).replace("\u00a0", " ")
