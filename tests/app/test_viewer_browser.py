"""The viewer in a real browser: what is drawn, and what hands do to it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from factories import viewer_page
from factories.pages import open_chromium, serve_script
from hilum.io import read_radiograph
from hilum.report import draw_film, draw_overlay

pytest.importorskip("playwright", reason="needs playwright")
pytest.importorskip("streamlit", reason='needs the extra "app"')

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

pytestmark = pytest.mark.browser

_PATIENCE_MS = 180_000
FILM, EVIDENCE = ".pane[data-pane=film] canvas", ".pane[data-pane=evidence] canvas"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve_script(Path(viewer_page.__file__)) as url:
        yield url


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[BrowserContext]:
    with open_chromium(chromium) as context:
        yield context


class Visit:
    """The viewer on its page, with what the page complained of."""

    def __init__(self, page: Page, address: str, query: str = "") -> None:
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(_PATIENCE_MS)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{address}/?{query}")
        self.part("stage").and_(page.locator("[data-first-draw-ms]")).wait_for()
        self.settle()

    def _listen(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def part(self, name: str) -> Locator:
        return self.page.locator(f"[data-part={name}]")

    def choose(self, name: str, value: str) -> None:
        self.page.locator(f"input[name={name}][value={value}]").check(force=True)
        self.settle()

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def slide(self, name: str, value: float) -> None:
        self.part(name).evaluate(
            "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }",
            value,
        )
        self.settle()

    def look(self, pane: str = FILM) -> NDArray[np.int64]:
        """Give the px of a canvas."""
        self.settle()
        url = self.page.locator(pane).evaluate("canvas => canvas.toDataURL()")
        picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
        return np.asarray(picture.convert("RGB")).astype(int)

    def where(self, pane: str = FILM) -> tuple[float, float, float]:
        """Give px of the canvas for one px of the film, and the film's corner."""
        self.settle()
        told = self.page.locator(pane).evaluate("canvas => ({...canvas.dataset})")
        return float(told["scale"]), float(told["left"]), float(told["top"])

    def look_at_film(self, pane: str = FILM) -> NDArray[np.int64]:
        """Give the px of the canvas where the whole film is seen."""
        scale, left, top = self.where(pane)
        seen = self.look(pane)
        height, width = round(viewer_page.ROWS * scale), round(viewer_page.COLUMNS * scale)
        return seen[round(top) : round(top) + height, round(left) : round(left) + width]

    def middle(self, pane: str = FILM) -> tuple[float, float]:
        box = self.page.locator(pane).bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, x: float, y: float, pane: str = FILM, button: Any = "left") -> None:
        start = self.middle(pane)
        self.page.mouse.move(*start)
        self.page.mouse.down(button=button)
        self.page.mouse.move(start[0] + x, start[1] + y, steps=4)
        self.page.mouse.up(button=button)
        self.settle()

    def check_server_was_not_asked(self) -> None:
        assert self.page.get_by_text("run 1", exact=True).count() == 1
        assert self.complaints == []


@pytest.fixture
def visit(browser: BrowserContext, address: str) -> Iterator[Visit]:
    visit = Visit(browser.new_page(), address)
    yield visit
    visit.page.close()


@pytest.fixture
def open_viewer(browser: BrowserContext, address: str) -> Iterator[Any]:
    pages = []

    def open_with(query: str) -> Visit:
        pages.append(browser.new_page())
        return Visit(pages[-1], address, query)

    yield open_with
    for page in pages:
        page.close()


def expect_film(name: str, shape: tuple[int, ...]) -> NDArray[np.int64]:
    film = draw_film(read_radiograph(viewer_page.make_film(name)))
    size = (shape[1], shape[0])
    return np.asarray(film.resize(size, Image.Resampling.BILINEAR).convert("RGB")).astype(int)


def measure_difference(seen: NDArray[np.int64], expected: NDArray[np.int64]) -> tuple[float, float]:
    """Give the mean difference and that which 99 of 100 px keep, away from the edges."""
    inner = np.abs(seen - expected)[4:-4, 4:-4]
    return float(inner.mean()), float(np.quantile(inner, 0.99))


# --- what is drawn -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["positive", "negative", "lut"])
def test_the_film_is_drawn_as_it_was_read(open_viewer: Any, name: str) -> None:
    visit = open_viewer(f"film={name}")
    seen = visit.look_at_film()
    mean, most = measure_difference(seen, expect_film(name, seen.shape))
    assert mean < 1.0
    assert most <= 6
    visit.check_server_was_not_asked()


