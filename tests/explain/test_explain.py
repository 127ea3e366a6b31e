"""Every method on a network whose answer is a plain sum over the cells of the film."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from PIL import Image

from factories.faithfulness_facts import WARNING, make_faithfulness
from factories.networks import HEAD_BIAS, HEAD_WEIGHTS, PATCH_PX, write_tiny_network
from factories.radiographs import draw_noise, make_radiograph
from hilum.errors import ConfigError, ModelError, SpecMismatchError
from hilum.explain import METHODS, explain, get_method
from hilum.inference import VIEWS
from hilum.predictor import Predictor, load_model
from hilum.preprocess import preprocess
from hilum.types import Radiograph

ROWS, COLUMNS = 8, 6
FEW: dict[str, dict[str, Any]] = {"rise": {"masks": 64}}
# Those that look inside the network are in test_gradients.py: this one is none of timm's.
PLAIN = [name for name, method in METHODS.items() if method.extra is None]


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Predictor]:
    write_tiny_network(tmp_path / "model")
    with load_model(tmp_path / "model", threads=1) as predictor:
        yield predictor


@pytest.fixture
def film() -> Radiograph:
    return make_radiograph(draw_noise(ROWS * PATCH_PX, COLUMNS * PATCH_PX, seed=3))


def compute_cell(level: float) -> float:
    """Give the evidence of a cell whose pixels are all alike."""
    features = np.maximum([level, -level, 0.0, 0.0], 0.0)
    return float(features @ HEAD_WEIGHTS)


@pytest.mark.parametrize("method", PLAIN)
def test_every_map_says_what_it_is(model: Predictor, film: Radiograph, method: str) -> None:
    explanation = model.explain(film, method, **FEW.get(method, {}))
    facts = get_method(method)
    assert explanation.method == method
    assert explanation.target == "pneumonia"
    assert (explanation.unit, explanation.signed) == (facts.unit, facts.signed)
    assert explanation.scale == facts.scale
    assert explanation.options.keys() == facts.options.keys()
    assert explanation.box == (0.0, 0.0, COLUMNS * PATCH_PX, ROWS * PATCH_PX)
    assert explanation.values.dtype == np.float32
    assert explanation.values.ndim == 2
    assert np.ptp(explanation.values) > 0
    again = model.explain(film, method, **FEW.get(method, {}))
    np.testing.assert_array_equal(again.values, explanation.values)
    told = explanation.to_dict()
    assert np.asarray(told["values"]).shape == tuple(told["shape"])


def test_evidence_is_that_of_the_prediction(model: Predictor, film: Radiograph) -> None:
    np.testing.assert_array_equal(model.explain(film).values, model.analyze(film).evidence.values)


@pytest.mark.parametrize("views", VIEWS)
def test_evidence_over_views_is_that_of_the_prediction(
    model: Predictor, film: Radiograph, views: str
) -> None:
    prediction = model.analyze(film, views=views)
    explanation = model.explain(film, views=views)
    np.testing.assert_array_equal(explanation.values, prediction.evidence.values)
    assert explanation.options == prediction.evidence.options
    assert explanation.options == ({} if views == "none" else {"views": views})
    negative = model.explain(film, target="normal", views=views)
    np.testing.assert_array_equal(negative.values, -explanation.values)
    if views == "none":
        assert explanation.spread is None
    else:
        for other in (prediction.evidence, negative):
            np.testing.assert_array_equal(other.spread, explanation.spread)
        assert np.abs(explanation.values - model.explain(film).values).max() > 1e-3


@pytest.mark.parametrize("method", [name for name in PLAIN if name != "evidence"])
def test_methods_that_show_the_film_as_it_is_take_no_views(
    model: Predictor, film: Radiograph, method: str
) -> None:
    with pytest.raises(ConfigError, match=f"{method} makes its map of the film as it is"):
        model.explain(film, method, views="flip")


@pytest.mark.parametrize("method", ["evidence", "evidence_fine", "occlusion", "rise"])
def test_a_map_for_the_other_label_is_that_of_the_negative_logit(
    model: Predictor, film: Radiograph, method: str
) -> None:
    options = FEW.get(method, {})
    positive = model.explain(film, method, **options)
    negative = model.explain(film, method, target="normal", **options)
    assert negative.target == "normal"
    assert negative.bias == -positive.bias == -HEAD_BIAS
    np.testing.assert_allclose(negative.values, -positive.values, atol=1e-6)


def test_score_cam_for_the_other_label_is_another_map(model: Predictor, film: Radiograph) -> None:
    positive = model.explain(film, "score_cam").values
    negative = model.explain(film, "score_cam", target="normal").values
    assert np.abs(positive - negative).max() > 0.02


def test_fine_evidence_is_a_mean_of_closer_looks(model: Predictor, film: Radiograph) -> None:
    """In a corner of the film one closer look is all there is; that on the right is mirrored."""
    planes = preprocess(film, model.spec.input)[0]
    fine = model.explain(film, "evidence_fine", share=0.75).values
    assert fine.shape == (4 * ROWS, 4 * COLUMNS)

    def enlarge(values: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
        size = (columns, rows)
        return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC))

    def look(part: NDArray[np.float32]) -> NDArray[np.float32]:
        seen = model.backend.run(enlarge(part, height, width)[None, None]).evidence[0]
        return enlarge(seen, 3 * ROWS, 3 * COLUMNS)

    height, width = ROWS * PATCH_PX, COLUMNS * PATCH_PX
    rows, columns = height * 3 // 4, width * 3 // 4
    left = look(np.ascontiguousarray(planes[0, :rows, :columns]))
    right = look(np.ascontiguousarray(planes[0, :rows, -columns:][:, ::-1]))[:, ::-1]
    np.testing.assert_allclose(fine[:ROWS, :COLUMNS], left[:ROWS, :COLUMNS], atol=1e-3)
    np.testing.assert_allclose(fine[:ROWS, -COLUMNS:], right[:ROWS, -COLUMNS:], atol=1e-3)
    whole = enlarge(model.explain(film).values, 4 * ROWS, 4 * COLUMNS)
    assert np.abs(fine - whole).max() > 0.01


def test_fine_evidence_costs_four_passes(model: Predictor, film: Radiograph) -> None:
    done: list[tuple[int, int]] = []
    model.explain(film, "evidence_fine", report=lambda *pair: done.append(pair))
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_film_that_is_the_same_everywhere_has_one_fine_map(model: Predictor) -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32)[:, None].repeat(48, axis=1)
    fine = model.explain(make_radiograph(ramp), "evidence_fine").values
    assert (np.ptp(fine, axis=1) < 1e-4).all()
    assert (np.diff(fine[:, 0]) != 0).any()


def test_occlusion_of_single_cells_is_exact(model: Predictor, film: Radiograph) -> None:
    """A covered cell has the evidence of a flat one; the logit falls by the difference."""
    cells = ROWS * COLUMNS
    evidence = model.explain(film).values
    planes = preprocess(film, model.spec.input)
    flat = compute_cell(float(planes.mean()))
    ours = model.explain(film, "occlusion", patch_px=PATCH_PX, stride_px=PATCH_PX).values
    np.testing.assert_allclose(ours, (evidence - flat) / cells, atol=1e-5)


def test_occlusion_counts_each_cell_as_often_at_the_border_as_inside(model: Predictor) -> None:
    """On a film that is bright in one cell, squares that cover it are told from the others."""
    pixels = np.full((ROWS * PATCH_PX, COLUMNS * PATCH_PX), 0.5, dtype=np.float32)
    for row, column in ((0, 0), (3, 2), (7, 5), (0, 5)):
        bright = pixels.copy()
        bright[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = 1.0
        values = model.explain(
            make_radiograph(bright), "occlusion", patch_px=16, stride_px=8
        ).values
        assert values.shape == (ROWS, COLUMNS)
        assert divmod(int(values.argmax()), COLUMNS) == (row, column)


@pytest.mark.parametrize("stride_px", [5, 7, 16])
def test_occlusion_takes_steps_that_do_not_divide_the_film(
    model: Predictor, film: Radiograph, stride_px: int
) -> None:
    values = model.explain(film, "occlusion", patch_px=16, stride_px=stride_px).values
    assert values.shape == (-(-64 // stride_px), -(-48 // stride_px))
    assert np.isfinite(values).all()


def test_rise_comes_near_the_exact_map_with_more_masks(model: Predictor, film: Radiograph) -> None:
    exact = model.explain(film, "occlusion", patch_px=PATCH_PX, stride_px=PATCH_PX).values
    agreement = []
    for masks in (50, 800):
        values = model.explain(film, "rise", masks=masks, cells=8).values
        cells = values.reshape(ROWS, PATCH_PX, COLUMNS, PATCH_PX).mean((1, 3))
        agreement.append(float(np.corrcoef(cells.ravel(), exact.ravel())[0, 1]))
    assert agreement[0] < agreement[1]
    assert agreement[1] > 0.6


def test_rise_draws_other_masks_from_another_seed(model: Predictor, film: Radiograph) -> None:
    maps = [model.explain(film, "rise", masks=32, seed=seed).values for seed in (0, 1)]
    assert np.abs(maps[0] - maps[1]).max() > 1e-3


def test_score_cam_is_what_its_paper_says(model: Predictor, film: Radiograph) -> None:
    planes = preprocess(film, model.spec.input)
    activations = model.backend.compute_activations(planes)[0]
    under = planes.mean()
    logits = []
    for channel in activations:
        share = (channel - channel.min()) / np.ptp(channel)
        mask = enlarge(share)
        logits.append(model.backend.run(under + mask * (planes - under)).logit[0])
    weights = np.exp(np.array(logits)) / np.exp(np.array(logits)).sum()
    cam = np.maximum(np.tensordot(weights, activations, axes=1), 0.0)
    ours = model.explain(film, "score_cam").values
    np.testing.assert_allclose(ours, cam / cam.max(), atol=1e-5)
    assert ours.max() == 1.0


def enlarge(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bilinear with level borders, written out."""
    size = (ROWS * PATCH_PX, COLUMNS * PATCH_PX)
    places = [
        np.clip((np.arange(length) + 0.5) / PATCH_PX - 0.5, 0, count - 1)
        for length, count in zip(size, cells.shape, strict=True)
    ]
    weights = [
        np.clip(1 - np.abs(place[:, None] - np.arange(count)), 0, None)
        for place, count in zip(places, cells.shape, strict=True)
    ]
    enlarged: NDArray[np.float32] = (weights[0] @ cells @ weights[1].T).astype(np.float32)
    return enlarged


