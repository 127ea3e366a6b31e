"""Every page in both languages and themes in a real browser, looked over by axe-core."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factories.films import save_phantom
from factories.pages import drop_files, find_port, open_chromium, open_quiet_page, serve_page
from hilum.app.browser.words import SERVER_WORDS
from hilum.app.loading import DROP_HERE
from hilum.app.theme import HANGUL, PALETTES
from hilum.language import LANGUAGES, Language, Text, translate

pytest.importorskip("playwright", reason="needs playwright")
pytest.importorskip("streamlit", reason='needs the extra "app"')
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core")

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.browser

_PATIENCE_MS = 240_000
_TITLES = {
    "analyze": Text("Analyze"),
    "compare": Text("Compare"),
    "batch": Text("Batch"),
    "history": Text("History"),
    "models": Text("Models"),
    "about": Text("About"),
}
_VISITS = [(language, theme) for language in LANGUAGES for theme in PALETTES]


@pytest.fixture(scope="module")
def address(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    journal = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    with serve_page(str(tiny_model), f"--journal={journal}") as url:
        yield url


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[BrowserContext]:
    with open_chromium(chromium) as context:
        yield context


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """A page that in the end has complained of nothing."""
    with open_quiet_page(browser, _PATIENCE_MS) as page:
        yield page


def go_to(page: Page, name: str, language: str) -> None:
    title = translate(_TITLES[name], language)
    page.locator(".st-key-ways").get_by_role("link", name=title, exact=True).click()
    page.wait_for_function("title => document.title.startsWith(title)", arg=title)


def fill(page: Page, name: str) -> None:
    """Bring a page to where it shows what it can."""
    if name == "analyze":
        drop_files(page, ("film.png", save_phantom(2)))
        page.locator(".answer, .refusal").wait_for()
        page.locator("[data-part=stage][data-first-draw-ms]").wait_for()
    elif name == "compare":
        page.locator(".card").nth(3).wait_for()
    elif name == "batch":
        drop_files(page, ("film.png", save_phantom(2)), ("broken.png", b"no film"))
        page.locator(".st-key-start button:enabled").click()
        page.locator(".tally").wait_for()
        page.locator(".st-key-save_csv").wait_for()
    elif name == "history":
        page.locator(".st-key-save_feedback").wait_for()
    elif name == "models":
        page.locator('[data-testid="stExpander"] summary').click()
        page.locator(".st-key-card_text table[tabindex]").nth(1).wait_for()
    # Streamlit fades in what has changed, and fading words have little contrast.
    page.wait_for_function("() => !document.querySelector('[data-stale=true]')")
    page.wait_for_timeout(1500)


def find_barriers(page: Page) -> list[str]:
    """What axe-core calls serious or critical, one line each."""
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(("language", "theme"), _VISITS)
def test_no_page_has_a_serious_barrier(page: Page, address: str, language: str, theme: str) -> None:
    page.goto(f"{address}/?lang={language}&theme={theme}")
    page.locator(".empty").wait_for()
    barriers = {"first sight": find_barriers(page)}
    for width_px in (1280, 390):
        page.set_viewport_size({"width": width_px, "height": 900})
        for name in _TITLES:
            go_to(page, name, language)
            if width_px == 1280 or name in ("analyze", "models"):
                fill(page, name)
                barriers[f"{name}, {width_px} px"] = find_barriers(page)
            wide = page.locator('[data-testid="stMain"]').evaluate(
                "main => main.scrollWidth - main.clientWidth"
            )
            assert wide <= 1, (name, width_px)
    assert page.evaluate("document.documentElement.lang") == language
    assert not {name: found for name, found in barriers.items() if found}


@pytest.mark.parametrize(("language", "theme"), _VISITS)
def test_nor_has_the_screen_before_it(page: Page, address: str, language: str, theme: str) -> None:
    page.route("**/static/js/index.*.js", lambda _: None)
    page.goto(f"{address}/?lang={language}&theme={theme}", wait_until="commit")
    page.get_by_text(translate(DROP_HERE, language)).wait_for()
    assert find_barriers(page) == []


def get_ground(page: Page) -> str:
    """The colour behind the page, as ``#rrggbb``."""
    color = page.locator('[data-testid="stApp"]').evaluate(
        "app => getComputedStyle(app).backgroundColor"
    )
    return "#" + "".join(f"{int(part):02x}" for part in color[4:-1].split(","))


