"""Start the page: Streamlit in this process, with settings that are safe to leave on.

Flags win over a ``config.toml`` of the user or of the working folder, so the page is the
same wherever it is started.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.app.options import PageOptions, format_options
from hilum.app.theme import FIRST_THEME, PALETTES, describe_theme
from hilum.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from starlette.responses import Response

PAGE = Path(__file__).with_name("page.py")
FIRST_PORT = 8501
_PORTS_TRIED = 50
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_MIB = 1024 * 1024
MOST_UPLOAD_BYTES = 500 * _MIB
"""Of one file that is dropped on a page: an archive of films is larger than a film."""
# What stands in the path of a URL without being escaped (RFC 3986, 2.3), and is no "." or "..".
_SEGMENT = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._~-]+")
# A name or an IPv4 address, "*." before a domain for all names below it, or an IPv6 address.
_HOST = re.compile(
    r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[?[0-9A-Fa-f:]*:[0-9A-Fa-f:]*\]?"
)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where the page is served.

    host
        Address to bind. The page has no login, so anything but this machine's own
        address opens it to whoever reaches that address.
    port
        TCP port; :func:`find_port` gives a free one.
    open_browser
        Open the page in the user's browser once the server is up.
    base_path
        Path below which a proxy serves the page, such as ``hilum`` or ``tools/hilum``; slashes
        at its ends make no difference. Empty: the page is at ``/``.
    allowed_hosts
        Names by which browsers may call the page, such as that of a proxy before it; ``*.``
        stands for all names below a domain. Empty: on an address of this machine alone the
        machine's own names, anywhere else any name.
    in_frame
        Let uploads work where the page is in a frame of another site. Browsers then take it
        over HTTPS alone, and what is left against cross-site requests is the token.

    Raises
    ------
    ConfigError
        ``base_path`` or a name in ``allowed_hosts`` is none.
    """

    host: str = "127.0.0.1"
    port: int = FIRST_PORT
    open_browser: bool = True
    base_path: str = ""
    allowed_hosts: tuple[str, ...] = ()
    in_frame: bool = False

    def __post_init__(self) -> None:
        """Take the slashes off the path, and refuse what is no path or no name."""
        path = self.base_path.strip("/")
        if path and not all(_SEGMENT.fullmatch(part) for part in path.split("/")):
            raise ConfigError(
                f'--base-path {self.base_path}: give words between slashes, such as "hilum"; '
                "letters, digits and . _ ~ - may stand in them."
            )
        object.__setattr__(self, "base_path", path)
        for name in self.allowed_hosts:
            if not _HOST.fullmatch(name):
                raise ConfigError(
                    f"--allowed-host {name}: give a name without scheme, port or path, such as "
                    '"hilum.example.org" or "*.example.org".'
                )

    @property
    def url(self) -> str:
        """The address to type into a browser on this machine."""
        host = self.host
        if host in ("0.0.0.0", "::"):  # noqa: S104 - compared with, not bound to
            host = "127.0.0.1"
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}" + (f"/{self.base_path}/" if self.base_path else "")


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_port(host: str, port: int | None = None) -> int:
    """Check that ``port`` is free on ``host``, or find the first free one from 8501.

    Raises
    ------
    ConfigError
        The port is taken, or ``host`` is not an address of this machine.
    """
    candidates = range(FIRST_PORT, FIRST_PORT + _PORTS_TRIED) if port is None else (port,)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.getaddrinfo(host, None, family)
    except OSError as error:
        raise ConfigError(f"--host {host}: no such address on this machine.") from error
    for candidate in candidates:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As the server does: a port in TIME_WAIT after a restart is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return candidate
    if port is not None:
        raise ConfigError(f"Port {port} on {host} is taken. Give another one with --port.")
    raise ConfigError(
        f"No free port on {host} from {FIRST_PORT} to {FIRST_PORT + _PORTS_TRIED - 1}. "
        "Give one with --port."
    )


