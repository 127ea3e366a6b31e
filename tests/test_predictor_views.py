"""A prediction over several views of a film."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from factories.networks import TINY_INPUT, write_tiny_network
from factories.radiographs import draw_noise, make_radiograph
from hilum.decision import compute_probability
from hilum.errors import ConfigError, UnsupportedImageError
from hilum.inference import VIEWS
from hilum.predictor import Predictor, decide_again, load_model
from hilum.spec import InputSpec
from hilum.types import FilmWarning, Prediction, Radiograph

SEVERAL = [name for name in VIEWS if name != "none"]


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Predictor]:
    write_tiny_network(tmp_path / "model")
    with load_model(tmp_path / "model", threads=1) as predictor:
        yield predictor


@pytest.fixture
def film() -> Radiograph:
    return make_radiograph(draw_noise(80, 60, seed=3))


def list_codes(prediction: Prediction) -> list[str]:
    return [warning.code for warning in prediction.warnings]


def test_one_view_of_one_network_has_no_spread_and_no_mark(
    model: Predictor, film: Radiograph
) -> None:
    plain = model.analyze(film)
    assert plain.spread is None
    assert plain.evidence.spread is None
    assert (list_codes(plain), plain.evidence.options) == ([], {})


@pytest.mark.parametrize("views", SEVERAL)
def test_a_prediction_over_views_is_marked_and_has_a_spread(
    model: Predictor, film: Radiograph, views: str
) -> None:
    plain, mean = model.analyze(film), model.analyze(film, views=views)
    evidence, spread = mean.evidence, mean.spread
    assert evidence.bias + evidence.values.mean() == pytest.approx(mean.logit, abs=1e-5)
    assert mean.probability == compute_probability(mean.logit, model.spec.calibration)
    assert mean.logit != plain.logit
    assert spread is not None
    assert (spread.over, spread.views, spread.members) == ("views", len(VIEWS[views]), 1)
    assert spread.logit_min <= min(mean.logit, plain.logit)
    assert spread.logit_max >= max(mean.logit, plain.logit)
    assert 0 < spread.logit_std <= (spread.logit_max - spread.logit_min) / 2 + 1e-9
    for name in ("min", "max"):
        logit = getattr(spread, f"logit_{name}")
        expected = compute_probability(logit, model.spec.calibration)
        assert getattr(spread, f"probability_{name}") == expected
    assert evidence.spread is not None
    assert evidence.spread.shape == evidence.values.shape
    assert list_codes(mean) == ["views_averaged"]
    assert f"{len(VIEWS[views])} views" in mean.warnings[0].message
    np.testing.assert_array_equal(mean.embedding, plain.embedding)


def test_lists_and_streams_take_views_too(model: Predictor, film: Radiograph) -> None:
    alone = model.analyze(film, views="flip")
    [listed] = model.analyze([film], views="flip")
    [streamed] = model.analyze_each([film], views="flip")
    assert isinstance(streamed, Prediction)
    assert alone.spread == listed.spread == streamed.spread
    assert alone.logit == listed.logit == streamed.logit


def test_the_gate_takes_the_probabilities_of_the_spread_and_keeps_its_logits(
    model: Predictor, film: Radiograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = model.analyze(film, views="flip").spread
    reason = FilmWarning("outside_population", "Too old.")
    monkeypatch.setattr("hilum.predictor.compare_with_population", lambda *_: (reason,))
    prediction = model.analyze(film, views="flip")
    refused = prediction.spread
    assert free is not None
    assert refused is not None
    assert (refused.probability_min, refused.probability_max) == (None, None)
    assert (refused.logit_min, refused.logit_max) == (free.logit_min, free.logit_max)
    opened = decide_again(prediction, model.spec, gate=False)
    assert opened.spread == free
    assert list_codes(opened) == ["outside_population", "views_averaged", "gate_off"]
    assert decide_again(opened, model.spec).spread == refused


def test_unknown_views_are_told_before_any_film_is_read(model: Predictor) -> None:
    def explode() -> Iterator[bytes]:
        raise AssertionError("a film was drawn")
        yield b""

    with pytest.raises(ConfigError, match="none, flip, shift, flip_shift"):
        model.analyze(b"no film", views="turn")
    with pytest.raises(ConfigError, match="none, flip, shift, flip_shift"):
        model.analyze_each(explode(), views="turn")
    with pytest.raises(ConfigError, match="none, flip, shift, flip_shift"):
        model.explain(make_radiograph(draw_noise()), views="turn")


def test_a_film_smaller_than_the_input_is_enlarged_before_it_is_shifted(model: Predictor) -> None:
    small = make_radiograph(draw_noise(6, 5))
    assert model.analyze(small, views="flip_shift").spread is not None


def test_a_film_without_enough_px_is_refused_as_without_views(tmp_path: Path) -> None:
    cropped = InputSpec.model_validate(
        TINY_INPUT.model_dump() | {"resize": "shortest_side_crop", "shortest_side_px": 4096}
    )
    write_tiny_network(tmp_path / "cropped", cropped)
    thin = make_radiograph(draw_noise(90, 3))
    with load_model(tmp_path / "cropped", threads=1) as model:
        for views in VIEWS:
            with pytest.raises(UnsupportedImageError, match="too small"):
                model.analyze(thin, views=views)
