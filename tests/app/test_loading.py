"""What can be done while the browser still loads the page."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from factories.films import save_phantom
from factories.pages import open_chromium, open_quiet_page, serve_page, wait_for_run
from hilum.app.loading import (
    DROP_HERE,
    LETTERS,
    QUESTION,
    LoadingScreen,
    add_loading_screen,
    list_hangul,
)
from hilum.language import LANGUAGES, translate

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, FilePayload, Page, Route

_DOCUMENT = "<html><head><title>Streamlit</title></head><body>\n<div>é</div></body></html>"
_SCRIPT = "**/static/js/index.*.js"
_DROP = """([name, data]) => {
  const carried = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  carried.items.add(new File([bytes], name));
  const screen = [...document.body.children].find((one) => one.shadowRoot);
  const drop = { dataTransfer: carried, bubbles: true, cancelable: true };
  screen.dispatchEvent(new DragEvent("drop", drop));
}"""


def ask(path: str, *, kind: str = "text/html; charset=utf-8", base_path: str = "") -> Any:
    """Ask a server that sends the document in two pieces; give status, headers and body."""
    sent: list[Any] = []

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        body = _DOCUMENT.encode()
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"etag", b'"1"'),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body[:60], "more_body": True})
        await send({"type": "http.response.body", "body": body[60:]})

    async def receive() -> Any:
        raise AssertionError("the document needs nothing of the request's body")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path}
    asyncio.run(LoadingScreen(serve, base_path)(scope, receive, send))
    start, *pieces = sent
    body = b"".join(piece.get("body", b"") for piece in pieces)
    return start["status"], dict(start["headers"]), body.decode()


@pytest.mark.parametrize(
    ("path", "base_path"), [("/", ""), ("/tools/hilum", "tools/hilum"), ("/hilum/", "hilum")]
)
def test_the_first_document_has_the_drop_zone(path: str, base_path: str) -> None:
    status, headers, body = ask(path, base_path=base_path)
    assert status == 200
    assert body == add_loading_screen(_DOCUMENT)
    assert "<title>hilum</title>" in body
    assert body.index("attachShadow") < body.index("<div>é</div>")
    assert int(headers[b"content-length"]) == len(body.encode())
    # It would be that of Streamlit's file, which stays the same when hilum changes.
    assert b"etag" not in headers


@pytest.mark.parametrize(
    ("path", "kind", "base_path"),
    [
        ("/history", "text/html", ""),
        ("/static/js/index.js", "text/javascript", ""),
        ("/", "application/json", ""),
        ("/", "text/html", "hilum"),
        ("/hilum/compare", "text/html", "hilum"),
    ],
)
def test_all_else_is_sent_as_it_is(path: str, kind: str, base_path: str) -> None:
    status, headers, body = ask(path, kind=kind, base_path=base_path)
    assert (status, body, headers[b"etag"]) == (200, _DOCUMENT, b'"1"')


def test_streamlits_document_is_of_the_form_that_is_known() -> None:
    streamlit = pytest.importorskip("streamlit", reason='needs the extra "app"')
    path = Path(streamlit.__file__).with_name("static") / "index.html"
    document = add_loading_screen(path.read_text(encoding="utf-8"))
    assert "<title>hilum</title>" in document
    assert re.search(r"<body>\s*<script>\s*// The drop zone", document)


def test_no_word_ends_the_script() -> None:
    script = add_loading_screen("<body>")
    assert script.count("</script>") == 1


def test_the_letters_are_those_of_the_words() -> None:
    fonts = pytest.importorskip("fontTools.ttLib", reason='needs the extra "lab"')
    with fonts.TTFont(LETTERS) as font:
        assert list_hangul() <= set(font.getBestCmap()), "python tests/make_font.py"
    # Each first document carries them.
    assert LETTERS.stat().st_size < 20_000


# --- in a real browser ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(tiny_model: Path) -> Iterator[str]:
    pytest.importorskip("streamlit", reason='needs the extra "app"')
    with serve_page(str(tiny_model)) as url:
        yield url


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[BrowserContext]:
    pytest.importorskip("playwright", reason="needs playwright")
    with open_chromium(chromium) as context:
        yield context


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """A page that in the end has complained of nothing."""
    with open_quiet_page(browser) as page:
        yield page


def open_slowly(page: Page, url: str) -> None:
    """Open a page whose scripts are held back, as a slow machine does, until it is unrouted."""
    held: list[Route] = []
    page.route(_SCRIPT, lambda route: held.append(route))
    page.goto(url, wait_until="commit")
    while not held:
        page.wait_for_timeout(20)


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_films_given_before_the_page_is_there_are_analyzed(
    address: str, page: Page, language: str
) -> None:
    open_slowly(page, f"{address}/?lang={language}")
    page.get_by_text(translate(DROP_HERE, language)).wait_for()
    assert page.get_by_text(translate(QUESTION, language)).is_visible()
    assert page.evaluate("document.documentElement.lang") == language
    assert page.locator("input[type=file]").count() == 0
    page.evaluate(_DROP, ["dropped.png", base64.b64encode(save_phantom(1)).decode()])
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button").click()
    chosen: FilePayload = {
        "name": "chosen <b>.png",
        "mimeType": "image/png",
        "buffer": save_phantom(2),
    }
    chooser.value.set_files([chosen])
    page.get_by_role("status").get_by_text("dropped.png, chosen <b>.png").wait_for()
    page.unroute(_SCRIPT)
    page.locator(".answer, .refusal").wait_for()
    wait_for_run(page)
    films = page.get_by_role("radio", name=re.compile(r"\.png$"))
    assert films.count() == 2
    assert page.locator("input[type=file]").count() == 1
    assert page.evaluate("[...document.body.children].every((one) => !one.shadowRoot)")


@pytest.mark.browser
def test_whoever_stands_on_the_button_stays_there(address: str, page: Page) -> None:
    open_slowly(page, address)
    page.get_by_role("button").focus()
    page.unroute(_SCRIPT)
    page.locator("input[type=file]").wait_for(state="attached")
    page.wait_for_function(
        "() => document.activeElement?.closest('[data-testid=stFileUploader]') !== null"
    )


@pytest.mark.browser
def test_a_page_that_does_not_come_is_not_hidden_for_ever(address: str, page: Page) -> None:
    page.clock.install()
    open_slowly(page, address)
    page.get_by_text(DROP_HERE).wait_for()
    page.clock.run_for(10_000)
    assert page.get_by_text(DROP_HERE).is_visible()
    page.clock.run_for(25_000)
    page.get_by_text(DROP_HERE).wait_for(state="detached")


@pytest.mark.browser
def test_other_pages_open_without_it(address: str, page: Page) -> None:
    open_slowly(page, f"{address}/models")
    page.wait_for_function("() => document.getElementById('root') !== null")
    assert page.evaluate("[...document.body.children].every((one) => !one.shadowRoot)")