def wait_for_ground(page: Page, theme: str) -> None:
    channels = [int(PALETTES[theme].ground[at : at + 2], 16) for at in (1, 3, 5)]  # type: ignore[index]
    page.wait_for_function(
        """color => getComputedStyle(document.querySelector('[data-testid="stApp"]'))
          .backgroundColor === color""",
        arg=f"rgb({', '.join(map(str, channels))})",
    )


def test_one_visitor_switches_and_another_sees_nothing_of_it(
    page: Page, browser: BrowserContext, address: str
) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(address)
    drop_files(page, ("film.png", save_phantom(2)))
    page.locator(".answer").wait_for()
    assert get_ground(page) == PALETTES["dark"].ground  # whatever the system prefers
    other = browser.new_page()
    other.goto(address)
    other.locator(".empty").wait_for()

    # By the keyboard alone.
    page.locator(".st-key-theme [role=radio]").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    wait_for_ground(page, "light")
    assert page.locator(".answer").count() == 1
    page.locator(".st-key-language").get_by_text("한국어").click()
    page.locator(".answer", has_text="결과: ").wait_for()
    assert page.locator(".st-key-language [lang=ko]").inner_text() == "한국어"
    page.locator('[data-testid="stFileUploader"]').get_by_text("파일 선택").wait_for()
    assert get_ground(page) == PALETTES["light"].ground
    assert "lang=ko" in page.url
    assert "theme=light" in page.url
    # The film lies on black in every theme.
    canvas = page.locator("canvas").first
    assert canvas.evaluate("film => getComputedStyle(film).backgroundColor") == "rgb(0, 0, 0)"

    other.reload()
    other.locator(".empty").wait_for()
    assert get_ground(other) == PALETTES["dark"].ground
    assert other.evaluate("document.documentElement.lang") == "en"
    other.close()

    # Back again: what a widget says of its own comes back too.
    page.locator(".st-key-language").get_by_text("English").click()
    page.locator(".answer", has_text="Decision: ").wait_for()
    page.locator('[data-testid="stFileUploader"]').get_by_text("Upload", exact=True).wait_for()


def test_a_browser_in_korean_opens_the_page_in_korean(page: Page, address: str) -> None:
    agent = page.evaluate("navigator.userAgent")
    page.context.new_cdp_session(page).send(
        "Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": "ko-KR"}
    )
    page.goto(address)
    page.get_by_text("흉부 X선 영상을 끌어다 놓거나 예시를 여십시오.").wait_for()
    # Letters come with the page: a plain Linux has none for it.
    page.wait_for_function(
        """name => [...document.fonts].some(
          face => face.family.includes(name) && face.status === "loaded")""",
        arg=HANGUL,
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_without_its_server_says_what_to_do_and_goes_on(
    browser: BrowserContext, tiny_model: Path, language: Language
) -> None:
    port = find_port()
    page = browser.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    with serve_page(str(tiny_model), port=port) as url:
        page.goto(f"{url}/?lang={language}")
        page.locator(".empty").wait_for()
        # Streamlit fetches the script of each widget when it first shows one.
        page.wait_for_load_state("networkidle")
    for words in ("Connection error", "Streamlit server is not responding. Are you connected to"):
        said = next(text for word, text in SERVER_WORDS.items() if word.startswith(words))
        page.get_by_role("dialog").get_by_text(translate(said, language)).wait_for()
    with serve_page(str(tiny_model), port=port):
        page.get_by_role("dialog").wait_for(state="detached")
        drop_files(page, ("film.png", save_phantom(2)))
        page.locator(".answer").wait_for()
    page.close()
