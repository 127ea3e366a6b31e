"""The picture as SVG: read as the XML it is, and held against the map it shows."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from factories.radiographs import draw_noise, make_radiograph
from hilum.errors import ConfigError
from hilum.report import draw_film, draw_overlay, draw_svg
from hilum.types import Explanation

HEIGHT_PX, WIDTH_PX = 420, 280
FILM = make_radiograph(draw_noise(HEIGHT_PX, WIDTH_PX))
NAMESPACE = "{http://www.w3.org/2000/svg}"


def make_map() -> Explanation:
    values = np.zeros((7, 7), dtype=np.float32)
    values[1:3, 1:3], values[5, 5] = 12.0, -12.0
    box = (0.0, 0.0, float(WIDTH_PX), float(HEIGHT_PX))
    return Explanation(values, box, "evidence", "pneumonia", 0.0)


def draw(**options: Any) -> ElementTree.Element:
    """Draw an SVG and read it; the reader refuses what is not XML."""
    return ElementTree.fromstring(draw_svg(FILM, options.pop("explanation", make_map()), **options))


def find(root: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return list(root.iter(f"{NAMESPACE}{tag}"))


def find_group(root: ElementTree.Element, name: str) -> ElementTree.Element:
    [group] = [one for one in find(root, "g") if one.get("id") == name]
    return group


def read_texts(root: ElementTree.Element) -> str:
    return " ".join(one.text or "" for one in find(root, "text"))


def read_images(root: ElementTree.Element) -> list[Image.Image]:
    """Film first, then the colours."""
    images: list[Image.Image] = []
    for element in find(root, "image"):
        kind, _, data = element.attrib["href"].partition(",")
        assert kind == "data:image/png;base64"
        images.append(Image.open(BytesIO(base64.b64decode(data, validate=True))))
    return images


def read_points(path: ElementTree.Element) -> np.ndarray[Any, Any]:
    numbers = re.findall(r"-?\d+\.\d", path.attrib["d"])
    return np.asarray(numbers, dtype=float).reshape(-1, 2)


def test_film_and_colours_make_the_overlay() -> None:
    film, colors = read_images(draw())
    assert film.tobytes() == draw_film(FILM).tobytes()
    assert (colors.mode, colors.size) == ("RGBA", (WIDTH_PX, HEIGHT_PX))
    laid = film.convert("RGB")
    laid.paste(colors.convert("RGB"), (0, 0), colors.getchannel("A"))
    assert laid.tobytes() == draw_overlay(FILM, make_map()).tobytes()


def test_large_films_carry_small_colours() -> None:
    big = make_radiograph(draw_noise(1500, 1000))
    explanation = replace(make_map(), box=(0.0, 0.0, 1000.0, 1500.0))
    root = ElementTree.fromstring(draw_svg(big, explanation))
    film, colors = read_images(root)
    assert max(film.size) == 1024
    assert max(colors.size) == 512
    shown = find(root, "image")
    assert {(one.get("width"), one.get("height")) for one in shown} == {("683", "1024")}


def test_lines_are_vectors_at_their_level() -> None:
    group = find_group(draw(contours=(6.0,)), "contours")
    paths = group.findall(f"{NAMESPACE}path")
    # Each line is drawn twice, a dark edge below a light line.
    assert len(paths) == 4
    toward, against = read_points(paths[0]), read_points(paths[2])
    # Two cells of 40 x 60 px from (40, 60) on: at half their strength their edges are met.
    np.testing.assert_allclose(toward.min(axis=0), (40.0, 60.0), atol=1.5)
    np.testing.assert_allclose(toward.max(axis=0), (120.0, 180.0), atol=1.5)
    np.testing.assert_allclose(against.min(axis=0), (200.0, 300.0), atol=1.5)
    assert all(path.attrib["d"].endswith("Z") for path in paths)
    assert [path.get("stroke-dasharray") is not None for path in paths] == [
        False,
        False,
        True,
        True,
    ]


def test_lines_carry_their_level_and_the_legend_names_it() -> None:
    texts = read_texts(draw(contours=(4.0, 8.0)))
    for label in ("+4", "-4", "+8", "lines at 4 and 8: solid for, dashed against"):
        assert label in texts
    assert "lines at" not in read_texts(draw())


def test_labels_stay_on_the_film() -> None:
    values = np.zeros((7, 7), dtype=np.float32)
    values[0, 0], values[0, 6], values[6, :3], values[6, 6] = 12.0, 12.0, 12.0, 12.0
    explanation = replace(make_map(), values=values)
    regions = explanation.regions(FILM)
    root = draw(explanation=explanation, regions=regions, contours=(2.0, 4.0, 6.0, 8.0))
    labels = [one for one in find(root, "text") if one.get("paint-order") == "stroke"]
    assert len(labels) > 4 + 4
    for label in labels:
        half = 0.3 * float(label.attrib["font-size"]) * len(label.text or "")
        x, y = float(label.attrib["x"]), float(label.attrib["y"])
        ends = (x - half, x + half) if label.get("text-anchor") == "middle" else (x, x + 2 * half)
        assert min(ends) >= 0
        assert max(ends) <= WIDTH_PX
        assert 5 <= y <= HEIGHT_PX - 5


def test_a_line_in_the_padding_has_no_label() -> None:
    padded = replace(make_map(), box=(-float(WIDTH_PX), 0.0, 2.0 * WIDTH_PX, float(HEIGHT_PX)))
    assert "+6" not in read_texts(draw(explanation=padded, contours=(6.0,)))
    assert "+6" in read_texts(draw(contours=(6.0,)))


def test_regions_are_boxes_with_labels_and_sentences() -> None:
    explanation = make_map()
    regions = (*explanation.regions(FILM), *explanation.regions(FILM, against=True))
    assert len(regions) == 2
    root = draw(regions=regions)
    boxes = find_group(root, "regions").findall(f"{NAMESPACE}g")
    assert len(boxes) == 2
    for number, (box, region) in enumerate(zip(boxes, regions, strict=True), 1):
        [title] = box.findall(f"{NAMESPACE}title")
        assert title.text == region.sentence
        shape = box.findall(f"{NAMESPACE}rect")[0]
        left, top, width, height = (
            float(shape.attrib[name]) for name in ("x", "y", "width", "height")
        )
        drawn = (left, top, left + width, top + height)
        assert drawn == pytest.approx(region.box, abs=0.11)
        assert (shape.get("stroke-dasharray") is not None) == (region.side == "against")
        assert f"{number}: {100 * region.evidence_share:.0f} %" in read_texts(box)
    [words] = root.findall(f"{NAMESPACE}desc")
    assert words.text is not None
    for number, region in enumerate(regions, 1):
        assert f"{number}. {region.sentence}" in words.text
        # Broken over lines, but all there.
        assert f"{number}. {region.sentence}" in read_texts(root)


def test_text_is_escaped_and_nothing_runs_or_is_fetched() -> None:
    text = 'He said <script>alert(1)</script> & "more" \x00\x1b\ud800 ]]> -- end'
    explanation = replace(make_map(), target="<b>pneumonia</b>", method='"><script>')
    regions = explanation.regions(FILM)
    drawn = draw_svg(FILM, explanation, text=text, regions=regions, contours=(4.0,), panel=True)
    assert "<script" not in drawn
    root = ElementTree.fromstring(drawn)
    assert "<script>alert(1)</script>" in read_texts(root)
    assert "for <b>pneumonia</b>" in read_texts(root)
    for element in root.iter():
        assert element.tag.removeprefix(NAMESPACE) in {
            "svg", "title", "desc", "defs", "clipPath", "rect", "g", "image", "use", "path",
            "text", "linearGradient", "stop",
        }  # fmt: skip
        assert not [name for name in element.attrib if name.startswith("on")]
        assert element.get("href", "#").startswith(("#", "data:image/png;base64,"))
        for value in element.attrib.values():
            assert "url(" not in value.replace("url(#", "")


def test_references_are_met() -> None:
    drawn = draw_svg(FILM, make_map(), contours=(4.0,), panel=True)
    names = re.findall(r' id="([^"]+)"', drawn)
    assert len(names) == len(set(names))
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', drawn))
    assert {first or second for first, second in used} <= set(names)


def test_the_legend_shows_the_colours() -> None:
    stops = [stop.attrib["stop-color"] for stop in find(draw(), "stop")]
    assert len(set(stops)) > 20
    ends = [tuple(map(int, re.findall(r"\d+", stop))) for stop in (stops[0], stops[-1])]
    assert ends[0][2] > ends[0][0]
    assert ends[1][0] > ends[1][2]
    texts = read_texts(draw())
    for word in (
        "against pneumonia",
        "for pneumonia",
        "-32",
        "+16",
        "evidence per cell, in logits",
    ):
        assert word in texts


def test_a_relative_map_is_said_to_be_one() -> None:
    explanation = replace(
        make_map(),
        values=np.full((3, 3), 0.5, np.float32),
        signed=False,
        unit="relative",
        scale=1.0,
    )
    texts = read_texts(draw(explanation=explanation, contours=(0.25,)))
    assert "share of the map's largest cell" in texts
    assert "against" not in texts


def test_a_scale_of_the_films_own_is_said() -> None:
    assert "scaled to this film" in read_texts(draw(scale="auto"))
    assert "+12" in read_texts(draw(scale="auto"))
    assert "scaled to this film" not in read_texts(draw())


def test_a_panel_shows_the_film_beside_it() -> None:
    alone, panel = draw(text="normal"), draw(text="normal", panel=True)
    assert len(find(alone, "use")) == 1
    first, second = (float(one.attrib["x"]) for one in find(panel, "use"))
    assert second == 0.0
    assert first >= WIDTH_PX
    assert float(panel.attrib["width"]) > 2 * WIDTH_PX
    assert float(panel.attrib["height"]) < float(alone.attrib["height"])


def test_words_stay_within_the_sheet() -> None:
    for panel in (False, True):
        root = draw(text="word " * 120, panel=panel, contours=(4.0,))
        height = float(root.attrib["height"])
        lines = [one for one in find(root, "text") if (one.text or "").startswith("word")]
        assert len(lines) > 10
        assert all(float(one.attrib["y"]) < height for one in lines)


@pytest.mark.parametrize(
    "options",
    [
        {"contours": (0.0,)},
        {"scale": -1.0},
        {"opacity": 2.0},
        {"colormap": "jet"},
        {"max_side_px": 0},
    ],
)
def test_options_out_of_range_are_told(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        draw(**options)