@pytest.mark.parametrize(
    ("scale", "colormap", "opacity"),
    [(32.0, "evidence", 60), (10.0, "green_purple", 100), (16.0, "for_only", 80)],
)
def test_the_evidence_is_drawn_as_the_report_does(
    open_viewer: Any, scale: float, colormap: str, opacity: int
) -> None:
    visit = open_viewer(f"film=positive&scale={scale}&colormap={colormap}")
    visit.part("outlines").uncheck()
    visit.slide("opacity", opacity)
    seen = visit.look_at_film(EVIDENCE)
    overlay = draw_overlay(
        read_radiograph(viewer_page.make_film("positive")),
        viewer_page.make_explanation(),
        opacity=opacity / 100,
        colormap=colormap,
        scale=scale,
    )
    size = (seen.shape[1], seen.shape[0])
    expected = np.asarray(overlay.resize(size, Image.Resampling.BILINEAR)).astype(int)
    mean, most = measure_difference(seen, expected)
    print(f"mean {mean:.2f} of 255, 99 of 100 px within {most:.0f}")
    assert mean < 1.0
    assert most <= 5
    bare = expect_film("positive", seen.shape)
    assert measure_difference(expected, bare)[0] > 4 * mean


def test_opacity_0_shows_the_bare_film(visit: Visit) -> None:
    visit.part("outlines").uncheck()
    assert (visit.look(FILM) != visit.look(EVIDENCE)).any()
    visit.slide("opacity", 0)
    assert np.array_equal(visit.look(FILM), visit.look(EVIDENCE))
    assert visit.part("opacity-value").inner_text() == "0 %"
    visit.check_server_was_not_asked()


def test_regions_are_outlined_numbered_and_told(visit: Visit) -> None:
    outlined = visit.look(EVIDENCE)
    visit.part("outlines").uncheck()
    bare = visit.look(EVIDENCE)
    assert 100 < np.any(outlined != bare, axis=2).sum() < 0.2 * bare[..., 0].size
    visit.part("outlines").check()
    buttons = visit.part("regions").get_by_role("button")
    assert buttons.all_inner_texts() == ["1", "2"]
    buttons.nth(1).focus()
    assert visit.part("sentence").inner_text() == "2. The second place."
    assert (visit.look(EVIDENCE) != outlined).any()
    # Hovering over the place itself tells it as well.
    first = viewer_page.find_regions()[0]
    scale, left, top = visit.where(EVIDENCE)
    box = visit.page.locator(EVIDENCE).bounding_box()
    assert box is not None
    visit.page.mouse.move(
        box["x"] + left + first.peak[0] * scale, box["y"] + top + first.peak[1] * scale
    )
    visit.settle()
    assert visit.part("sentence").inner_text() == f"1. {viewer_page.HOSTILE}"
    visit.check_server_was_not_asked()


def test_words_of_the_file_are_text_and_nothing_else(visit: Visit) -> None:
    options = visit.part("preset").locator("option").all_inner_texts()
    assert options[0] == "As read by the model: NORMAL"
    assert options[1] == f"Window 1 of the file: {viewer_page.HOSTILE}"
    assert visit.page.locator(".viewer img").count() == 0


def test_a_film_without_evidence_is_shown_alone(open_viewer: Any) -> None:
    visit = open_viewer("film=alone")
    assert visit.page.locator(FILM).is_visible()
    for part in ("layout", "opacity-field", "outlines-field", "regions"):
        assert visit.part(part).is_hidden()
    assert visit.page.locator(EVIDENCE).is_hidden()
    visit.part("stage").focus()
    visit.page.keyboard.press("+")
    visit.settle()
    assert visit.part("zoom-value").inner_text() == "125 %"
    visit.check_server_was_not_asked()


# --- zoom, wipe ----------------------------------------------------------------------------


def test_wheel_keys_and_drag_keep_the_panes_in_step(visit: Visit) -> None:
    fitted = visit.where()
    assert fitted == visit.where(EVIDENCE)
    x, y = visit.middle()
    visit.page.mouse.move(x + 60, y - 40)
    visit.page.mouse.wheel(0, -600)
    visit.page.wait_for_function(
        "parts => parts[0].textContent !== '100 %'", arg=[visit.part("zoom-value").element_handle()]
    )
    wheeled = visit.where()
    assert wheeled == visit.where(EVIDENCE)
    assert wheeled[0] > 2 * fitted[0]
    # What lies under the pointer stays there.
    box = visit.page.locator(FILM).bounding_box()
    assert box is not None
    at = x + 60 - box["x"]
    assert (at - wheeled[1]) / wheeled[0] == pytest.approx((at - fitted[1]) / fitted[0], abs=1)
    visit.drag(50, 30, EVIDENCE)
    dragged = visit.where()
    assert dragged == visit.where(EVIDENCE)
    assert dragged[1:] == pytest.approx((wheeled[1] + 50, wheeled[2] + 30), abs=0.5)
    visit.part("stage").focus()
    visit.page.keyboard.press("ArrowRight")
    assert visit.where()[1] == pytest.approx(dragged[1] - 48, abs=0.5)
    visit.page.keyboard.press("-")
    assert visit.where()[0] == pytest.approx(dragged[0] * 0.8)
    visit.page.keyboard.press("0")
    assert visit.where() == fitted == visit.where(EVIDENCE)
    visit.part("zoom-in").click()
    assert visit.where()[0] == pytest.approx(1.25 * fitted[0])
    visit.page.mouse.dblclick(*visit.middle())
    assert visit.where() == fitted
    visit.check_server_was_not_asked()


