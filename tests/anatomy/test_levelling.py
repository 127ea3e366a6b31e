"""A region that is taken out of a film."""

from __future__ import annotations

import numpy as np
import pytest

from hilum.anatomy import find_lungs, level_region
from hilum.data.phantom import draw_phantom

SIDE = 128


def test_a_levelled_region_says_nothing_of_what_it_held() -> None:
    film = draw_phantom(0, height_px=SIDE, width_px=SIDE)
    lungs = find_lungs(film)
    dense = np.where(lungs, 0.9, film).astype(np.float32)
    inner = np.zeros_like(lungs)
    inner[40:80, 30:50] = True
    one, other = (level_region(each, inner) for each in (film, dense))
    centre = np.s_[50:70, 36:44]
    assert np.ptp(one[centre]) < 0.02
    assert one[centre].mean() == pytest.approx(film[~inner].mean(), abs=0.01)
    assert other[centre].mean() == pytest.approx(dense[~inner].mean(), abs=0.01)
    np.testing.assert_array_equal(one[100:], film[100:])
