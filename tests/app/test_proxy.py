"""The page behind a real proxy, by the configuration that docs/deploy.md gives.

nginx or Caddy ends TLS under names that only this browser knows.
"""

from __future__ import annotations

import http.client
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from factories.pages import open_chromium, serve_page

pytest.importorskip("playwright", reason="needs playwright")
pytest.importorskip("streamlit", reason='needs the extra "app"')

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, FrameLocator, Page

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
NAME = "hilum.example.org"
# Of another site: cookies of the page are a third party's there.
OUTER = "outer.example.net"
PATH = "/hilum"
EVIDENCE = "canvas[aria-label^='The film with the evidence']"
_PATIENCE_MS = 300_000


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def read_block(language: str, word: str) -> str:
    """Give the block of docs/deploy.md in ``language`` that has ``word`` in it."""
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (block,) = [one for one in blocks if word in one]
    return str(block)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``hilum.pem`` and ``hilum.key``, which nobody vouches for."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("certificate")
    key, own = folder / "hilum.key", folder / "hilum.pem"
    made = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={NAME}".split()
    subprocess.run([*made, "-keyout", key, "-out", own], check=True, capture_output=True)
    return folder


def configure_nginx(page: str, port: int, certificate: Path, folder: Path, frame: str) -> list[str]:
    """Write nginx's configuration around the document's; give the command that runs it."""
    documented = read_block("nginx", "proxy_pass")
    target = urlsplit(page)
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("http://127.0.0.1:8501", f"http://{target.netloc}"),
        ("hilum.pem", str(certificate / "hilum.pem")),
        ("hilum.key", str(certificate / "hilum.key")),
        *([("location /", f"location {PATH}/")] if target.path else []),
    ):
        assert old in documented
        documented = documented.replace(old, new)
    temporary = "".join(
        f"    {name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    if frame:
        documented = re.sub(r".*Content-Security-Policy.*\n", "", documented)
        documented += f"""server {{
            listen 127.0.0.1:{port} ssl;
            server_name {OUTER};
            ssl_certificate {certificate}/hilum.pem;
            ssl_certificate_key {certificate}/hilum.key;
            location / {{
                default_type text/html;
                return 200 '<iframe src="{frame}" width="1300" height="850"></iframe>';
            }}
        }}"""
    whole = (
        f"daemon off;\npid {folder}/pid;\nerror_log {folder}/errors;\nworker_processes 1;\n"
        f"events {{}}\nhttp {{\n    access_log off;\n{temporary}{documented}}}\n"
    )
    (folder / "nginx.conf").write_text(whole)
    return ["nginx", "-e", f"{folder}/errors", "-p", str(folder), "-c", f"{folder}/nginx.conf"]


def configure_caddy(page: str, port: int, certificate: Path, folder: Path, _: str) -> list[str]:
    """Write Caddy's configuration from the document's; give the command that runs it."""
    target = urlsplit(page)
    documented = read_block("text", "reverse_proxy")
    served = f"reverse_proxy {target.netloc}"
    if target.path:
        below = re.search(r"`reverse_proxy (/hilum/\*) 127", (ROOT / "docs/deploy.md").read_text())
        assert below
        served = f"reverse_proxy {below[1]} {target.netloc}"
    for old, new in (
        ("reverse_proxy 127.0.0.1:8501", served),
        # Its own certificate, which it would fetch.
        (
            f"{NAME} {{",
            f"https://{NAME}:{port} {{\n    bind 127.0.0.1\n    tls "
            f"{certificate}/hilum.pem {certificate}/hilum.key",
        ),
    ):
        assert old in documented
        documented = documented.replace(old, new)
    options = f"{{\n    admin off\n    auto_https off\n    storage file_system {folder}\n}}\n"
    (folder / "Caddyfile").write_text(options + documented)
    return ["caddy", "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"]


PROXIES = {"nginx": configure_nginx, "caddy": configure_caddy}


@contextmanager
def serve_proxy(
    proxy: str, page: str, certificate: Path, folder: Path, *, framed: bool = False
) -> Iterator[str]:
    """Run a proxy before ``page``; give the address under the proxy's name."""
    if shutil.which(proxy) is None:
        pytest.skip(f"{proxy} is not here: apt-get install {proxy}")
    port = find_free_port()
    address = f"https://{NAME}:{port}{urlsplit(page).path}/"
    command = PROXIES[proxy](page, port, certificate, folder, address if framed else "")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        for _ in range(150):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[BrowserContext]:
    switches = [
        f"--host-resolver-rules=MAP {NAME} 127.0.0.1, MAP {OUTER} 127.0.0.1",
        "--ignore-certificate-errors",
    ]
    with open_chromium(chromium, *switches) as context:
        yield context


def open_page(browser: BrowserContext, address: str) -> tuple[Page, list[str]]:
    page = browser.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    page.goto(address)
    return page, complaints


def upload(place: Page | FrameLocator, film: Path) -> None:
    place.locator("input[type=file]").set_input_files(film)


@pytest.fixture
def film(tmp_path: Path, small_film: bytes) -> Path:
    path = tmp_path / "film.png"
    path.write_bytes(small_film)
    return path


@pytest.mark.parametrize("path", ["", PATH], ids=["root", "path"])
@pytest.mark.parametrize("proxy", list(PROXIES))
def test_a_film_is_answered_behind_a_proxy(
    browser: BrowserContext,
    tiny_model: Path,
    certificate: Path,
    film: Path,
    tmp_path: Path,
    proxy: str,
    path: str,
) -> None:
    allowed = f"--allowed-host={NAME}"
    with (
        serve_page(str(tiny_model), allowed, base_path=path) as address,
        serve_proxy(proxy, address, certificate, tmp_path) as outside,
    ):
        page, complaints = open_page(browser, outside)
        hosts: set[str] = set()
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        upload(page, film)
        page.locator(EVIDENCE).wait_for()
        assert complaints == []
        # The viewer's script is a blob of the page's own, on no host.
        assert hosts - {""} == {urlsplit(outside).netloc}
        page.close()


@pytest.mark.parametrize("options", [("--in-frame",), ()], ids=["in frame", "without"])
def test_a_frame_of_another_site_takes_films_where_that_is_asked_for(
    browser: BrowserContext,
    tiny_model: Path,
    certificate: Path,
    film: Path,
    tmp_path: Path,
    options: tuple[str, ...],
) -> None:
    browser.clear_cookies()
    with (
        serve_page(str(tiny_model), f"--allowed-host={NAME}", *options) as address,
        serve_proxy("nginx", address, certificate, tmp_path, framed=True) as outside,
    ):
        page, _ = open_page(browser, f"https://{OUTER}:{urlsplit(outside).port}/")
        statuses: list[int] = []
        page.on(
            "response",
            lambda answer: statuses.append(answer.status) if "upload_file" in answer.url else None,
        )
        frame = page.frame_locator("iframe")
        upload(frame, film)
        if options:
            frame.locator(EVIDENCE).wait_for()
            assert set(statuses) <= {200, 204}
        else:
            # The browser keeps the cookie to itself, and the page takes no film without it.
            frame.get_by_text("403").first.wait_for()
            assert 403 in statuses
        page.close()


def ask_for_socket(address: str, host: str) -> int:
    """Ask for the page's WebSocket under a name; give the status of the answer."""
    target = urlsplit(address)
    connection = http.client.HTTPConnection(target.hostname or "", target.port or 80, timeout=60)
    connection.putrequest("GET", f"{target.path}/_stcore/stream", skip_host=True)
    for name, value in {
        "Host": host,
        "Origin": f"https://{host}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "aGlsdW0gaGlsdW0gaGlsdQ==",
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_only_names_that_were_given_reach_the_page(tiny_model: Path) -> None:
    with serve_page(str(tiny_model), f"--allowed-host={NAME}", base_path=PATH) as address:
        assert ask_for_socket(address, NAME) == 101
        assert ask_for_socket(address, "127.0.0.1") == 101
        assert ask_for_socket(address, "foreign.example") == 403