def test_the_wipe_has_film_on_its_left_and_evidence_on_its_right(visit: Visit) -> None:
    visit.part("outlines").uncheck()
    film, evidence = visit.look(FILM), visit.look(EVIDENCE)
    visit.choose("layout", "wipe")
    assert visit.page.locator(FILM).is_hidden()
    visit.slide("divider", 100)
    film = visit.look(EVIDENCE)
    visit.slide("divider", 0)
    evidence = visit.look(EVIDENCE)
    assert (film != evidence).any()
    visit.slide("divider", 50)
    wiped, middle = visit.look(EVIDENCE), film.shape[1] // 2
    assert np.array_equal(wiped[:, : middle - 1], film[:, : middle - 1])
    assert np.array_equal(wiped[:, middle + 1 :], evidence[:, middle + 1 :])
    visit.part("divider").focus()
    visit.page.keyboard.press("ArrowRight")
    assert visit.part("divider").input_value() == "51"
    handle = visit.page.locator(".handle")
    box = handle.bounding_box()
    assert box is not None
    visit.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] - 200, box["y"] + 30, steps=3)
    visit.page.mouse.up()
    assert float(visit.part("divider").input_value()) < 45
    visit.choose("layout", "overlay")
    assert np.array_equal(visit.look(EVIDENCE), evidence)
    visit.check_server_was_not_asked()


# --- windows -------------------------------------------------------------------------------


def test_a_window_of_the_file_shows_what_it_says(visit: Visit) -> None:
    visit.part("preset").select_option(index=1)
    seen = visit.look_at_film()
    stored = viewer_page.draw_stored().astype(float)
    grey = np.clip((stored - 999.5) / 599 + 0.5, 0, 1)
    grey[:40, :40] = 0  # padding
    expected = Image.fromarray((grey * 255 + 0.5).astype(np.uint8))
    resized = expected.resize((seen.shape[1], seen.shape[0]), Image.Resampling.BILINEAR)
    assert measure_difference(seen[..., 0], np.asarray(resized).astype(int))[0] < 1.5
    assert visit.part("center").input_value() == "1000"
    assert visit.part("width").input_value() == "600"
    visit.check_server_was_not_asked()


@pytest.mark.parametrize("name", ["positive", "negative"])
def test_a_drag_with_the_right_button_windows_the_film(open_viewer: Any, name: str) -> None:
    visit = open_viewer(f"film={name}")
    before = visit.look_at_film().mean()
    visit.drag(0, -80, button="right")
    brighter = visit.look_at_film()
    assert brighter.mean() > before + 10
    assert visit.part("preset").input_value() == "free"
    assert (visit.look(EVIDENCE)[..., 0] != 0).any()
    width = float(visit.part("width").input_value())
    visit.choose("tool", "window")
    visit.drag(120, 0)
    assert float(visit.part("width").input_value()) > 1.1 * width
    assert visit.where()[0] == visit.where(EVIDENCE)[0]
    visit.part("window-reset").click()
    seen = visit.look_at_film()
    assert measure_difference(seen, expect_film(name, seen.shape))[0] < 1.0
    visit.check_server_was_not_asked()


def test_numbers_window_in_the_unit_of_the_file(open_viewer: Any) -> None:
    visit = open_viewer("film=lut")
    assert visit.page.get_by_label("Centre (HU)").count() == 1
    visit.part("center").fill("-400")
    visit.part("width").fill("500")
    visit.part("width").press("Enter")
    visit.part("invert").focus()
    seen = visit.look_at_film()
    hounsfield = viewer_page.draw_stored() * 0.5 - 1024
    grey = np.clip((hounsfield + 650) / 500, 0, 1) * 255
    expected = Image.fromarray(grey.astype(np.float32)).resize((seen.shape[1], seen.shape[0]))
    assert measure_difference(seen[..., 0], np.asarray(expected).astype(int))[0] < 1.5
    visit.part("width").fill("-3")
    visit.part("width").press("Enter")
    visit.part("invert").focus()
    assert visit.part("width").input_value() == "500"
    visit.check_server_was_not_asked()


