"""Take the screenshots of the documentation: ``python tests/app/take_screenshot.py``.

It opens samples on the page with the shipped model, or with ``--model``,
and writes ``docs/images/app.png`` and ``docs/images/app-narrow.png`` (a synthetic film with an
opacity) and ``docs/images/app-refused.png`` (one without, upside down).
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from factories.pages import open_chromium, serve_page  # noqa: E402
from hilum.io import read_radiograph  # noqa: E402 (after the path of the tests)
from hilum.samples import list_films  # noqa: E402

MAX_BYTES = 400_000
WIDE_PX = (1440, 1000)
NARROW_PX = (390, 844)
PATIENCE_MS = 180_000


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


def take(url: str, chromium: str, folder: Path) -> None:
    """Take all screenshots."""
    with open_chromium(chromium, width_px=WIDE_PX[0], height_px=WIDE_PX[1]) as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url)
        film = np.uint8(255 * read_radiograph(list_films()[0].read()).pixels)
        turned = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(np.rot90(film, 2))).save(turned, "PNG")
        page.locator("input[type=file]").set_input_files(
            {"name": "turned.png", "mimeType": "image/png", "buffer": turned.getvalue()}
        )
        page.locator(".refusal").wait_for()
        page.locator("[data-part=stage][data-first-draw-ms]").wait_for()
        page.wait_for_timeout(2500)
        write_small(page.screenshot(), folder / "app-refused.png")
        page.get_by_text("Synthetic film 3: an opacity").click()
        page.locator(".answer").wait_for()
        page.locator("img[alt^='Legend']").wait_for()
        page.locator("canvas[aria-label^='The film with']").wait_for()
        # Streamlit fades in what has changed.
        page.wait_for_timeout(2500)
        write_small(page.screenshot(), folder / "app.png")
        page.set_viewport_size({"width": NARROW_PX[0], "height": NARROW_PX[1]})
        page.wait_for_timeout(1000)
        page.locator(".answer").evaluate("part => part.scrollIntoView()")
        page.wait_for_timeout(500)
        write_small(page.screenshot(), folder / "app-narrow.png")


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
    with serve_page(options.model) as url:
        take(url, options.chromium, options.out)


if __name__ == "__main__":
    main()
