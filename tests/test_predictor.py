"""From a film to a prediction."""

from __future__ import annotations

import gc
import io
import json
import math
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from PIL import Image

import hilum
from factories.networks import TINY_INPUT, write_tiny_network
from factories.radiographs import draw_noise, make_radiograph
from hilum.data.phantom import draw_phantom
from hilum.decision import decide
from hilum.errors import (
    ConfigError,
    ModelError,
    SpecMismatchError,
    UnknownModelError,
    UnreadableImageError,
)
from hilum.inference import OnnxBackend
from hilum.io import read_radiograph
from hilum.models.zoo import DEFAULT_MODEL
from hilum.predictor import Film, FilmError, Predictor, decide_again, load_model
from hilum.spec import InputGate, InputSpec, read_weights, write_spec
from hilum.types import NOT_ASSESSED, FilmWarning, Prediction


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Predictor]:
    write_tiny_network(tmp_path / "model")
    with load_model(tmp_path / "model", threads=1) as predictor:
        yield predictor


def write_png(path: Path, pixels: NDArray[np.float32]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def films(tmp_path: Path) -> list[Path]:
    return [
        write_png(tmp_path / f"film{seed}.png", draw_noise(80 + seed, 60, seed=seed) ** (seed + 1))
        for seed in range(5)
    ]


def test_a_prediction_is_what_its_parts_say(model: Predictor, films: list[Path]) -> None:
    prediction = model.analyze(films[0])
    decision = decide(prediction.logit, model.spec)
    assert prediction.model == "tiny"
    assert prediction.model_version == "1.0"
    assert prediction.probability == decision.probability
    calibrated = (prediction.logit + 0.25) / 1.5
    assert prediction.probability == pytest.approx(1 / (1 + math.exp(-calibrated)))
    assert (prediction.decision, prediction.threshold) == (decision.decision, decision.threshold)
    assert prediction.operating_point == "youden"
    assert prediction.source == str(films[0])
    assert prediction.embedding.shape == (4,)
    assert prediction.radiograph.pixels.shape == (80, 60)


def test_the_evidence_sums_to_the_logit_and_covers_the_film(
    model: Predictor, films: list[Path]
) -> None:
    for film in films:
        prediction = model.analyze(film)
        evidence = prediction.evidence
        assert evidence.bias + evidence.values.mean() == pytest.approx(prediction.logit, abs=1e-5)
        assert evidence.values.shape == (8, 6)
        assert evidence.box == (0.0, 0.0, 60.0, float(prediction.radiograph.pixels.shape[0]))
        assert (evidence.method, evidence.target) == ("evidence", "pneumonia")


def test_the_evidence_lies_where_the_film_is_bright(model: Predictor) -> None:
    pixels = np.full((160, 120), 0.3, dtype=np.float32)
    pixels[100:120, 20:40] = 1.0  # the cell in row 5, column 1 of 8 x 6
    evidence = model.analyze(make_radiograph(pixels)).evidence.values
    assert divmod(int(evidence.argmax()), 6) == (5, 1)


def test_every_kind_of_source_gives_the_same_bits(model: Predictor, films: list[Path]) -> None:
    path = films[1]
    data = path.read_bytes()
    with path.open("rb") as file:
        sources: list[Any] = [
            str(path),
            path,
            data,
            bytearray(data),
            memoryview(data),
            io.BytesIO(data),
            file,
            read_radiograph(path),
        ]
        logits = [model.analyze(source).logit for source in sources]
    assert set(logits) == {logits[0]}


def test_alone_or_in_a_list_a_film_has_the_same_bits(model: Predictor, films: list[Path]) -> None:
    alone = [model.analyze(film) for film in films]
    for together in (model.analyze(films), model.analyze(tuple(films))):
        assert [one.logit for one in together] == [one.logit for one in alone]
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_array_equal(one.evidence.values, other.evidence.values)
            np.testing.assert_array_equal(one.embedding, other.embedding)
    assert model.analyze([]) == []


def test_a_bad_film_in_a_list_is_an_error(model: Predictor, films: list[Path]) -> None:
    mixed: list[Film] = [films[0], b"no film", films[1]]
    with pytest.raises(UnreadableImageError):
        model.analyze(mixed)


def test_analyze_each_goes_on_after_a_bad_film(
    model: Predictor, films: list[Path], tmp_path: Path
) -> None:
    gone = tmp_path / "gone.png"
    wrong = make_radiograph(draw_noise(), recipe="hu_window(center=40, width=800)", source="hu")
    results = list(model.analyze_each([films[0], gone, b"no film", wrong, films[1]]))
    assert [type(result) for result in results] == [
        Prediction,
        FilmError,
        FilmError,
        FilmError,
        Prediction,
    ]
    errors = [result for result in results if isinstance(result, FilmError)]
    assert [error.source for error in errors] == [str(gone), None, "hu"]
    assert isinstance(errors[0].error, UnreadableImageError)
    assert isinstance(errors[2].error, SpecMismatchError)


def test_analyze_each_draws_one_film_at_a_time(model: Predictor, films: list[Path]) -> None:
    drawn: list[Path] = []

    def draw() -> Iterator[Path]:
        for film in films:
            drawn.append(film)
            yield film

    results = model.analyze_each(draw())
    assert drawn == []
    next(results)
    assert drawn == films[:1]


def test_memory_does_not_grow_with_the_number_of_films(model: Predictor, films: list[Path]) -> None:
    def measure(count: int) -> int:
        gc.collect()
        tracemalloc.start()
        for _ in model.analyze_each(films[index % len(films)] for index in range(count)):
            pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    measure(5)
    assert measure(400) < measure(20) + 200_000


def test_operating_points_change_the_decision_and_not_the_probability(
    model: Predictor, films: list[Path]
) -> None:
    results = {
        name: model.analyze(films[0], operating_point=name) for name in model.spec.operating_points
    }
    assert len({result.probability for result in results.values()}) == 1
    for name, result in results.items():
        assert result.operating_point == name
        assert result.threshold == model.spec.operating_points[name].threshold
        assert result.probability is not None
        assert (result.decision == "pneumonia") == (result.probability >= result.threshold)


def test_an_unknown_operating_point_is_told_before_any_film_is_read(model: Predictor) -> None:
    def explode() -> Iterator[bytes]:
        raise AssertionError("a film was drawn")
        yield b""

    with pytest.raises(ConfigError, match="sensitivity_95"):
        model.analyze(b"no film", operating_point="best")
    with pytest.raises(ConfigError, match="sensitivity_95"):
        model.analyze_each(explode(), operating_point="best")


def test_a_radiograph_of_another_recipe_is_refused(model: Predictor) -> None:
    film = make_radiograph(draw_noise(), recipe="hu_window(center=40, width=800)")
    with pytest.raises(SpecMismatchError, match="recipe"):
        model.analyze(film)


def test_a_film_is_read_with_the_recipe_of_the_model(tmp_path: Path, films: list[Path]) -> None:
    spec_input = InputSpec.model_validate(
        TINY_INPUT.model_dump() | {"recipe": {"name": "hu_window", "center": 40, "width": 800}}
    )
    write_tiny_network(tmp_path / "hu", spec_input)
    with load_model(tmp_path / "hu") as model:
        with pytest.raises(hilum.InputError):
            model.analyze(films[0])
        forced = model.analyze(films[0], force_recipe=True)
    assert forced.radiograph.recipe == "hu_window(center=40, width=800)"
    assert "recipe_forced" in {warning.code for warning in forced.warnings}


def list_codes(model: Predictor, **header: Any) -> list[str]:
    prediction = model.analyze(make_radiograph(draw_noise(), **header))
    return [warning.code for warning in prediction.warnings]


@pytest.mark.parametrize(
    ("age_years", "codes"),
    [
        (None, []),
        (0.5, ["outside_population"]),
        (1.0, []),
        (5.0, []),
        (5.9, []),  # still five years old
        (6.0, ["outside_population"]),
        (90.0, ["outside_population"]),
    ],
)
def test_ages_outside_of_the_training_films_are_told(
    model: Predictor, age_years: float | None, codes: list[str]
) -> None:
    assert list_codes(model, patient_age_years=age_years) == codes


@pytest.mark.parametrize(
    ("view", "codes"),
    [
        (None, []),
        ("", []),
        ("PA", []),
        ("ap", []),
        ("LL", ["untrained_view"]),
        ("LORDOTIC", ["untrained_view"]),
    ],
)
def test_views_that_the_training_films_lack_are_told(
    model: Predictor, view: str | None, codes: list[str]
) -> None:
    assert list_codes(model, view_position=view) == codes


def test_a_lateral_view_is_told_once(model: Predictor) -> None:
    warning = FilmWarning("lateral_view", "A lateral view.")
    assert list_codes(model, view_position="LL", warnings=(warning,)) == ["lateral_view"]


def test_the_messages_hold_no_patient_data(model: Predictor) -> None:
    prediction = model.analyze(make_radiograph(draw_noise(), patient_age_years=87.0))
    [warning] = prediction.warnings
    assert "87" not in warning.message
    assert "1 to 5 years" in warning.message


def test_a_model_without_a_stated_population_warns_of_nothing(tmp_path: Path) -> None:
    spec = write_tiny_network(tmp_path)
    training_data = spec.training_data.model_dump(mode="json")
    training_data["population"] = {"description": "Unknown."}
    write_tiny_network(tmp_path, training_data=training_data)
    with load_model(tmp_path) as model:
        assert list_codes(model, patient_age_years=50.0, view_position="LL") == []


def test_to_dict_is_json_and_complete(model: Predictor, films: list[Path]) -> None:
    prediction = model.analyze(films[0])
    facts = json.loads(json.dumps(prediction.to_dict(), allow_nan=False))
    assert facts["source"] == str(films[0])
    assert facts["logit"] == prediction.logit
    assert facts["evidence"]["shape"] == [8, 6]
    assert np.float32(facts["evidence"]["values"][3][2]) == prediction.evidence.values[3, 2]
    assert facts["film"]["format"] == "PNG"
    assert len(facts["film"]["sha256"]) == 64


def test_to_dict_of_every_header_field_is_json(model: Predictor) -> None:
    film = make_radiograph(
        draw_noise(),
        patient_age_years=4.0,
        patient_orientation=("L", "F"),
        pixel_spacing_mm=(0.1, 0.1),
        view_position="PA",
        warnings=(FilmWarning("lossy", "The film was compressed with loss."),),
    )
    facts = json.loads(json.dumps(model.analyze(film).to_dict()))
    assert facts["film"]["header"]["pixel_spacing_mm"] == [0.1, 0.1]
    assert facts["warnings"] == [{"code": "lossy", "message": "The film was compressed with loss."}]


def test_a_prediction_draws_its_overlay(model: Predictor, films: list[Path]) -> None:
    overlay = model.analyze(films[0]).overlay(max_side_px=40)
    assert (overlay.mode, overlay.size) == ("RGB", (30, 40))


def test_a_closed_model_says_so(model: Predictor, films: list[Path]) -> None:
    model.close()
    with pytest.raises(ModelError, match="closed"):
        model.analyze(films[0])


def damage_weights(folder: Path) -> None:
    path = folder / "tiny.onnx"
    path.write_bytes(path.read_bytes() + b"\0")


def test_damaged_weights_are_not_loaded(tmp_path: Path) -> None:
    write_tiny_network(tmp_path)
    damage_weights(tmp_path)
    with pytest.raises(SpecMismatchError, match="SHA-256"):
        load_model(tmp_path)


def test_an_unknown_model_is_told() -> None:
    with pytest.raises(UnknownModelError):
        load_model("no-such-model")


def poison_bias(graph: onnx.GraphProto) -> None:
    for position, constant in enumerate(graph.initializer):
        if constant.name == "bias":
            poison = np.asarray([np.nan], dtype=np.float32)
            graph.initializer[position].CopyFrom(numpy_helper.from_array(poison, "bias"))


def test_a_network_that_returns_nan_gives_an_error_and_no_probability(
    tmp_path: Path, films: list[Path]
) -> None:
    write_tiny_network(tmp_path / "broken", change=poison_bias)
    with load_model(tmp_path / "broken") as model, pytest.raises(ModelError, match="not finite"):
        model.analyze(films[0])


def test_the_package_exports_what_it_lists() -> None:
    for name in hilum.__all__:
        assert getattr(hilum, name) is not None
    assert set(hilum.__all__) <= set(dir(hilum))
    assert not hasattr(hilum, "something_else")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, hilum; heavy = {'numpy', 'onnxruntime', 'pydantic', 'pydicom', 'PIL'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_shipped_default_answers_on_a_drawn_film() -> None:
    with load_model() as model:
        drawing = make_radiograph(draw_phantom(height_px=310, width_px=256))
        prediction = model.analyze(drawing, gate=False)
    assert prediction.model == DEFAULT_MODEL
    assert prediction.probability is not None
    assert 0.0 <= prediction.probability <= 1.0
    total = prediction.evidence.bias + prediction.evidence.values.mean()
    assert total == pytest.approx(prediction.logit, abs=1e-4)


def test_the_gate_takes_the_probability_and_keeps_the_logit(
    model: Predictor, films: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = model.analyze(films[0])
    reason = FilmWarning("outside_population", "Too old.")
    monkeypatch.setattr("hilum.predictor.compare_with_population", lambda *_: (reason,))
    refused = model.analyze(films[0])
    assert (refused.decision, refused.probability, refused.side) == (NOT_ASSESSED, None, None)
    assert not refused.assessed
    assert refused.logit == free.logit
    assert refused.reasons == (reason,)
    record = json.loads(json.dumps(refused.to_dict(), allow_nan=False))
    assert record["probability"] is None
    assert record["logit"] == free.logit
    assert record["reasons"] == [{"code": "outside_population", "message": "Too old."}]
    [each] = model.analyze_each(films[:1])
    assert isinstance(each, Prediction)
    assert each.decision == NOT_ASSESSED


def test_an_open_gate_answers_and_says_so(
    model: Predictor, films: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = model.analyze(films[0])
    free = model.analyze(films[0], gate=False)
    assert (free.decision, free.probability) == (closed.decision, closed.probability)
    assert "found nothing" in free.warnings[-1].message
    reason = FilmWarning("outside_population", "Too old.")
    monkeypatch.setattr("hilum.predictor.compare_with_population", lambda *_: (reason,))
    forced = model.analyze(films[0], gate=False)
    assert forced.probability == closed.probability
    assert forced.reasons == (reason,)
    assert [warning.code for warning in forced.warnings] == ["outside_population", "gate_off"]
    assert "outside_population" in forced.warnings[-1].message
    # Deciding again with the gate on leaves no trace of the override.
    again = decide_again(forced, model.spec)
    assert again.decision == NOT_ASSESSED
    assert [warning.code for warning in again.warnings] == ["outside_population"]


def test_a_gate_that_the_spec_names_must_be_there(tmp_path: Path, films: list[Path]) -> None:
    spec = write_tiny_network(tmp_path / "model")
    named = InputGate(
        file="tiny.gate.npz", sha256="0" * 64, thresholds={}, validation_refused=0.0, fitted_on="x"
    )
    write_spec(spec.model_copy(update={"gate": named}), tmp_path / "model" / "tiny.json")
    with pytest.raises(SpecMismatchError, match="input gate"):
        load_model(tmp_path / "model")
    told = spec.model_copy(update={"gate": named})
    weights = read_weights(spec, tmp_path / "model")
    with Predictor(OnnxBackend(told, weights, threads=1)) as predictor:
        with pytest.raises(ConfigError, match="was not loaded"):
            predictor.analyze(films[0])
        assert predictor.analyze(films[0], gate=False).assessed
