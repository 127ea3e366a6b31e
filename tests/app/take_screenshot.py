"""Take the screenshots of the documentation: ``python tests/app/take_screenshot.py``.

It opens synthetic films with the shipped model, or with ``--model``, and writes to ``docs/images``
a picture of each page, of Analyze on a narrow screen, in Korean and in the light theme, and of a
film that is refused (upside down).
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from factories.pages import drop_files, open_chromium, serve_page  # noqa: E402
from hilum.io import read_radiograph  # noqa: E402 (after the path of the tests)
from hilum.samples import list_films  # noqa: E402

MAX_BYTES = 300_000
WIDE_PX = (1440, 1000)
NARROW_PX = (390, 844)
PATIENCE_MS = 60_000


def write_small(picture: bytes, path: Path) -> None:
    """Write a screenshot with shades as fine as ``MAX_BYTES`` allows.

    Shades are rounded rather than drawn from a palette, which would spend itself on the
    film's greys and lose the colours of the legend.
    """
    shades = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(np.int32)
    for step in (1, 2, 4, 6, 8, 12, 16):
        rounded = np.clip((shades + step // 2) // step * step, 0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(rounded).save(buffer, format="PNG", optimize=True)
        if buffer.tell() <= MAX_BYTES:
            break
    path.write_bytes(buffer.getvalue())
    print(f"{path.name}: {buffer.tell() / 1000:.0f} kB, shades in steps of {step}")


class Camera:
    """A browser that goes from page to page and takes pictures."""

    def __init__(self, page: Page, url: str, folder: Path) -> None:
        self.page, self.url, self.folder = page, url, folder

    def shoot(self, name: str) -> None:
        """Write the picture, once all stands still: Streamlit fades in what has changed."""
        self.page.wait_for_timeout(2500)
        write_small(self.page.screenshot(), self.folder / f"{name}.png")

    def go(self, page: str, wait_for: str) -> None:
        """Go to another page, films and choices along."""
        self.page.get_by_role("link", name=page, exact=True).click()
        self.page.wait_for_function("name => document.title.startsWith(name)", arg=page)
        self.page.locator(wait_for).first.wait_for(state="attached")

    def take_analyze(self) -> None:
        """A refusal, an answer, the same on a telephone, and in the other language and theme."""
        page = self.page
        page.goto(self.url)
        drop_files(page, ("turned.png", turn_film()))
        page.locator(".refusal").wait_for()
        page.locator("[data-part=stage][data-first-draw-ms]").wait_for()
        self.shoot("app-refused")
        page.get_by_text("Synthetic film 3: an opacity").click()
        page.locator(".answer").wait_for()
        page.locator("img[alt^='Legend']").wait_for()
        page.locator("canvas[aria-label^='The film with']").wait_for()
        self.shoot("app")
        page.set_viewport_size({"width": NARROW_PX[0], "height": NARROW_PX[1]})
        page.wait_for_timeout(1000)
        page.locator(".answer").evaluate("part => part.scrollIntoView()")
        self.shoot("app-narrow")
        page.set_viewport_size({"width": WIDE_PX[0], "height": WIDE_PX[1]})
        page.locator(".st-key-theme [role=radio]").last.click()
        page.locator(".st-key-language [lang=ko]").click()
        page.locator(".answer", has_text="결과: ").wait_for()
        page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
        self.shoot("app-korean-light")
        page.locator(".st-key-language [lang=en]").click()
        page.locator(".answer", has_text="Decision: ").wait_for()
        page.locator(".st-key-theme [role=radio]").first.click()

    def take_others(self) -> None:
        """The other pages."""
        self.go("Compare", ".st-key-row img")
        self.shoot("app-compare")
        self.go("Batch", "input[type=file]")
        films = [(f"{film.name}.dcm", film.read()) for film in list_films()]
        drop_files(
            self.page, *films, ("turned.png", turn_film()), ("damaged.dcm", films[0][1][:2000])
        )
        self.page.get_by_role("button", name="Analyze them").click()
        self.page.locator(".st-key-save_csv").wait_for()
        self.shoot("app-batch")
        self.go("History", ".tally")
        self.shoot("app-history")
        self.go("Models", ".st-key-all_rocs svg")
        self.shoot("app-models")


def turn_film() -> bytes:
    """Give a synthetic film upside down, as PNG."""
    film = np.uint8(255 * read_radiograph(list_films()[0].read()).pixels)
    turned = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(np.rot90(film, 2))).save(turned, "PNG")
    return turned.getvalue()


def take(url: str, chromium: str, folder: Path) -> None:
    """Take all screenshots."""
    with open_chromium(chromium, width_px=WIDE_PX[0], height_px=WIDE_PX[1]) as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        camera = Camera(page, url, folder)
        camera.take_analyze()
        camera.take_others()


def main() -> None:
    """Serve the page and photograph it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    options = parser.parse_args()
    if options.chromium is None:
        parser.error("Chromium is not on the PATH; give it with --chromium")
    options.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_page(options.model, f"--journal={folder}/journal.sqlite") as url,
    ):
        take(url, options.chromium, options.out)


if __name__ == "__main__":
    main()
