"""Measure what the page's visitors wait for: ``python tests/app/measure_page.py``.

With the shipped models, in a real Chromium, on a machine that does nothing else: from the command
to a page that takes films, and to one that stands whole, in browsers that are new and in one that
has been there before; from a film that is dropped to its evidence, a comparison of all networks, a
ZIP of films on the page beside ``hilum analyze``, and the memory of the page after all that. Films
are synthetic ones at the size of real ones, with new noise each.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from factories.pages import drop_files, find_port, find_resident_mb, open_chromium, serve_page
from hilum.app.loading import DROP_HERE
from hilum.io import read_radiograph
from hilum.models.zoo import list_models
from hilum.samples import list_films

PATIENCE_MS = 600_000
_STARTS = 7
_NEW_BROWSERS = 5
# About the median of the public set's films.
SIZE_PX = (1310, 970)
# Each time that the viewer has drawn a film for the first time.
_WATCH = """() => {
  const find = () => {
    for (const one of document.querySelectorAll("*")) {
      const stage = (one.shadowRoot ?? one).querySelector?.("[data-part=stage]");
      if (stage?.dataset.firstDrawMs) return stage.dataset.firstDrawMs;
    }
    return null;
  };
  window.before = find(); window.began = null; window.seen = null;
  const input = document.querySelector("input[type=file]");
  input.addEventListener("change", () => { window.began = performance.now(); }, { capture: true });
  const look = () => {
    const now = find();
    if (window.began !== null && now !== null && now !== window.before) {
      window.seen = performance.now();
    } else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def draw_films(count: int, seed: int) -> list[bytes]:
    """Draw films as JPEG, each with noise of its own."""
    rng = np.random.default_rng(seed)
    bases = []
    for film in list_films():
        pixels = np.uint8(255 * read_radiograph(film.read()).pixels)
        bases.append(np.asarray(Image.fromarray(pixels).resize(SIZE_PX), dtype=np.float32))
    films = []
    for number in range(count):
        noisy = bases[number % len(bases)] + rng.normal(0, 2, SIZE_PX[::-1]).astype(np.float32)
        buffer = io.BytesIO()
        Image.fromarray(np.uint8(np.clip(noisy, 0, 255))).save(buffer, "JPEG", quality=95)
        films.append(buffer.getvalue())
    return films


def measure_films(page: Page, films: list[bytes]) -> list[float]:
    """Give the seconds from each film that is dropped to its evidence."""
    took = []
    for number, film in enumerate(films):
        page.evaluate(_WATCH)
        drop_files(page, (f"film-{number}.jpg", film))
        page.wait_for_function("() => window.seen !== null")
        took.append(page.evaluate("() => (window.seen - window.began) / 1000"))
        page.wait_for_timeout(700)
    return took


def measure_comparison(page: Page) -> float:
    """Give the seconds from the link to all networks' evidence."""
    began = time.perf_counter()
    page.get_by_role("link", name="Compare", exact=True).click()
    shown = "document.querySelectorAll('.st-key-row img').length"
    page.wait_for_function(f"() => {shown} >= {len(list_models())}")
    return time.perf_counter() - began


def measure_batch(page: Page, films: list[bytes], path: Path) -> float:
    """Give the seconds from the button to the table of all films, ten of them cut off."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, film in enumerate(films):
            archive.writestr(f"{number:04d}.jpg", film[:300] if number < 10 else film)
    page.get_by_role("link", name="Batch", exact=True).click()
    page.wait_for_function("() => document.title.startsWith('Batch')")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_text(f"{len(films):,} films wait.").wait_for()
    began = time.perf_counter()
    page.get_by_role("button", name="Analyze them").click()
    page.get_by_text(f"{len(films):,} of {len(films):,} films in").wait_for()
    return time.perf_counter() - began


def measure_command(films: list[bytes]) -> float:
    """Give the seconds that ``hilum analyze`` takes for the same films."""
    with tempfile.TemporaryDirectory() as folder:
        for number, film in enumerate(films):
            data = film[:300] if number < 10 else film
            (Path(folder) / f"{number:04d}.jpg").write_bytes(data)
        command = [sys.executable, "-m", "hilum", "analyze", folder, "--format", "csv"]
        began = time.perf_counter()
        # It ends with a code that tells of the films that cannot be read.
        subprocess.run(command, capture_output=True, check=False)
        return time.perf_counter() - began


def measure(chromium: str, films: int, batch: int) -> None:
    """Serve the page, and measure."""
    port = find_port()
    with tempfile.TemporaryDirectory() as folder:
        new = []
        for _ in range(_NEW_BROWSERS):
            with open_chromium(chromium, width_px=1280, height_px=900) as browser:
                new.append(measure_start(browser.new_page(), Path(folder), port))
        print(f"seconds from the command, in browsers that are new: {_tell(new)}")
        with open_chromium(chromium, width_px=1280, height_px=900) as browser:
            measure_browser(browser.new_page(), Path(folder), port, films, batch)


def measure_browser(page: Page, folder: Path, port: int, films: int, batch: int) -> None:
    """Measure all that one browser is for."""
    page.set_default_timeout(PATIENCE_MS)
    starts = [measure_start(page, folder, port) for _ in range(2 + _STARTS)]
    # A browser compiles Streamlit's script once more at its second visit, and keeps that.
    print(f"in one that has been there: {_tell(starts[2:])}")
    with serve_page(state=folder) as url:
        page.goto(url)
        page.locator("input[type=file]").wait_for(state="attached")
        measure_visit(page, url, folder, films, batch)


def measure_start(page: Page, state: Path, port: int) -> tuple[float, float, float]:
    """Give the seconds from the command: until it answers, takes films, and stands whole."""
    began = time.perf_counter()
    with serve_page(port=port, state=state) as url:
        answers = time.perf_counter() - began
        page.goto(url, wait_until="commit")
        page.get_by_text(DROP_HERE).first.wait_for()
        takes = time.perf_counter() - began
        page.locator("input[type=file]").wait_for(state="attached")
        whole = time.perf_counter() - began
    page.goto("about:blank")
    return answers, takes, whole


def _tell(starts: list[tuple[float, float, float]]) -> str:
    names = ("answers", "takes films", "stands whole")
    return ", ".join(
        f"{name} after {np.median(took):.1f} ({took.min():.1f} to {took.max():.1f})"
        for name, took in zip(names, np.transpose(starts), strict=True)
    )


def measure_visit(page: Page, url: str, folder: Path, films: int, batch: int) -> None:
    """Measure one visit of the page that is open."""
    page.get_by_text("Answer also where the gate refuses").click()
    page.wait_for_timeout(2000)
    measure_films(page, draw_films(3, seed=1))
    took = measure_films(page, draw_films(films, seed=2))
    middle, high = np.percentile(took, [50, 95])
    print(f"film to evidence: median {middle:.2f} s, 95 % within {high:.2f} s, {films} films")
    measure_comparison(page)
    page.get_by_role("link", name="Analyze", exact=True).click()
    measure_films(page, draw_films(1, seed=3))
    print(f"comparison of all networks: {measure_comparison(page):.2f} s")
    many = draw_films(batch, seed=4)
    on_page = measure_batch(page, many, folder / "films.zip")
    alone = measure_command(many)
    print(
        f"{batch} films: {batch / on_page:.1f} films/s on the page, {batch / alone:.1f} by the "
        f"command, {alone / on_page:.0%} of its rate"
    )
    print(f"memory of the page: {find_resident_mb(url):.0f} MB")


def main() -> None:
    """Read the options, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=40)
    parser.add_argument("--batch", type=int, default=300)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    options = parser.parse_args()
    if options.chromium is None:
        parser.error("Chromium is not on the PATH; give it with --chromium")
    measure(options.chromium, options.films, options.batch)


if __name__ == "__main__":
    main()
