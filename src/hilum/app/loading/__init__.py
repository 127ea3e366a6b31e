"""What a visitor sees, and can do, while the browser still loads Streamlit's script.

A browser that never saw the page compiles that script for more than a second, and until then the
page is empty. So the first document brings a drop zone of its own: what is dropped on it, or
chosen, is handed to the page's own drop zone as soon as that is there.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.app.theme import FIRST_THEME, PALETTES
from hilum.language import LANGUAGES, Text, translate

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

QUESTION = Text("How likely is pneumonia on this chest film, and where does the answer come from?")
DROP_HERE = Text("Drop chest films here: DICOM, PNG, JPEG or TIFF, or a ZIP of them")
_WORDS = {
    "question": QUESTION,
    "drop": DROP_HERE,
    "choose": Text("Choose files"),
    "wait": Text("The page is being loaded. Films can be dropped already."),
    "taken": Text("Taken, and analyzed as soon as the page is there: {names}", names="{names}"),
}
LETTERS = Path(__file__).with_name("letters.ttf")
"""A plain Linux has no letters of Hangul, and the page lends its own only once it stands."""
_HANGUL = range(0xAC00, 0xD7A4)
_SCRIPT = Path(__file__).with_name("loading.js").read_text(encoding="utf-8")


class LoadingScreen:
    """Puts the drop zone into the first document, on its way from Streamlit to the browser.

    Parameters
    ----------
    app
        The server, or what of it lies behind this.
    base_path
        Path of the page without slashes at its ends. The other pages begin with other things than
        a drop zone, and are left alone.
    """

    def __init__(self, app: ASGIApp, base_path: str = "") -> None:
        self._app = app
        self._paths = (f"/{base_path}", f"/{base_path}/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in self._paths:
            send = _Rewriting(send)
        await self._app(scope, receive, send)


class _Rewriting:
    """Sends a document on when it is whole, and anything else as it comes."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_document(message):
            self._start = message
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_document(self._start)
        else:
            await self._send(message)

    async def _send_document(self, start: Message) -> None:
        body = add_loading_screen(self._body.decode()).encode()
        # Another release of hilum is another document, though Streamlit's file is the same.
        left_out = (b"content-length", b"etag", b"last-modified")
        headers = [pair for pair in start["headers"] if pair[0].lower() not in left_out]
        headers.append((b"content-length", str(len(body)).encode()))
        await self._send({**start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _is_document(start: Message) -> bool:
    kind = dict(start["headers"]).get(b"content-type", b"")
    return start["status"] == 200 and bytes(kind).startswith(b"text/html")


def add_loading_screen(document: str) -> str:
    """Give Streamlit's document with hilum's name and the drop zone in it."""
    script = f"<script>\n{_write_script()}</script>"
    return document.replace("<title>Streamlit</title>", "<title>hilum</title>", 1).replace(
        "<body>", f"<body>\n{script}", 1
    )


def list_hangul() -> set[int]:
    """List the syllables of the words in Korean, as code points."""
    said = "".join(translate(text, "ko") for text in _WORDS.values())
    return {ord(letter) for letter in said if ord(letter) in _HANGUL}


@cache
def _write_script() -> str:
    told: dict[str, Any] = {
        "words": {
            language: {name: translate(text, language) for name, text in _WORDS.items()}
            for language in LANGUAGES
        },
        "palettes": {
            name: {
                role: getattr(palette, role)
                for role in ("base", "ground", "surface", "line", "text", "muted", "accent")
            }
            for name, palette in PALETTES.items()
        },
        "theme": FIRST_THEME,
        "letters": base64.b64encode(LETTERS.read_bytes()).decode("ascii"),
    }
    # "<" would let a word end the script.
    return _SCRIPT.replace("TOLD", json.dumps(told).replace("<", "\\u003c"), 1)


def show_loading_screen(base_path: str) -> None:
    """Let the server send its first document with the drop zone in it."""
    from starlette.middleware import Middleware
    from streamlit.web.server.starlette import starlette_app

    create = starlette_app.create_streamlit_middleware

    # Innermost: compression comes after it.
    def create_with_screen() -> list[Middleware]:
        return [*create(), Middleware(LoadingScreen, base_path=base_path)]

    starlette_app.create_streamlit_middleware = create_with_screen
