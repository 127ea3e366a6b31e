"""A sheet of sample films of a dataset: normal on the left, pneumonia on the right."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from hilum.data.layout import Film
from hilum.errors import DatasetError, InputError
from hilum.io import read_radiograph
from hilum.report.html import Section, render_page
from hilum.report.lettering import load_font

CELL_PX = 240
_GAP_PX = 12
_TITLE_PX = 44
_CAPTION_PX = 20
_PAPER, _MUTED = "#fbfaf7", "#62676b"
_TITLES = {0: ("Normal", "#2f66a3"), 1: ("Pneumonia", "#b4551a")}
_MAX_CAPTION = 34


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A film for the sheet: its 8-bit picture, 240 px on its longer side."""

    film: Film
    picture: Image.Image
    size_px: tuple[int, int]


def choose_samples(
    root: Path, films: Sequence[Film], *, count: int = 6, seed: int = 0
) -> dict[int, list[Sample]]:
    """Draw ``count`` films of each class at random and read them.

    Returns
    -------
    Label -> samples; fewer where the class has fewer films.

    Raises
    ------
    DatasetError
        A class has no film, or a film cannot be read.
    """
    rng = np.random.default_rng(seed)
    samples: dict[int, list[Sample]] = {}
    for label, (title, _) in _TITLES.items():
        own = sorted(film for film in films if film.label == label)
        if not own:
            raise DatasetError(f"There is no film of the class {title.lower()} to show.")
        chosen = rng.permutation(len(own))[:count]
        samples[label] = [_read_sample(root, own[index]) for index in sorted(chosen)]
    return samples


def _read_sample(root: Path, film: Film) -> Sample:
    try:
        pixels = read_radiograph(root / film.path).pixels
    except InputError as error:
        raise DatasetError(f"{film.path} cannot be shown: {error}") from error
    rows, columns = pixels.shape
    picture = Image.fromarray(np.rint(pixels * np.float32(255)).astype(np.uint8))
    fitted = ImageOps.contain(picture, (CELL_PX, CELL_PX), Image.Resampling.LANCZOS)
    return Sample(film, fitted, (columns, rows))


def draw_contact_sheet(samples: dict[int, list[Sample]]) -> Image.Image:
    """Draw the samples as one RGB picture.

    Parameters
    ----------
    samples
        Of :func:`choose_samples`.
    """
    most = max(len(own) for own in samples.values())
    columns = max(1, math.ceil(math.sqrt(most)))
    rows = math.ceil(most / columns)
    side_px = columns * (CELL_PX + _GAP_PX) + _GAP_PX
    height_px = _TITLE_PX + rows * (CELL_PX + _CAPTION_PX + _GAP_PX) + _GAP_PX
    sheet = Image.new("RGB", (2 * side_px + _GAP_PX, height_px), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for label, own in samples.items():
        left = label * (side_px + _GAP_PX) + _GAP_PX
        title, color = _TITLES[label]
        draw.text((left, 10), title, fill=color, font=load_font(22))
        for index, sample in enumerate(own):
            x = left + index % columns * (CELL_PX + _GAP_PX)
            y = _TITLE_PX + index // columns * (CELL_PX + _CAPTION_PX + _GAP_PX)
            _draw_sample(sheet, draw, sample, x, y)
    return sheet


def _draw_sample(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, sample: Sample, x: int, y: int
) -> None:
    sheet.paste("black", (x, y, x + CELL_PX, y + CELL_PX))
    width, height = sample.picture.size
    sheet.paste(sample.picture, (x + (CELL_PX - width) // 2, y + (CELL_PX - height) // 2))
    font = load_font(12)
    draw.text((x, y + CELL_PX + 3), _caption(sample), fill=_MUTED, font=font)


def _caption(sample: Sample) -> str:
    name = sample.film.path.rpartition("/")[2]
    if len(name) > _MAX_CAPTION:
        name = f"{name[: _MAX_CAPTION - 1]}…"
    return name


def render_contact_sheet(samples: dict[int, list[Sample]], *, name: str) -> str:
    """Render the samples as self-contained HTML, each with its path and its size.

    Parameters
    ----------
    samples
        Of :func:`choose_samples`.
    name
        Of the dataset.
    """
    columns = []
    for label, own in samples.items():
        title, _ = _TITLES[label]
        figures = "".join(_render_sample(sample) for sample in own)
        columns.append(f'<div><h3>{title}</h3><div class="films">{figures}</div></div>')
    section = Section("Normal left, pneumonia right", f'<div class="pair">{"".join(columns)}</div>')
    return render_page(f"Films of {name}", [section])


def _render_sample(sample: Sample) -> str:
    buffer = BytesIO()
    sample.picture.save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    path = escape(sample.film.path)
    width, height = sample.size_px
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{path}">'
        f"<figcaption>{path}<br>{width:,} × {height:,} px</figcaption></figure>"
    )
