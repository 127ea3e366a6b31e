"""Planted opacities, on a network that is known to look at every place by itself."""

from __future__ import annotations

import numpy as np
import pytest

from factories.labelled_films import SIDE, make_films
from hilum.anatomy import find_lungs
from hilum.data.phantom import draw_phantom
from hilum.errors import DatasetError
from hilum.faithfulness import locate_planted, summarise_located
from hilum.faithfulness.localisation import compare_found
from hilum.inference import Backend


def test_a_map_that_shows_each_place_finds_what_is_planted(backend: Backend) -> None:
    """On an even film the tiny network's map is greatest where the opacity is."""
    flat = np.full((SIDE, SIDE), 0.3, dtype=np.float32)
    assert find_lungs(flat).any()
    done: list[tuple[int, int]] = []
    rows = locate_planted(
        backend,
        make_films([flat, flat], [0, 0]),
        ["evidence", "evidence_fine"],
        diameters=(0.2, 0.3),
        depths=(1.0,),
        report=lambda *pair: done.append(pair),
    )
    assert done == [(1, 2), (2, 2)]
    assert len(rows) == 2 * 3 * 2 * 1 * 4
    found = {one.method: one for one in summarise_located(rows) if one.is_whole}
    assert set(found) == {"evidence", "evidence_fine", "random", "edges"}
    for method in ("evidence", "evidence_fine"):
        one = found[method]
        assert one.hit[0] > 0.9
        assert one.hit[1] <= one.hit[0] <= one.hit[2]
        assert one.iou[0] > 0.5
        assert one.logit_change > 0
        assert one.probability_change > 0
    assert found["random"].hit[0] < 0.4
    assert found["random"].inside[0] < 3 * found["random"].share_of_film
    assert found["evidence_fine"].iou[0] > found["evidence"].iou[0]
    assert found["evidence"].opacities == 12


def test_opacities_are_planted_the_same_again_and_elsewhere_by_another_seed(
    backend: Backend,
) -> None:
    films = make_films([draw_phantom(0, height_px=SIDE, width_px=SIDE)], [0])
    one, same, other = (
        locate_planted(backend, films, ["evidence"], diameters=(0.2,), depths=(1.0,), seed=seed)
        for seed in (0, 0, 1)
    )
    assert one == same
    assert one != other


def test_methods_are_compared_on_the_same_opacities(backend: Backend) -> None:
    flat = np.full((SIDE, SIDE), 0.3, dtype=np.float32)
    rows = locate_planted(
        backend,
        make_films([flat, flat], [0, 0]),
        ["evidence", "evidence_fine"],
        diameters=(0.2,),
        depths=(1.0,),
    )
    found = {one.method: one for one in summarise_located(rows) if one.is_whole}
    ((earlier, later, hit, iou),) = compare_found(rows, ["evidence", "evidence_fine"])
    assert (earlier, later) == ("evidence", "evidence_fine")
    assert hit[0] == pytest.approx(found[later].hit[0] - found[earlier].hit[0])
    assert iou[0] == pytest.approx(found[later].iou[0] - found[earlier].iou[0])
    assert iou[1] <= iou[0] <= iou[2]


def test_without_films_there_is_nothing_to_plant_into(backend: Backend) -> None:
    with pytest.raises(DatasetError, match="no films of healthy lungs"):
        locate_planted(backend, [], ["evidence"])