def build_flags(server: ServerOptions, *, max_upload_bytes: int) -> list[str]:
    """Give the flags of ``streamlit run`` that hold for the page."""
    flags: dict[str, str | int] = {
        "server.address": server.host,
        "server.port": server.port,
        "server.headless": "false" if server.open_browser else "true",
        "server.showEmailPrompt": "false",
        "server.fileWatcherType": "none",
        "server.runOnSave": "false",
        "server.enableStaticServing": "false",
        "server.enableCORS": "true",
        "server.enableXsrfProtection": "true",
        "server.xsrfCookieSameSite": "none" if server.in_frame else "lax",
        "server.baseUrlPath": server.base_path,
        # MB of the browser's counter; the reader checks the bound again, in bytes.
        "server.maxUploadSize": max(1, -(-max_upload_bytes // _MIB)),
        "browser.gatherUsageStats": "false",
        # Nothing of a film may reach the browser as a traceback.
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "runner.magicEnabled": "false",
        "logger.hideWelcomeMessage": "true",
        **{f"theme.{name}": value for name, value in describe_theme(PALETTES[FIRST_THEME]).items()},
    }
    words = [f"--{name}={value}" for name, value in flags.items()]
    # DNS rebinding: a foreign page must not reach this one under its own name.
    own = (*_LOOPBACK_NAMES, server.host) if is_loopback(server.host) else ()
    names = dict.fromkeys((*own, *(name.strip("[]") for name in server.allowed_hosts)))
    return words + [f"--server.allowedHosts={name}" for name in names]


def require_streamlit() -> None:
    """Check that the extra ``app`` is installed, without importing it.

    Raises
    ------
    MissingExtraError
        Streamlit is absent.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise MissingExtraError("app", "open the page")


def keep_uploads_in_memory(max_upload_bytes: int) -> None:
    """Let no film touch the disk on its way in.

    Starlette, under Streamlit, moves what is over 1 MB of an upload to a temporary file.
    Streamlit bounds the upload before, so memory stays bounded too.
    """
    from starlette.formparsers import MultiPartParser

    MultiPartParser.spool_max_size = max_upload_bytes + _MIB


def ask_nobody_for_addresses() -> None:
    """Let the server look up no address of its own on the internet.

    Where a browser's ``Origin`` is not the page's, Streamlit asks a host on the internet for
    this machine's outer address, to compare the two. An unknown address is what it falls back
    to, and the origin is refused.
    """
    from streamlit import net_util

    net_util.get_external_ip = lambda: None


def take_no_components() -> None:
    """Let no other package that is installed bring scripts to the page.

    Streamlit asks each of them, at every start, whether it has a component for pages: on a machine
    with many packages that takes longer than all else before the first answer.
    """
    from streamlit.components.v2 import manifest_scanner

    manifest_scanner.scan_component_manifests = lambda *_, **__: []


def look_for_no_emojis() -> None:
    """Let words that are not ASCII be words.

    Streamlit looks whether the first letter of such an option is an emoji, to draw it as an icon.
    The table for that takes longer to build than the page; no option of hilum begins with one.
    """
    from streamlit import string_util

    string_util.extract_leading_emoji = lambda text: ("", text)


def partition_cookie() -> None:
    """Let browsers that block cookies of third parties keep the page's in a frame all the same.

    A partitioned cookie belongs to the page inside of that one outer site, and tells nothing to
    any other: https://developer.mozilla.org/docs/Web/Privacy/Guides/Privacy_sandbox/Partitioned_cookies.
    Streamlit does not mark its own so.
    """
    from streamlit.web.server.starlette import starlette_routes

    set_cookie = starlette_routes._set_unquoted_cookie

    def set_partitioned(
        response: Response,
        cookie_name: str,
        cookie_value: str,
        *,
        same_site: str = "None",
        secure: bool,
    ) -> None:
        marked = f"{same_site}; Partitioned"
        set_cookie(response, cookie_name, cookie_value, same_site=marked, secure=secure)

    starlette_routes._set_unquoted_cookie = set_partitioned


def run_page(server: ServerOptions, page: PageOptions, *, max_upload_bytes: int) -> None:
    """Serve the page until it is interrupted.

    Raises
    ------
    MissingExtraError
        Streamlit is absent.
    """
    require_streamlit()
    from streamlit.web import cli

    from hilum.app.appearance import theme_each_visit
    from hilum.app.loading import show_loading_screen
    from hilum.app.warmup import warm_up

    keep_uploads_in_memory(max_upload_bytes)
    theme_each_visit()
    ask_nobody_for_addresses()
    take_no_components()
    look_for_no_emojis()
    show_loading_screen(server.base_path)
    if server.in_frame:
        partition_cookie()
    flags = build_flags(server, max_upload_bytes=max_upload_bytes)
    arguments = ["run", *flags, str(PAGE), "--", *format_options(page)]
    warm_up(page.model)
    cli.main(args=arguments, prog_name="streamlit", standalone_mode=False)
