"""Evidence in and beside the lungs, and answers without them."""

from __future__ import annotations

import numpy as np
import pytest

from factories.labelled_films import SIDE, make_films
from hilum.anatomy import find_lungs
from hilum.data.phantom import Opacity, draw_phantom
from hilum.errors import DatasetError
from hilum.faithfulness import measure_shortcuts
from hilum.inference import Backend


def test_evidence_in_the_lungs_is_told_from_evidence_beside_them(backend: Backend) -> None:
    film = draw_phantom(0, height_px=SIDE, width_px=SIDE)
    lungs = find_lungs(film)
    rows, columns = np.nonzero(lungs)
    inside, beside = np.zeros_like(film), np.zeros_like(film)
    inside[int(rows.mean()) - 8 : int(rows.mean()) + 8, columns.min() + 10 : columns.min() + 20] = 1
    beside[-12:, :] = 1
    labels = [1, 0]
    figures = [
        measure_shortcuts(backend, make_films([np.clip(0.8 * film + bright, 0, 1), film], labels))
        for bright in (inside, beside)
    ]
    assert figures[0].outside_lungs[0] < figures[1].outside_lungs[0]
    assert figures[0].at_border[0] < figures[1].at_border[0]
    assert figures[0].at_border_flat == pytest.approx(1 - (1 - 16 / SIDE) ** 2, abs=0.01)


def test_what_the_network_knows_without_the_lungs(backend: Backend) -> None:
    """Dense lungs are told with the lungs alone; a dense border without them."""
    plain = [draw_phantom(seed, height_px=SIDE, width_px=SIDE) for seed in range(6)]
    cloudy = [
        draw_phantom(seed, height_px=SIDE, width_px=SIDE, opacity=Opacity(0.3, 0.5, 0.16, 1.0))
        for seed in range(6)
    ]
    labels = [0] * 6 + [1] * 6
    figures = measure_shortcuts(backend, make_films(plain + cloudy, labels))
    assert figures.films == 12
    assert figures.auc_lungs_only[0] > 0.9
    assert figures.auc_lungs_levelled[0] < figures.auc_lungs_only[0]
    low, high = figures.auc_lungs_only[1:]
    assert low <= figures.auc_lungs_only[0] <= high


def test_one_class_alone_tells_no_shortcut(backend: Backend) -> None:
    film = draw_phantom(0, height_px=SIDE, width_px=SIDE)
    with pytest.raises(DatasetError, match="both classes"):
        measure_shortcuts(backend, make_films([film], [0]))