def test_score_cam_takes_no_more_channels_than_it_may(model: Predictor, film: Radiograph) -> None:
    passes: list[int] = []
    model.explain(film, "score_cam", channels=2, report=lambda _, in_all: passes.append(in_all))
    assert set(passes) == {2}


def test_a_blank_film_has_an_empty_map(model: Predictor) -> None:
    blank = make_radiograph(np.full((64, 48), 0.5, dtype=np.float32))
    for method in ("occlusion", "rise", "score_cam"):
        values = model.explain(blank, method, **FEW.get(method, {})).values
        np.testing.assert_allclose(values, 0.0, atol=1e-6)


@pytest.mark.parametrize("fill", ["mean", "blur"])
def test_what_covers_the_film(model: Predictor, fill: str) -> None:
    """A film of light and shade alone is not changed by its own blur, but by its mean."""
    ramp = np.linspace(0.2, 0.8, 64, dtype=np.float32)[:, None].repeat(48, axis=1)
    values = model.explain(make_radiograph(ramp), "occlusion", fill=fill).values
    assert (np.abs(values).max() < 0.03) == (fill == "blur")


def test_progress_is_told(model: Predictor, film: Radiograph) -> None:
    told: list[tuple[int, int]] = []
    model.explain(film, "rise", masks=20, report=lambda *pair: told.append(pair))
    assert told == [(8, 20), (16, 20), (20, 20)]


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("grad", {}, 'no method "grad".*evidence, evidence_fine, occlusion, rise, score_cam'),
        ("evidence", {"masks": 3}, "evidence has no option masks. It has: none"),
        ("rise", {"mask": 3}, "rise has no option mask. It has: masks=512"),
        ("evidence_fine", {"share": 0.5}, "share lies between 0.5 and 1"),
        ("evidence_fine", {"share": 1.0}, "share lies between 0.5 and 1, not at 1"),
        ("evidence_fine", {"weight": 1.0}, "has no option weight. It has: share"),
        ("rise", {"masks": 1}, "masks >= 2"),
        ("rise", {"shown": 1.0}, "0 < shown < 1"),
        ("rise", {"cells": 1}, "2 <= cells"),
        ("occlusion", {"stride_px": 0}, "1 <= stride_px"),
        ("occlusion", {"patch_px": 49, "stride_px": 8}, "patch_px <= 48"),
        ("occlusion", {"patch_px": 8, "stride_px": 9}, "stride_px <= patch_px"),
        ("occlusion", {"fill": "black"}, "fill"),
        ("score_cam", {"channels": 0}, "channels >= 1"),
    ],
)
def test_what_is_not_there_is_named(
    model: Predictor, film: Radiograph, method: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        model.explain(film, method, **options)


def test_a_target_that_is_no_label_is_refused(model: Predictor, film: Radiograph) -> None:
    with pytest.raises(ConfigError, match="pneumonia, normal"):
        model.explain(film, target="effusion")


def test_a_film_of_another_recipe_is_refused(model: Predictor) -> None:
    pixels = np.full((64, 48), 0.5, dtype=np.float32)
    with pytest.raises(SpecMismatchError, match="recipe"):
        model.explain(make_radiograph(pixels, recipe="hu_window(center=40, width=800)"))


def test_a_backend_is_as_good_as_a_model(model: Predictor, film: Radiograph) -> None:
    np.testing.assert_array_equal(explain(model.backend, film).values, explain(model, film).values)


def test_an_older_graph_has_every_method_but_score_cam(tmp_path: Path, film: Radiograph) -> None:
    def drop(graph: onnx.GraphProto) -> None:
        del graph.output[3]

    write_tiny_network(tmp_path, change=drop)
    with load_model(tmp_path, threads=1) as model:
        model.explain(film, "occlusion")
        with pytest.raises(SpecMismatchError, match="hilum export"):
            model.explain(film, "score_cam")


def test_features_that_are_not_finite_are_an_error(tmp_path: Path, film: Radiograph) -> None:
    def poison(graph: onnx.GraphProto) -> None:
        for place, constant in enumerate(graph.initializer):
            if constant.name == "patches":
                values = numpy_helper.to_array(constant).copy()
                values[0, 0, 0, 0] = np.nan
                graph.initializer[place].CopyFrom(numpy_helper.from_array(values, "patches"))

    write_tiny_network(tmp_path, change=poison)
    with load_model(tmp_path, threads=1) as model:
        for method in PLAIN:
            with pytest.raises(ModelError, match="not finite"):
                model.explain(film, method)


def test_a_method_that_fails_its_controls_says_so_with_each_map(
    tmp_path: Path, film: Radiograph
) -> None:
    facts = make_faithfulness(evidence=WARNING, evidence_fine="")
    write_tiny_network(tmp_path, faithfulness=facts)
    with load_model(tmp_path, threads=1) as model:
        maps = {name: model.explain(film, name) for name in PLAIN[:3]}
        told = model.analyze(make_radiograph(film.pixels), gate=False).evidence
    assert maps["evidence"].warnings == told.warnings == (f"evidence {WARNING}.",)
    assert told.to_dict()["warnings"] == [f"evidence {WARNING}."]
    # One passes its controls, the other was not measured.
    assert maps["evidence_fine"].warnings == maps[PLAIN[2]].warnings == ()
