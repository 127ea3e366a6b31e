from __future__ import annotations

import asyncio
import importlib.util
import socket
import sys
from typing import Any

import pytest

from hilum.app import launcher
from hilum.app.launcher import ServerOptions, build_flags, find_port, is_loopback
from hilum.errors import ConfigError, MissingExtraError


def _get_flags(host: str = "127.0.0.1", **options: Any) -> dict[str, list[str]]:
    server = ServerOptions(host=host, port=8600, **options)
    flags: dict[str, list[str]] = {}
    for word in build_flags(server, max_upload_bytes=3 * 2**20 + 1):
        name, value = word.removeprefix("--").split("=", 1)
        flags.setdefault(name, []).append(value)
    return flags


def test_streamlit_knows_every_flag() -> None:
    config = pytest.importorskip("streamlit.config")
    known = config.get_config_options()
    assert not [name for name in _get_flags() if name not in known]


def test_flags_are_safe() -> None:
    flags = _get_flags()
    assert flags["server.address"] == ["127.0.0.1"]
    assert flags["browser.gatherUsageStats"] == ["false"]
    assert flags["server.showEmailPrompt"] == ["false"]
    assert flags["server.fileWatcherType"] == ["none"]
    assert flags["server.enableXsrfProtection"] == ["true"]
    assert flags["client.showErrorDetails"] == ["none"]
    assert flags["server.maxUploadSize"] == ["4"]  # rounded up: the reader has the last word


def test_only_names_of_this_machine_reach_a_loopback_page() -> None:
    assert _get_flags()["server.allowedHosts"] == ["localhost", "127.0.0.1", "::1"]
    assert "server.allowedHosts" not in _get_flags("0.0.0.0")


def test_names_of_a_proxy_are_let_in_beside_those_of_this_machine() -> None:
    names = ("hilum.example.org", "*.example.net", "[2001:db8::7]")
    own = ["localhost", "127.0.0.1", "::1"]
    bare = ["hilum.example.org", "*.example.net", "2001:db8::7"]
    assert _get_flags(allowed_hosts=names)["server.allowedHosts"] == own + bare
    assert _get_flags("0.0.0.0", allowed_hosts=names)["server.allowedHosts"] == bare


@pytest.mark.parametrize(
    "name", ["", "https://example.org", "example.org:443", "example.org/hilum", "a b", "*", "-a"]
)
def test_what_is_no_name_of_a_host_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="--allowed-host"):
        ServerOptions(allowed_hosts=(name,))


@pytest.mark.parametrize("given", ["hilum", "/hilum", "hilum/", "/hilum/"])
def test_a_base_path_is_given_with_or_without_slashes(given: str) -> None:
    assert _get_flags(base_path=given)["server.baseUrlPath"] == ["hilum"]
    assert ServerOptions(port=8600, base_path=given).url == "http://127.0.0.1:8600/hilum/"


@pytest.mark.parametrize("given", ["a//b", "..", "a/./b", "a b", "a?b", "a#b", "ä", "a%2fb", "a\n"])
def test_what_is_no_path_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match="--base-path"):
        ServerOptions(base_path=given)


def test_a_frame_relaxes_the_cookie_and_nothing_else() -> None:
    framed, plain = _get_flags(in_frame=True), _get_flags()
    assert framed.pop("server.xsrfCookieSameSite") == ["none"]
    assert plain.pop("server.xsrfCookieSameSite") == ["lax"]
    assert framed == plain


def test_a_foreign_origin_is_refused_without_asking_the_internet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net_util = pytest.importorskip("streamlit.net_util")
    from streamlit.web.server.server_util import is_url_from_allowed_origins

    asked: list[str] = []
    monkeypatch.setattr(net_util, "_external_ip", None)
    monkeypatch.setattr(net_util, "_make_blocking_http_get", lambda url, **_: asked.append(url))
    monkeypatch.setattr(
        net_util, "get_external_ip", net_util.get_external_ip
    )  # put back at the end
    assert not is_url_from_allowed_origins("https://foreign.example")
    assert asked, "Streamlit no longer asks: ask_nobody_for_addresses can go"
    asked.clear()
    launcher.ask_nobody_for_addresses()
    assert not is_url_from_allowed_origins("https://foreign.example")
    assert not asked