def test_inversion_turns_grey_and_leaves_padding(visit: Visit) -> None:
    before = visit.look_at_film()
    visit.part("invert").check()
    after = visit.look_at_film()
    assert np.abs(after[60:-4, 60:-4] + before[60:-4, 60:-4] - 255).max() <= 1
    assert not after[2:20, 2:20].any()
    visit.check_server_was_not_asked()


@pytest.mark.parametrize("number", range(2, 6))
def test_suggested_windows_change_the_picture(visit: Visit, number: int) -> None:
    before = visit.look_at_film()
    visit.part("preset").select_option(index=number)
    assert np.abs(visit.look_at_film() - before).mean() > 2
    assert visit.look_at_film()[..., 0].std() > 20
    visit.check_server_was_not_asked()


# --- the page around it --------------------------------------------------------------------


def test_zoom_and_window_outlive_a_run_of_the_page(visit: Visit) -> None:
    visit.part("zoom-in").click()
    visit.drag(0, -60, button="right")
    before = visit.where(), visit.part("center").input_value(), visit.look()
    visit.page.get_by_role("button", name="Run again").click()
    visit.page.get_by_text("run 2", exact=True).wait_for()
    visit.page.wait_for_timeout(500)
    assert visit.where() == before[0]
    assert visit.part("center").input_value() == before[1]
    assert np.array_equal(visit.look(), before[2])
    assert visit.complaints == []


def test_keys_of_the_page_are_not_pressed_by_typing(visit: Visit) -> None:
    visit.part("center").focus()
    visit.page.keyboard.type("r")
    visit.part("stage").focus()
    visit.page.keyboard.type("rc")
    visit.page.wait_for_timeout(500)
    visit.check_server_was_not_asked()


def test_every_control_has_a_name_and_is_reached_by_the_keyboard(visit: Visit) -> None:
    named = visit.page.locator(".viewer").evaluate(
        """section => [...section.querySelectorAll("input, select, button, canvas, [tabindex]")]
          .filter(e => e.checkVisibility())
          .map(e => [e.tagName, e.type || "", e.labels?.[0]?.textContent.trim()
            || e.getAttribute("aria-label") || e.textContent.trim()])"""
    )
    assert len(named) > 18
    assert [one for one in named if not re.search(r"\w", one[2])] == []
    visit.page.get_by_role("button", name="Run again").focus()
    reached = set()
    inner = "const e = document.activeElement; const at = e.shadowRoot?.activeElement ?? e"
    for _ in range(22):
        visit.page.keyboard.press("Tab")
        name = visit.page.evaluate(f"() => {{ {inner}; return at.dataset.part ?? at.name; }}")
        reached.add(name)
    wanted = {"layout", "tool", "zoom-in", "opacity", "outlines", "stage", "preset", "center"}
    assert wanted | {"width", "invert", "window-reset"} <= reached


@pytest.mark.parametrize("width_px", [390, 320])
def test_a_narrow_screen_begins_with_the_wipe_and_stacks_panes(
    browser: BrowserContext, address: str, width_px: int
) -> None:
    page = browser.new_page()
    page.set_viewport_size({"width": width_px, "height": 844})
    visit = Visit(page, address)
    assert page.locator("input[name=layout][value=wipe]").is_checked()
    # A device that is turned has room for both, until somebody chooses.
    page.set_viewport_size({"width": 900, "height": 500})
    page.locator(FILM).wait_for()
    page.set_viewport_size({"width": width_px, "height": 844})
    page.locator(FILM).wait_for(state="hidden")
    visit.choose("layout", "side")
    film, evidence = page.locator(FILM).bounding_box(), page.locator(EVIDENCE).bounding_box()
    assert film is not None
    assert evidence is not None
    assert film["y"] + film["height"] < evidence["y"]
    assert film["x"] == evidence["x"]
    main = "document.querySelector('[data-testid=stMain]').scrollWidth"
    assert page.evaluate(main) <= width_px
    assert visit.complaints == []
    page.close()


def test_two_fingers_zoom(browser: BrowserContext, address: str) -> None:
    page = browser.new_page()
    visit = Visit(page, address)
    fitted = visit.where()[0]
    x, y = visit.middle()
    session = page.context.new_cdp_session(page)
    touch = "Input.dispatchTouchEvent"
    for kind, half in (("touchStart", 30), ("touchMove", 50), ("touchMove", 90)):
        points = [{"x": x - half, "y": y, "id": 0}, {"x": x + half, "y": y, "id": 1}]
        session.send(touch, {"type": kind, "touchPoints": points})
        visit.settle()
    session.send(touch, {"type": "touchEnd", "touchPoints": []})
    assert visit.where()[0] == pytest.approx(3 * fitted, rel=0.1)
    assert visit.where() == visit.where(EVIDENCE)
    page.close()
