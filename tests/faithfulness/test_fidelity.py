"""Deletion, insertion and ROAD, on a film where one bright square is all there is."""

from __future__ import annotations

import pytest

from factories.labelled_films import draw_patch, make_films
from hilum.errors import DatasetError
from hilum.faithfulness import measure_fidelity, summarise_fidelity
from hilum.faithfulness.fidelity import STEPS
from hilum.inference import Backend


def test_the_order_of_the_true_map_beats_chance(backend: Backend) -> None:
    films = make_films([draw_patch(24, 40), draw_patch(72, 16), draw_patch(48, 88)], [1, 1, 1])
    done: list[tuple[int, int]] = []
    rows = measure_fidelity(backend, films, ["evidence"], report=lambda *pair: done.append(pair))
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert [row.method for row in rows] == ["evidence", "random", "edges"] * 3
    for row in rows:
        assert len(row.deletion) == len(row.insertion) == STEPS + 1
        # From the whole film to none of it and back: every order has the same ends.
        assert row.deletion[0] == pytest.approx(row.insertion[-1])
    found = {one.method: one for one in summarise_fidelity(rows)}
    own, chance = found["evidence"], found["random"]
    assert own.films == 3
    for gain in (own.deletion_gain, own.insertion_gain, own.road_gain):
        assert 0 < gain[1] <= gain[0] <= gain[2]
    assert own.deletion[0] < chance.deletion[0]
    assert own.insertion[0] > chance.insertion[0]
    assert own.road[0] > 0
    assert chance.deletion_gain == chance.road_gain == (0.0, 0.0, 0.0)
    assert own.deletion_curve[0] > own.deletion_curve[-1]


def test_films_without_disease_are_passed_over(backend: Backend) -> None:
    films = make_films([draw_patch(24, 40), draw_patch(72, 16)], [0, 1])
    assert {row.patient for row in measure_fidelity(backend, films, [])} == {"patient-1"}
    with pytest.raises(DatasetError, match="no films of the positive class to take apart"):
        measure_fidelity(backend, films[:1], ["evidence"])
