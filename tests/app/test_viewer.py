"""What the viewer sends to the browser, undone here as the browser undoes it."""

from __future__ import annotations

import json
import re
import struct
import zlib
from importlib import resources
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from factories.films import draw_stored, make_corpus, make_dicom, make_lut_item
from hilum.app.samples import read_rg1
from hilum.io import read_display, read_radiograph
from hilum.report import draw_film
from hilum.types import DisplayFilm, Explanation

pytest.importorskip("streamlit", reason='needs the extra "app"')

from hilum.app.viewer import VIEWER_WORDS, pack_film
from hilum.app.viewer.payload import MAX_SIDE_PX, outline_regions

VIEW: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}


def unpack(film: DisplayFilm) -> tuple[dict[str, Any], NDArray[np.int64], NDArray[np.uint8]]:
    """Give header, values and grey tables, padding as a last, black entry of each table."""
    packed = pack_film(film).packed
    size = struct.unpack_from("<L", packed)[0]
    header = json.loads(packed[4 : 4 + size])
    stream = np.frombuffer(zlib.decompress(packed[4 + size :]), dtype=np.uint8)
    shape, count = (header["rows"], header["columns"]), header["count"]
    pixels = shape[0] * shape[1]
    code = (stream[:pixels].astype(np.int64) << 8) | stream[pixels : 2 * pixels]
    change = ((code >> 1) ^ -(code & 1)).reshape(shape)
    change[:, 0] = np.cumsum(change[:, 0])
    values = np.cumsum(change, axis=1) & 0xFFFF
    tables = stream[2 * pixels : 2 * pixels + len(header["tables"]) * count]
    tables = np.pad(tables.reshape(-1, count), ((0, 0), (0, 1)))
    rest = stream[2 * pixels + len(header["tables"]) * count :]
    if header["modality"] is None:
        header["modality values"] = rest.view("<f4")
    else:
        assert not rest.size
        low, slope = header["modality"]
        header["modality values"] = low + slope * np.arange(count)
    return header, values, tables


@pytest.mark.parametrize("name", sorted(make_corpus()))
def test_a_small_film_arrives_as_it_was_read(name: str) -> None:
    if name == "dicom-jpeg-lossless.dcm":
        pytest.importorskip("gdcm", reason='needs the extra "jpeg-lossless"')
    data = make_corpus()[name]
    film = read_display(data)
    header, values, tables = unpack(film)
    assert (header["rows"], header["columns"]) == film.values.shape
    shown = tables[0][values].astype(int)
    expected = np.asarray(draw_film(read_radiograph(data))).astype(int)
    # Films of more than 12 bits are sent in steps below their noise.
    assert np.abs(shown - expected).max() <= (0 if header["count"] < 4096 else 1)
    modality = header["modality values"][values]
    step = np.ptp(film.modality) / len(film.modality) * 65_536 / 2048
    assert np.abs(modality - film.modality[film.values]).max() <= step


def test_a_film_of_12_bits_keeps_each_value() -> None:
    stored = draw_stored(12, height_px=96, width_px=80)
    header, values, _ = unpack(read_display(make_dicom(stored, **VIEW)))
    assert np.array_equal(header["modality values"][values], stored)


def test_noise_alone_is_left_out_of_16_bits() -> None:
    rng = np.random.default_rng(0)
    smooth = np.linspace(2000, 60_000, 200 * 160).reshape(200, 160)
    noisy = (smooth + rng.normal(0, 400, smooth.shape)).clip(0, 65_535).astype(np.uint16)
    quiet, noise = (
        unpack(read_display(make_dicom(stored, bits_stored=16)))
        for stored in (smooth.astype(np.uint16), noisy)
    )
    assert quiet[0]["modality"][1] == 1
    step = noise[0]["modality"][1]
    assert 8 <= step <= 64
    assert np.abs(noise[0]["modality values"][noise[1]] - noisy).max() <= step


def test_a_large_film_is_averaged_to_the_size_of_a_screen() -> None:
    stored = np.zeros((2000, 3000), dtype=np.uint16)
    stored[:, ::2] = 1000
    film = read_display(make_dicom(stored, **VIEW))
    header, values, _ = unpack(film)
    assert (header["height"], header["width"]) == (2000, 3000)
    assert max(values.shape) <= MAX_SIDE_PX
    assert values.size <= 1_500_000
    assert abs(header["modality values"][values].mean() - 500) < 1


def test_padding_is_black_and_does_not_darken_its_neighbours() -> None:
    stored = np.full((1600, 1600), 3000, dtype=np.uint16)
    stored[:, :801] = 4095
    film = read_display(
        make_dicom(stored, photometric="MONOCHROME1", PixelPaddingValue=4095, **VIEW)
    )
    header, values, tables = unpack(film)
    padding = values == header["count"]
    assert padding.mean() == pytest.approx(801 / 1600, abs=0.002)
    assert (header["modality values"][values[~padding]] == 3000).all()
    assert not tables[0][values[padding]].any()


