"""Regions of maps whose strong places are known, over phantoms whose lungs are."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from factories.radiographs import make_radiograph
from hilum.anatomy import find_lungs
from hilum.data.phantom import draw_phantom
from hilum.errors import ConfigError
from hilum.explain import find_regions, trace_contours
from hilum.types import Explanation, Radiograph

HEIGHT_PX, WIDTH_PX = 448, 420
CELLS = 14
SCALE = 16.0
# Cells within the phantom's lungs, as (row, column) of 14 x 14.
RIGHT_UPPER, RIGHT_MID, LEFT_LOWER = (4, 4), (6, 3), (9, 11)


def make_map(
    *cells: tuple[int, int],
    strength: float = 12.0,
    size_px: tuple[float, float] = (HEIGHT_PX, WIDTH_PX),
) -> Explanation:
    values = np.zeros((CELLS, CELLS), dtype=np.float32)
    for row, column in cells:
        values[row, column] = strength
    box = (0.0, 0.0, float(size_px[1]), float(size_px[0]))
    return Explanation(values, box, "evidence", "pneumonia", -0.25, scale=SCALE)


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.float32]:
    return draw_phantom(height_px=HEIGHT_PX, width_px=WIDTH_PX)


@pytest.fixture
def film(pixels: NDArray[np.float32]) -> Radiograph:
    return make_radiograph(pixels, patient_orientation=("L", "F"))


def test_a_region_is_measured(film: Radiograph) -> None:
    explanation = make_map(RIGHT_MID, strength=12.1)
    [region] = explanation.regions(film)
    assert (region.target, region.side, region.unit) == ("pneumonia", "for", "logit")
    assert region.level == SCALE / 4
    # The centre of the cell.
    assert region.peak == pytest.approx((3.5 * 30, 6.5 * 32))
    assert region.peak_value == pytest.approx(12.1, abs=1e-4)
    assert region.level < region.mean_value < region.peak_value
    left, top, right, bottom = region.box
    assert (left + right) / 2 == pytest.approx(3.5 * 30)
    assert (top + bottom) / 2 == pytest.approx(6.5 * 32)
    assert 30 < right - left < 60
    # The disc around one cell, by its box.
    assert 0.7 < region.area_share * HEIGHT_PX * WIDTH_PX / ((right - left) * (bottom - top)) < 1
    assert 0.6 < region.evidence_share < 1.0
    assert region.lung_share is not None
    assert region.lung_share > 0.9
    assert region.zone == "mid zone, patient's right"
    percent = f"{100 * region.evidence_share:.0f}"
    assert region.sentence == (
        f"Mid zone, patient's right: {percent} % of the evidence for pneumonia, "
        "strongest 12.1 logits."
    )


def test_shares_add_up_to_one_where_all_is_listed() -> None:
    values = np.random.default_rng(0).uniform(5, 9, (6, 6)).astype(np.float32)
    values[:, 3] = 0.0
    explanation = replace(make_map(), values=values)
    left, right = explanation.regions(level=1e-6, smallest_share=0.0)
    assert left.evidence_share + right.evidence_share == pytest.approx(1.0, abs=1e-4)
    assert left.evidence_share >= right.evidence_share
    assert left.area_share + right.area_share == pytest.approx(1.0, abs=0.01)


def test_a_contour_at_the_level_is_the_border_of_the_region(film: Radiograph) -> None:
    explanation = make_map((5, 3), (5, 4), (6, 4))
    [region] = explanation.regions(film, level=6.0)
    [contour] = trace_contours(explanation, (6.0,))
    low, high = contour.points.min(axis=0), contour.points.max(axis=0)
    # Samples are 30 / 13 and 32 / 13 px apart.
    np.testing.assert_allclose(region.box, (*low, *high), atol=2.0)


def test_the_strongest_comes_first_and_the_small_are_left_out() -> None:
    explanation = make_map((2, 2), (8, 8), (8, 9), (9, 8))
    explanation.values[12, 1] = 4.5
    everything = explanation.regions(smallest_share=0.0)
    shares = [region.evidence_share for region in everything]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert len(explanation.regions(smallest_share=shares[1])) == 2
    assert not explanation.regions(smallest_share=0.99)
    assert explanation.regions(smallest_share=0.0, level=5.0) != everything


def test_the_level_is_absolute() -> None:
    """Another place that is stronger changes nothing of a region but its share."""
    alone, beside = make_map((2, 2), strength=5.0), make_map((2, 2), strength=5.0)
    beside.values[10, 10] = 60.0
    [one] = alone.regions(smallest_share=0.0)
    strong, same = beside.regions(smallest_share=0.0)
    assert strong.peak_value == 60.0
    assert replace(same, evidence_share=one.evidence_share) == one


@pytest.mark.parametrize("strength", [0.0, -12.0, SCALE / 4])
def test_a_map_that_does_not_reach_the_level_has_none(film: Radiograph, strength: float) -> None:
    assert make_map(RIGHT_MID, strength=strength).regions(film) == ()


def test_what_speaks_against_is_asked_for(film: Radiograph) -> None:
    explanation = make_map(RIGHT_MID)
    explanation.values[LEFT_LOWER] = -9.5
    [for_it] = explanation.regions(film)
    [against] = explanation.regions(film, against=True)
    assert for_it.peak_value == 12.0
    assert (against.side, against.peak_value) == ("against", -9.5)
    assert against.mean_value < -against.level
    assert "% of the evidence against pneumonia, strongest -9.50 logits." in against.sentence
    assert against.zone == "lower zone, patient's left"


@pytest.mark.parametrize(
    ("cells", "zone"),
    [
        ([RIGHT_UPPER], "upper zone, patient's right"),
        ([RIGHT_MID], "mid zone, patient's right"),
        ([LEFT_LOWER], "lower zone, patient's left"),
        ([(row, 3) for row in range(3, 11)], "upper to lower zones, patient's right"),
        ([(7, 3), (8, 3), (9, 3)], "mid and lower zones, patient's right"),
        ([(13, 6), (13, 7)], "outside of the lungs, below them, both sides"),
        ([(0, 13)], "outside of the lungs, above them, patient's left"),
        ([(6, 0)], "outside of the lungs, level with their mid zone, patient's right"),
    ],
)
def test_zones_of_the_lungs(film: Radiograph, cells: list[tuple[int, int]], zone: str) -> None:
    [region] = make_map(*cells).regions(film)
    assert region.zone == zone
    assert region.lung_share is not None
    assert (region.lung_share >= 0.5) != zone.startswith("outside")


def test_a_region_that_only_touches_the_lungs_lies_mostly_outside(film: Radiograph) -> None:
    explanation = replace(make_map(), values=np.full((CELLS, CELLS), 9.0, dtype=np.float32))
    [region] = explanation.regions(film)
    assert region.lung_share == pytest.approx(find_lungs(film.pixels).mean(), abs=0.01)
    assert region.zone.startswith("mostly outside of the lungs, level with their upper to lower")
    assert region.evidence_share == pytest.approx(1.0)
    assert region.box == pytest.approx((0.0, 0.0, WIDTH_PX, HEIGHT_PX))


@pytest.mark.parametrize(
    ("orientation", "transpose", "flip_rows", "flip_columns"),
    [
        (("L", "F"), False, False, False),
        (("R", "F"), False, False, True),
        (("L", "H"), False, True, False),
        (("R", "H"), False, True, True),
        (("F", "L"), True, False, False),
        (("F", "R"), True, True, False),
        (("H", "L"), True, False, True),
        (("HL", "RF"), True, True, True),
    ],
)
def test_a_film_that_is_turned_has_the_same_zones(
    pixels: NDArray[np.float32],
    orientation: tuple[str, str],
    transpose: bool,
    flip_rows: bool,
    flip_columns: bool,
) -> None:
    """The film and its map are turned together, as the header says."""

    def turn(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        turned = plane.T if transpose else plane
        turned = turned[::-1] if flip_rows else turned
        return np.ascontiguousarray(turned[:, ::-1] if flip_columns else turned)

    explanation = make_map(RIGHT_UPPER)
    explanation.values[LEFT_LOWER] = 8.0
    turned = turn(pixels)
    box = (0.0, 0.0, float(turned.shape[1]), float(turned.shape[0]))
    regions = find_regions(
        replace(explanation, values=turn(explanation.values), box=box),
        make_radiograph(turned, patient_orientation=orientation),
    )
    assert [region.zone for region in regions] == [
        "upper zone, patient's right",
        "lower zone, patient's left",
    ]


@pytest.mark.parametrize("orientation", [None, ("L", "A")])
def test_without_a_header_the_sides_are_those_of_the_image(
    pixels: NDArray[np.float32], orientation: tuple[str, str] | None
) -> None:
    film = make_radiograph(pixels, patient_orientation=orientation)
    [first] = make_map(RIGHT_UPPER).regions(film)
    [second] = make_map(LEFT_LOWER).regions(film)
    assert first.zone == "upper zone, image left"
    assert second.zone == "lower zone, image right"


def test_without_lungs_thirds_are_those_of_the_map(pixels: NDArray[np.float32]) -> None:
    explanation = make_map((2, 2))
    black = make_radiograph(np.zeros((20, 20)))
    # Lungs are not looked for in a film from the side.
    lateral = make_radiograph(pixels, patient_orientation=("A", "F"))
    for film, box in ((None, explanation.box), (black, (0, 0, 20, 20)), (lateral, explanation.box)):
        [region] = replace(explanation, box=box).regions(film)
        assert region.lung_share is None
        assert region.zone == "upper third of the map, image left"
    upside_down = make_radiograph(pixels, patient_orientation=("A", "H"))
    [region] = explanation.regions(upside_down)
    assert region.zone == "lower third of the map, image left"


def test_evidence_in_the_padding_is_said_to_be_there(film: Radiograph) -> None:
    """Letterbox: the map covers a square of which the film fills the middle."""
    wide = (-140.0, 0.0, WIDTH_PX + 140.0, float(HEIGHT_PX))
    explanation = replace(make_map((6, 1), (6, 5)), box=wide)
    padding, lung = sorted(explanation.regions(film), key=lambda region: region.box[0])
    assert padding.zone == "outside of the film, in the padding"
    assert padding.box[0] < 0
    assert lung.zone == "mid zone, patient's right"


def test_a_relative_map_is_not_called_evidence(film: Radiograph) -> None:
    """Some of them are the same for both labels."""
    explanation = replace(
        make_map(RIGHT_MID, strength=1.0), unit="relative", signed=False, scale=1.0
    )
    [region] = explanation.regions(film)
    assert region.level == 0.25
    assert "of the map's total, strongest 1.00 where the largest cell is 1." in region.sentence
    assert "evidence" not in region.sentence


def test_no_sentence_says_that_disease_is_there(film: Radiograph) -> None:
    explanation = make_map(RIGHT_UPPER, LEFT_LOWER, (13, 7))
    for region in explanation.regions(film, smallest_share=0.0):
        words = region.sentence.lower()
        assert "evidence" in words
        for word in ("opacity", "consolidation", "lesion", "infiltrate", "shows pneumonia"):
            assert word not in words


def test_a_region_becomes_plain_data(film: Radiograph) -> None:
    [region] = make_map(RIGHT_MID).regions(film)
    told = json.loads(json.dumps(region.to_dict(), allow_nan=False))
    assert told["sentence"] == region.sentence
    assert told["box"] == list(region.box)
    assert told["evidence_share"] == region.evidence_share


@pytest.mark.parametrize(
    "options",
    [
        {"level": 0.0},
        {"level": -1.0},
        {"level": float("nan")},
        {"smallest_share": -0.1},
        {"smallest_share": 1.1},
        {"smallest_share": float("nan")},
    ],
)
def test_options_out_of_range_are_told(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        make_map(RIGHT_MID).regions(**options)  # type: ignore[arg-type]
