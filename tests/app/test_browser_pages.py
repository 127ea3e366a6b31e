"""All pages in a real browser: the way from one to the other, many films, and what they cost."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from factories.films import save_phantom
from factories.pages import (
    drop_files,
    find_resident_mb,
    open_chromium,
    open_quiet_page,
    serve_page,
    wait_for_run,
)

pytest.importorskip("playwright", reason="needs playwright")
pytest.importorskip("streamlit", reason='needs the extra "app"')

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, WebSocketRoute

pytestmark = pytest.mark.browser

_PATIENCE_MS = 240_000
_TITLES = ("Analyze", "Compare", "Batch", "History", "Models", "About")


@pytest.fixture(scope="module")
def address(tiny_model: Path) -> Iterator[str]:
    with serve_page(str(tiny_model)) as url:
        yield url


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[BrowserContext]:
    with open_chromium(chromium) as context:
        yield context


@pytest.fixture
def page(browser: BrowserContext, address: str) -> Iterator[Page]:
    """A page that was opened; in the end it has complained of nothing."""
    with open_quiet_page(browser, _PATIENCE_MS) as page:
        page.goto(address)
        page.get_by_text("Drop a chest film, or open a sample.").wait_for()
        yield page


def go_to(page: Page, title: str) -> None:
    page.get_by_role("link", name=title, exact=True).click()
    page.wait_for_function("title => document.title.startsWith(title)", arg=title)


def draw_large_film() -> bytes:
    """A small file that takes long to read."""
    ramp = np.linspace(0, 255, 1800, dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.broadcast_to(ramp, (1800, 1800)).copy()).save(buffer, format="PNG")
    return buffer.getvalue()


def pack(films: int, bad: int, film: bytes | None = None) -> bytes:
    """A ZIP of films, drawn ones if nothing is said, some of them cut off."""
    film = save_phantom(1) if film is None else film
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(films):
            whole = film + number.to_bytes(4, "big")  # after the picture's end: another digest
            archive.writestr(f"study/{number:04d}.png", whole[:300] if number < bad else whole)
    return buffer.getvalue()


def run_batch(page: Page, films: int, bad: int) -> None:
    drop_files(page, ("study.zip", pack(films, bad)))
    page.get_by_text(f"{films:,} films wait.").wait_for()
    page.get_by_role("button", name="Analyze them").click()
    page.get_by_text(f"{films:,} of {films:,} films in").wait_for()


def test_a_film_goes_along_from_page_to_page(page: Page) -> None:
    drop_files(page, ("mine.png", save_phantom(2)))
    page.locator(".answer, .refusal").wait_for()
    go_to(page, "Compare")
    page.locator(".st-key-row img").first.wait_for()
    assert page.locator(".card").count() >= 3
    for title in ("Models", "About", "Analyze"):
        go_to(page, title)
    page.locator(".answer, .refusal").wait_for()


@pytest.mark.parametrize("width_px", [390, 1440])
def test_no_page_is_wider_than_the_screen(page: Page, width_px: int) -> None:
    page.set_viewport_size({"width": width_px, "height": 844})
    for title in _TITLES:
        go_to(page, title)
        page.wait_for_timeout(800)
        # The main part scrolls, not the document.
        wide = page.locator('[data-testid="stMain"]').evaluate(
            "main => main.scrollWidth - main.clientWidth"
        )
        assert wide <= 1, title


def test_a_batch_with_bad_films_ends_with_a_table(page: Page) -> None:
    go_to(page, "Batch")
    run_batch(page, 300, 10)
    tally = page.locator(".tally").inner_text()
    assert "failed\n10" in tally
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Table (CSV)").click()
    lines = Path(waiting.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 301
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Table (Parquet)").click()
    assert Path(waiting.value.path()).read_bytes()[:4] == b"PAR1"


def test_a_batch_is_cancelled_in_the_middle(page: Page) -> None:
    go_to(page, "Batch")
    # On a quick machine small films would be done before anyone can press a button.
    drop_files(page, ("study.zip", pack(2000, 0, draw_large_film())))
    page.get_by_text("2,000 films wait.").wait_for()
    page.get_by_role("button", name="Analyze them").click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("of 2,000 films in").wait_for()
    page.get_by_text("Cancelled").wait_for()


def test_a_button_is_heard_before_the_drop_zone_is_empty(
    browser: BrowserContext, address: str
) -> None:
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    with open_quiet_page(browser, _PATIENCE_MS) as page:
        held: list[bytes | str] = []
        holds = False

        def join(route: WebSocketRoute) -> None:
            """Pass all on, but keep from the browser that the page has run."""
            server = route.connect_to_server()

            def pass_on(message: bytes | str) -> None:
                told = ForwardMsg.FromString(message) if isinstance(message, bytes) else None
                ended = told is not None and told.WhichOneof("type") == "script_finished"
                if holds and (held or ended):
                    held.append(message)
                else:
                    route.send(message)

            server.on_message(pass_on)

        page.route_web_socket("**/_stcore/stream", join)
        page.goto(address)
        page.get_by_text("Drop a chest film, or open a sample.").wait_for()
        go_to(page, "Batch")
        page.get_by_text("Drop many films, or a ZIP of them.").wait_for()
        # Not the end of that run is held, which may still be on its way.
        wait_for_run(page)
        holds = True
        drop_files(page, ("one.png", save_phantom(3)), ("two.png", save_phantom(4)))
        page.get_by_text("2 films wait.").wait_for()
        while not held:
            page.wait_for_timeout(50)
        page.get_by_role("button", name="Analyze them").click()
        holds = False
        page.get_by_text("2 of 2 films in").wait_for()


@pytest.mark.slow
def test_memory_stays_flat_over_a_thousand_films(page: Page, address: str) -> None:
    go_to(page, "Batch")
    run_batch(page, 500, 0)
    first_mb = find_resident_mb(address)
    run_batch(page, 500, 0)
    second_mb = find_resident_mb(address)
    assert second_mb < 900
    assert second_mb < first_mb + 60