def test_a_film_of_padding_alone_can_be_sent() -> None:
    film = read_display(make_dicom(np.zeros((9, 9), np.uint16), PixelPaddingValue=0, **VIEW))
    header, values, _ = unpack(film)
    assert (values == header["count"]).all()


def test_modality_values_off_a_line_are_sent_each() -> None:
    table = [i * i // 4096 for i in range(4096)]
    film = read_display(
        make_dicom(draw_stored(12), ModalityLUTSequence=[make_lut_item(table)], **VIEW)
    )
    header, values, _ = unpack(film)
    assert header["modality"] is None
    assert np.array_equal(header["modality values"][values], np.asarray(table)[draw_stored(12)])


def test_rg1_fits_into_a_megabyte_and_a_half() -> None:
    pytest.importorskip("data_store", reason="needs pydicom-data")
    data = read_rg1()
    film = read_display(data)
    shown = pack_film(film)
    assert len(shown.packed) < 1_500_000
    assert pack_film(film) == shown
    header, values, tables = unpack(film)
    assert header["invert"]
    radiograph = read_radiograph(data)
    expected = np.asarray(draw_film(radiograph, max_side_px=max(values.shape)), dtype=int)
    assert np.abs(tables[0][values] - expected).mean() < 1.5


def _place_blobs(*places: tuple[int, int, float]) -> Explanation:
    values = np.zeros((8, 8), dtype=np.float32)
    for row, column, value in places:
        values[row, column] = value
    return Explanation(values, (0.0, 0.0, 400.0, 400.0), "evidence", "pneumonia", 0.0)


def test_each_region_has_its_own_outline() -> None:
    explanation = _place_blobs((1, 1, 30.0), (6, 5, 20.0), (2, 6, -30.0))
    regions = explanation.regions()
    told = outline_regions(explanation, regions, ["one", "two"])
    assert [region["sentence"] for region in told] == ["one", "two"]
    for region, outline in zip(regions, told, strict=True):
        (line,) = outline["lines"]
        points = np.asarray(line["points"]).reshape(-1, 2)
        ends = [*points.min(axis=0), *points.max(axis=0)]
        assert ends == pytest.approx(region.box, abs=5)
        assert line["closed"]
        assert not outline["against"]


def test_a_ring_has_two_lines_and_what_lies_in_its_hole_is_left_out() -> None:
    ring = [
        (row, column, 30.0)
        for row in range(1, 7)
        for column in range(1, 7)
        if row in (1, 6) or column in (1, 6)
    ]
    explanation = _place_blobs(*ring, (3, 3, 9.0))
    (region,) = explanation.regions(smallest_share=0.1)
    (outline,) = outline_regions(explanation, (region,), ["ring"])
    assert len(outline["lines"]) == 2


def test_regions_against_the_target_have_lines_too() -> None:
    explanation = _place_blobs((2, 6, -30.0), (6, 1, 30.0))
    regions = explanation.regions(against=True)
    (outline,) = outline_regions(explanation, regions, ["against"])
    assert outline["against"]
    assert len(outline["lines"]) == 1


def test_a_region_at_the_edge_of_the_map_has_its_open_line() -> None:
    explanation = _place_blobs((0, 3, 30.0))
    (outline,) = outline_regions(explanation, explanation.regions(), ["edge"])
    assert outline["lines"]
    assert not outline["lines"][0]["closed"]


def test_the_viewer_says_nothing_but_its_words() -> None:
    folder = resources.files("hilum.app.viewer")
    page = folder.joinpath("viewer.html").read_text(encoding="utf-8")
    script = folder.joinpath("viewer.js").read_text(encoding="utf-8")
    used = set(re.findall(r'data-(?:text|label)="([a-z_]+)"', page))
    used |= set(re.findall(r'"([a-z_]+)"', " ".join(re.findall(r"say\(([^)]*)", script))))
    used |= {"file_window", "file_lut"} if "file_${table.kind}" in script else set()
    used |= {"full_range", "percentiles", "dark_areas", "bright_areas"}  # hilum.io's windows
    assert used == set(VIEWER_WORDS)
    # No letters between the tags: all text comes from the words.
    assert not re.search(r">[^<>]*[A-Za-z][^<>]*<", page)


def test_the_script_makes_no_code_of_data() -> None:
    folder = resources.files("hilum.app.viewer")
    for name in ("film.js", "geometry.js", "hands.js", "viewer.js"):
        script = folder.joinpath(name).read_text(encoding="utf-8")
        for danger in ("innerHTML", "outerHTML", "insertAdjacent", "eval(", "Function(", "fetch("):
            assert danger not in script, name
        assert not re.search(r"https?:", script)


def test_no_colour_is_fixed_in_the_style() -> None:
    style = resources.files("hilum.app.viewer").joinpath("viewer.css").read_text(encoding="utf-8")
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", style)
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)rem", style)]
    # The page's rem is 15 px.
    assert sizes
    assert min(sizes) * 15 >= 12