def test_no_other_package_brings_scripts_to_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = pytest.importorskip("streamlit.components.v2.component_manager")
    scanner = pytest.importorskip("streamlit.components.v2.manifest_scanner")
    asked: list[str] = []

    def scan(*_: object, **__: object) -> list[object]:
        asked.append("all packages")
        return []

    monkeypatch.setattr(scanner, "scan_component_manifests", scan)
    manager.BidiComponentManager().discover_and_register_components(start_file_watching=False)
    assert asked, "Streamlit no longer looks for components there: take_no_components can go"
    asked.clear()
    launcher.take_no_components()
    manager.BidiComponentManager().discover_and_register_components(start_file_watching=False)
    assert not asked


def test_no_table_of_emojis_is_built_for_words_of_hangul(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = pytest.importorskip("streamlit.string_util")
    table = "streamlit.emojis"
    monkeypatch.setattr(words, "extract_leading_emoji", words.extract_leading_emoji)
    monkeypatch.delitem(sys.modules, table, raising=False)
    words.extract_leading_icon("한국어")
    assert table in sys.modules, "Streamlit no longer builds it: look_for_no_emojis can go"
    monkeypatch.delitem(sys.modules, table)
    launcher.look_for_no_emojis()
    assert words.extract_leading_icon("한국어") == ("", "한국어")
    assert table not in sys.modules


def test_the_cookie_of_a_frame_is_partitioned(monkeypatch: pytest.MonkeyPatch) -> None:
    routes = pytest.importorskip("streamlit.web.server.starlette.starlette_routes")
    responses = pytest.importorskip("starlette.responses")
    monkeypatch.setattr(routes, "_set_unquoted_cookie", routes._set_unquoted_cookie)
    launcher.partition_cookie()
    response = responses.Response()
    routes._set_unquoted_cookie(response, "name", "value", same_site="None", secure=True)
    parts = set(response.headers["set-cookie"].split("; "))
    assert parts == {"name=value", "Path=/", "SameSite=None", "Partitioned", "Secure"}


def test_no_browser_is_headless() -> None:
    assert _get_flags(open_browser=False)["server.headless"] == ["true"]
    assert _get_flags()["server.headless"] == ["false"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("example.org", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8600"),
        ("0.0.0.0", "http://127.0.0.1:8600"),
        ("::1", "http://[::1]:8600"),
    ],
)
def test_url_can_be_typed_into_a_browser(host: str, url: str) -> None:
    assert ServerOptions(host=host, port=8600).url == url


def test_a_taken_port_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"{port}.*--port"):
            find_port("127.0.0.1", port)


def test_the_next_free_port_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1]
        monkeypatch.setattr(launcher, "FIRST_PORT", first)
        assert find_port("127.0.0.1") > first


def test_an_unknown_host_is_said() -> None:
    with pytest.raises(ConfigError, match="--host"):
        find_port("no such host", 8600)


def test_no_film_touches_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    parsers = pytest.importorskip("starlette.formparsers")
    requests = pytest.importorskip("starlette.requests")
    monkeypatch.setattr(parsers.MultiPartParser, "spool_max_size", 1024)
    body = (
        b'--x\r\nContent-Disposition: form-data; name="film"; filename="film.dcm"\r\n\r\n'
        + bytes(3 * 2**20)
        + b"\r\n--x--\r\n"
    )

    async def is_kept_in_memory() -> bool:
        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": body, "more_body": False}

        headers = [(b"content-type", b"multipart/form-data; boundary=x")]
        request = requests.Request({"type": "http", "headers": headers}, receive)
        async with request.form() as form:
            # Starlette rolls over to a file by SpooledTemporaryFile's own rule.
            return not form["film"].file._rolled

    assert not asyncio.run(is_kept_in_memory())
    launcher.keep_uploads_in_memory(4 * 2**20)
    assert asyncio.run(is_kept_in_memory())


def test_missing_streamlit_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"hilum\[app\]"):
        launcher.require_streamlit()
