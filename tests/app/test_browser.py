"""The page in a real browser: what a visitor does, and what the visitor sees."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from factories.pages import drop_files, open_chromium, serve_page, wait_for_run
from hilum.app.samples import read_rg1

pytest.importorskip("playwright", reason="needs playwright")
pytest.importorskip("streamlit", reason='needs the extra "app"')

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

pytestmark = pytest.mark.browser

FILM = "canvas[aria-label='The film']"
EVIDENCE = "canvas[aria-label^='The film with the evidence']"
LEGEND = "img[alt^='Legend']"
# A machine that trains a network beside the tests is slow, not broken.
_PATIENCE_MS = 180_000


@pytest.fixture(scope="module")
def address(tiny_model: Path) -> Iterator[str]:
    with serve_page(str(tiny_model)) as url:
        yield url


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[BrowserContext]:
    with open_chromium(chromium) as context:
        yield context


class Visit:
    """A page that was opened, with what it complained of and where it went."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.set_default_timeout(_PATIENCE_MS)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        # Streamlit hands a component's script on as a blob: of the page itself.
        page.on(
            "request",
            lambda request: self.hosts.add(urlsplit(request.url.removeprefix("blob:")).netloc),
        )
        page.goto(address)
        page.get_by_text("Drop a chest film, or open a sample.").wait_for()
        self.own_host = urlsplit(address).netloc

    def _listen(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def see_picture(self, selector: str) -> Locator:
        picture = self.page.locator(selector)
        picture.wait_for()
        seen = """picture => picture.localName === "canvas"
          ? picture.getContext("2d").getImageData(0, 0, picture.width, picture.height).data
              .some((value, at) => at % 4 < 3 && value > 64)
          : picture.complete && picture.naturalWidth > 0"""
        self.page.wait_for_function(seen, arg=picture.element_handle())
        return picture

    def see_fact(self, value: str) -> None:
        self.page.locator(".facts dd", has_text=value).first.wait_for()
        wait_for_run(self.page)


@pytest.fixture
def visit(browser: BrowserContext, address: str) -> Iterator[Visit]:
    visit = Visit(browser.new_page(), address)
    yield visit
    visit.page.close()


def _encode_jpeg(film: bytes) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(film)).save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


def test_films_of_every_kind_are_answered(visit: Visit, small_film: bytes) -> None:
    drop_files(visit.page, ("film.png", small_film))
    visit.see_fact("PNG")
    drop_files(visit.page, ("film.jpg", _encode_jpeg(small_film)))
    visit.see_fact("JPEG")
    pytest.importorskip("data_store", reason="needs pydicom-data")
    drop_files(visit.page, ("no-suffix", read_rg1()))
    visit.see_fact("MONOCHROME1")

    answer = visit.page.locator(".answer").inner_text()
    assert "%" in answer
    assert "probability of pneumonia" in answer
    assert "Decision: " in answer
    film, evidence = visit.see_picture(FILM), visit.see_picture(EVIDENCE)
    visit.see_picture(LEGEND)
    left, right = film.bounding_box(), evidence.bounding_box()
    assert left is not None
    assert right is not None
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] < right["x"]
    assert visit.complaints == []
    assert visit.hosts == {visit.own_host}


def test_a_corrupt_film_ends_nothing(visit: Visit, small_film: bytes) -> None:
    drop_files(visit.page, ("film.dcm", small_film[:2000]))
    visit.page.get_by_text("This file cannot be read").wait_for()
    drop_files(visit.page, ("whole.png", small_film))
    visit.see_picture(EVIDENCE)
    assert visit.complaints == []


def test_the_answer_follows_the_operating_point(visit: Visit) -> None:
    visit.page.get_by_text("Synthetic film 1: clear lungs").click()
    visit.page.get_by_text("threshold of 50.0 %").wait_for()
    points = visit.page.get_by_role("radiogroup", name="Operating point")
    points.get_by_text("Sensitivity ≥ 99 %").click()
    visit.page.get_by_text("threshold of 10.0 %").wait_for()
    assert visit.complaints == []


def test_the_result_can_be_taken_along(visit: Visit) -> None:
    visit.page.get_by_text("Synthetic film 1: clear lungs").click()
    with visit.page.expect_download() as waiting:
        visit.page.get_by_role("button", name="Result (JSON)").click()
    result = json.loads(Path(waiting.value.path()).read_text(encoding="utf-8"))
    assert result["model"] == "tiny"
    assert result["film"]["sha256"].startswith(
        waiting.value.suggested_filename.removeprefix("hilum-").removesuffix(".json")
    )
    with visit.page.expect_download() as waiting:
        visit.page.get_by_role("button", name="Picture (PNG)").click()
    with Image.open(waiting.value.path()) as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")


def test_the_keyboard_reaches_everything(visit: Visit) -> None:
    visit.page.get_by_text("Synthetic film 1: clear lungs").click()
    visit.see_picture(LEGEND)
    name = """() => {
      const outer = document.activeElement, e = outer.shadowRoot?.activeElement ?? outer;
      return [e.type || e.tagName, e.ariaLabel || e.dataset.part || e.innerText || ''].join(' ');
    }"""
    reached = set()
    for _ in range(52):
        visit.page.keyboard.press("Tab")
        reached.add(visit.page.evaluate(name))
    wanted = {
        "Upload",
        "radio ",
        "Picture (PNG)",
        "Picture (SVG)",
        "Result (JSON)",
        "One-page report (PDF)",
        "range Full colour at",
        "text Colour scale",
        "range opacity",
        "DIV Film. Arrow keys move it, plus and minus zoom, 0 fits it.",
        "select-one preset",
    }
    missed = {part for part in wanted if not any(item.endswith(part) for item in reached)}
    assert not missed, reached


def test_a_narrow_screen_reads_from_top_to_bottom(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.get_by_text("Synthetic film 1: clear lungs").click()
    # Film and evidence share one picture here, film on the left of the wipe.
    parts = [".answer", EVIDENCE, LEGEND, ".facts", ".st-key-scale"]
    boxes = []
    for part in parts:
        visit.page.locator(part).first.wait_for()
        box = visit.page.locator(part).first.bounding_box()
        assert box is not None
        boxes.append(box)
    assert [box["y"] for box in boxes] == sorted(box["y"] for box in boxes)
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
    main = "document.querySelector('[data-testid=stMain]')"
    assert visit.page.evaluate(f"{main}.scrollWidth") <= 390
