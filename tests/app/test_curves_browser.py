"""Curves, the threshold slider, the one opacity knob and the report, in a real browser."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factories.pages import open_chromium, open_quiet_page, serve_page

pytest.importorskip("playwright", reason="needs playwright")
pytest.importorskip("streamlit", reason='needs the extra "app"')

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.browser

_PATIENCE_MS = 180_000
_CURVE = ".st-key-looking_roc svg"


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal") / "journal.sqlite"


@pytest.fixture(scope="module")
def address(curved_model: Path, journal: Path) -> Iterator[str]:
    # Stands behind --no-journal, and so for it.
    with serve_page(str(curved_model), f"--journal={journal}") as url:
        yield url


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[BrowserContext]:
    with open_chromium(chromium, width_px=1280) as context:
        yield context


@pytest.fixture
def page(browser: BrowserContext, address: str) -> Iterator[Page]:
    """A sample film is open; in the end the page has complained of nothing."""
    with open_quiet_page(browser, _PATIENCE_MS) as page:
        page.goto(address)
        page.get_by_text("Synthetic film 1: clear lungs").click()
        page.locator(_CURVE).wait_for()
        yield page


def read_label(page: Page) -> str:
    return str(page.locator(_CURVE).get_attribute("aria-label"))


def wait_for_another(page: Page, label: str) -> None:
    deadline = time.monotonic() + _PATIENCE_MS / 1000
    while read_label(page) == label:
        assert time.monotonic() < deadline
        page.wait_for_timeout(5)


def test_the_slider_changes_figures_and_nothing_else(page: Page, journal: Path) -> None:
    from hilum.store import open_journal

    answer = page.locator(".answer").inner_text()
    page.locator("[data-part=stage][data-first-draw-ms]").wait_for()
    drawn = page.locator("[data-part=stage]").get_attribute("data-first-draw-ms")
    figures, curve = page.locator(".bought").inner_text(), read_label(page)
    thumb = page.locator(".st-key-looking_words input[type=range]")
    thumb.focus()
    took_ms = []
    for key in ("End", "PageDown", "Home"):
        began = time.perf_counter()
        page.keyboard.press(key)
        wait_for_another(page, curve)
        took_ms.append(1000 * (time.perf_counter() - began))
        curve = read_label(page)
        page.wait_for_function(
            "before => document.querySelector('.bought').innerText !== before", arg=figures
        )
        figures = page.locator(".bought").inner_text()
    print("slider to curve", [round(one) for one in took_ms], "ms")
    assert "Missed: " in figures
    assert "the decision would be pneumonia" in page.locator(".st-key-looking_words").inner_text()
    # The answer, the film and the journal are as they were.
    assert page.locator(".answer").inner_text() == answer
    assert page.locator("[data-part=stage]").get_attribute("data-first-draw-ms") == drawn
    with open_journal(journal) as kept:
        [analysis] = kept.list_analyses()
    assert analysis.operating_point == "youden"


def test_the_report_is_a_page_with_the_answer(page: Page) -> None:
    pypdf = pytest.importorskip("pypdf", reason="needs pypdf")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="One-page report (PDF)").click()
    name = waiting.value.suggested_filename
    reader = pypdf.PdfReader(Path(waiting.value.path()))
    [sheet] = reader.pages
    text = sheet.extract_text()
    assert page.locator(".answer .figure").inner_text().split()[0] in text
    assert "curved 1.0" in text
    digest = name.removeprefix("hilum-").removesuffix(".pdf")
    assert len(digest) == 12
    assert digest in text.replace("\n", "")


def test_the_viewers_knob_is_the_pages_opacity(page: Page) -> None:
    """What is saved follows the one knob, and so does the page that compares."""
    assert page.locator(".st-key-opacity").count() == 0
    page.locator("[data-part=stage][data-first-draw-ms]").wait_for()
    knob = page.locator("[data-part=opacity]")
    for value in ("90", "25"):
        knob.evaluate(
            """(knob, value) => {
              knob.value = value;
              for (const kind of ["input", "change"]) knob.dispatchEvent(new Event(kind));
            }""",
            value,
        )
    page.wait_for_timeout(2500)
    assert knob.input_value() == "25"
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Result (JSON)").click()
    assert json.loads(Path(waiting.value.path()).read_text(encoding="utf-8"))["model"] == "curved"
    page.get_by_role("link", name="Compare", exact=True).click()
    thumb = page.locator(".st-key-opacity input[type=range]")
    thumb.wait_for()
    assert thumb.input_value() == "25"


@pytest.mark.parametrize("width_px", [390, 320, 1280])
def test_curves_fit_the_screen(page: Page, width_px: int) -> None:
    page.set_viewport_size({"width": width_px, "height": 844})
    for title, plot in (("Analyze", _CURVE), ("Models", ".st-key-all_rocs svg")):
        page.get_by_role("link", name=title, exact=True).click()
        page.locator(plot).wait_for()
        page.wait_for_timeout(600)
        box = page.locator(plot).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width_px
        wide = page.locator('[data-testid="stMain"]').evaluate(
            "main => main.scrollWidth - main.clientWidth"
        )
        assert wide <= 1, title
