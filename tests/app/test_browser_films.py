"""Films of every sort on the page that a newcomer opens, and two visitors at the same time."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from factories.films import save_phantom
from factories.pages import drop_files, open_chromium, open_quiet_page, serve_page, wait_for_run
from hilum.app.samples import read_rg1
from hilum.language import LANGUAGES, Language, Text, translate

pytest.importorskip("playwright", reason="needs playwright")
pytest.importorskip("streamlit", reason='needs the extra "app"')

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.browser

_PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The page with the shipped models, as ``make app`` opens it."""
    with serve_page() as url:
        yield url


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[BrowserContext]:
    with open_chromium(chromium) as context:
        yield context


@pytest.fixture(params=LANGUAGES)
def visit(
    browser: BrowserContext, address: str, request: pytest.FixtureRequest
) -> Iterator[tuple[Page, Language]]:
    """A page in each language; in the end it has complained of nothing."""
    language: Language = request.param
    with open_quiet_page(browser, _PATIENCE_MS) as page:
        page.goto(f"{address}/?lang={language}")
        page.locator(".empty").wait_for()
        yield page, language


def is_chosen(page: Page, name: str) -> None:
    page.locator("[role=radiogroup] label:has(input:checked)", has_text=name).wait_for()
    wait_for_run(page)


@pytest.mark.data
def test_films_of_children_are_answered(visit: tuple[Page, Language], dataset: Path) -> None:
    page, language = visit
    for part in ("NORMAL", "PNEUMONIA"):
        film = sorted((dataset / "chest_xray" / "test" / part).iterdir())[0]
        drop_files(page, (film.name, film.read_bytes()))
        is_chosen(page, film.name)
        page.locator(".answer", has_text="%").wait_for()
        page.locator("[data-part=stage][data-first-draw-ms]").wait_for()
        assert page.locator(".refusal").count() == 0
    decision = {"en": "Decision: ", "ko": "결과: "}[language]
    assert decision in page.locator(".answer").inner_text()


def test_what_is_no_film_of_a_child_gets_no_answer(
    visit: tuple[Page, Language],
) -> None:
    page, language = visit
    images = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn")
    photograph = Path(images.__file__).parent / "images" / "china.jpg"
    # In colour it is no radiograph to the reader already; in grey the gate has to tell.
    drop_files(page, ("china.jpg", photograph.read_bytes()))
    page.locator(".trouble").wait_for()
    grey = io.BytesIO()
    Image.open(photograph).convert("L").save(grey, "PNG")
    drop_files(page, ("grey.png", grey.getvalue()))
    is_chosen(page, "grey.png")
    refusal = page.locator(".refusal")
    refusal.wait_for()
    assert translate(Text("Not assessed"), language) in refusal.inner_text()
    assert "%" not in refusal.inner_text()
    # The words of an error say what to do; the page then takes the next film.
    drop_files(page, ("broken.dcm", read_rg1()[:3000]))
    page.locator(".trouble").wait_for()
    drop_files(page, ("rg1.dcm", read_rg1()))
    is_chosen(page, "rg1.dcm")
    refusal.wait_for()
    population = Text(
        "The film is unlike those that the model has learned from: it may be outside the "
        "training population."
    )
    assert translate(population, language) in refusal.inner_text()


def test_two_visitors_at_once_see_their_own_films(browser: BrowserContext, address: str) -> None:
    film = save_phantom(1, height_px=320, width_px=240)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(100):
            archive.writestr(f"{number:04d}.png", film + number.to_bytes(4, "big"))
    with (
        open_quiet_page(browser, _PATIENCE_MS) as one,
        open_quiet_page(browser, _PATIENCE_MS) as two,
    ):
        for page in (one, two):
            page.goto(address)
            page.locator(".empty").wait_for()
        one.get_by_role("link", name="Batch", exact=True).click()
        one.wait_for_function("() => document.title.startsWith('Batch')")
        drop_files(one, ("study.zip", packed.getvalue()))
        one.get_by_role("button", name="Analyze them").click()
        one.get_by_role("button", name="Cancel").wait_for()
        # The other one is answered while the first one's films are under way.
        for name in ("a.png", "b.png"):
            drop_files(two, (name, save_phantom(2, height_px=320, width_px=240)))
            is_chosen(two, name)
            two.locator(".answer, .refusal").wait_for()
        assert one.get_by_role("button", name="Cancel").is_visible()
        assert two.locator("[role=radiogroup]", has_text="0001.png").count() == 0
        one.get_by_text("100 of 100 films in").wait_for()
        one.get_by_role("link", name="Analyze", exact=True).click()
        one.locator(".empty").wait_for()
        assert one.get_by_text("a.png").count() == 0
