"""Markers painted out and put in, on a network that sees every bright patch."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from factories.labelled_films import SIDE, make_films
from hilum.anatomy import find_lungs, find_markers, grow_region
from hilum.data.phantom import draw_phantom
from hilum.errors import DatasetError
from hilum.faithfulness import measure_markers
from hilum.faithfulness.imputation import impute
from hilum.faithfulness.markers import put_marker
from hilum.inference import Backend


def draw_unmarked(seed: int) -> NDArray[np.float32]:
    """Draw a phantom without the letter that phantoms have."""
    film = draw_phantom(seed, height_px=SIDE, width_px=SIDE)
    markers = find_markers(film, find_lungs(film))
    assert markers.any()
    return impute(film, grow_region(markers, 2), np.random.default_rng(seed))


def test_a_letter_is_put_in_and_found_and_painted_out(backend: Backend) -> None:
    plain = [draw_unmarked(seed) for seed in range(3)]
    assert not any(find_markers(film, find_lungs(film)).any() for film in plain)
    marked = [put_marker(film) for film in plain]
    found = measure_markers(backend, make_films([*plain, *marked], [0] * 3 + [1] * 3))
    assert (found.films, found.with_markers) == (6, 3)
    assert found.put_in[0] > 0  # a bright patch speaks for pneumonia in this network
    assert found.evidence is not None
    assert found.evidence_flat is not None
    assert found.painted_out is not None
    assert found.painted_out[0] > 0
    assert 0 < found.evidence_flat < 0.02
    nothing = measure_markers(backend, make_films(plain, [0, 0, 0]))
    assert nothing.with_markers == 0
    assert nothing.evidence is None
    assert nothing.painted_out is None
    assert nothing.evidence_flat is None
    # Put in, on the same films, is what painting out takes away.
    assert found.painted_out[0] == pytest.approx(nothing.put_in_probability[0], rel=0.35)


def test_without_films_there_are_no_markers(backend: Backend) -> None:
    with pytest.raises(DatasetError, match="no films to look for markers on"):
        measure_markers(backend, [])
