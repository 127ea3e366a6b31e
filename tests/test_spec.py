"""The spec: every missing, unknown or wrong fact is told and nothing is guessed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from factories.networks import build_tiny_onnx, make_tiny_facts, write_tiny_network
from hilum.errors import SpecMismatchError
from hilum.spec import (
    RADIOGRAPH_V1,
    ModelSpec,
    WindowRecipe,
    parse_spec,
    read_spec,
    read_weights,
    write_spec,
)

INTERVAL = {"value": 0.9, "low": 0.8, "high": 0.95}
POINT_METRICS = {
    **dict.fromkeys(("accuracy", "sensitivity", "specificity", "precision", "f1"), INTERVAL),
    "true_positive": 9,
    "false_positive": 2,
    "true_negative": 8,
    "false_negative": 1,
}


def make_facts() -> dict[str, Any]:
    """Facts with every section filled."""
    facts = make_tiny_facts(build_tiny_onnx())
    facts["calibration"]["method"] = "platt"
    facts["labels"] = {"positive": "pneumonia", "negative": "normal"}
    facts["metrics"] = {
        "test": {
            "films": 20,
            "positive": 10,
            "negative": 10,
            "interval_method": "bootstrap by patient",
            "command": "hilum evaluate",
            "roc_auc": INTERVAL,
            "brier": INTERVAL,
            "operating_points": dict.fromkeys(facts["operating_points"], POINT_METRICS),
        }
    }
    return deepcopy(facts)


def list_paths(facts: dict[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in facts.items():
        yield (*prefix, key)
        if isinstance(value, dict):
            yield from list_paths(value, (*prefix, key))


# Facts that may be left out: they have a default that is a fact of the format, or may be
# unknown. All others are missed.
OPTIONAL = {
    ("spec_format",),
    ("labels",),
    ("labels", "positive"),
    ("labels", "negative"),
    ("metrics",),
    ("metrics", "test"),
    ("calibration", "method"),
    ("input", "recipe"),
    ("input", "recipe", "name"),
    ("input", "channels"),
    ("input", "resize"),
    ("input", "normalization"),
    ("training_data", "population", "age_min_years"),
    ("training_data", "population", "age_max_years"),
    ("training_data", "population", "views"),
}
OPTIONAL |= {
    ("metrics", "test", "operating_points", point, figure)
    for point in ("youden", "sensitivity_95", "sensitivity_99")
    for figure in ("f1", "precision")  # undefined where no film is called positive
}
ALL_PATHS = sorted(set(list_paths(make_facts())))
REQUIRED = [path for path in ALL_PATHS if path not in OPTIONAL]


def change(facts: dict[str, Any], path: tuple[str, ...], value: Any = ...) -> str:
    """Give the facts as JSON with the one at ``path`` replaced, or removed for ``...``."""
    facts = deepcopy(facts)
    section = facts
    for key in path[:-1]:
        section = section[key]
    if value is ...:
        del section[path[-1]]
    else:
        section[path[-1]] = value
    return json.dumps(facts)


@pytest.mark.parametrize("path", REQUIRED, ids=".".join)
def test_a_missing_fact_is_told_by_name(path: tuple[str, ...]) -> None:
    text = change(make_facts(), path)
    with pytest.raises(SpecMismatchError) as caught:
        parse_spec(text)
    # A name of an operating point is missed by what refers to it.
    told = str(caught.value)
    assert "operating" in told if path[-2:-1] == ("operating_points",) else path[-1] in told


@pytest.mark.parametrize("path", sorted(OPTIONAL), ids=".".join)
def test_an_optional_fact_may_be_left_out(path: tuple[str, ...]) -> None:
    parse_spec(change(make_facts(), path))


@pytest.mark.parametrize("path", [*ALL_PATHS, ()], ids=".".join)
def test_an_unknown_fact_is_told(path: tuple[str, ...]) -> None:
    facts = make_facts()
    section = facts
    for key in path:
        section = section[key]
    section_path = path if isinstance(section, dict) else path[:-1]
    with pytest.raises(SpecMismatchError):
        parse_spec(change(facts, (*section_path, "A surprise"), 1))


WRONG = [
    ("spec_format", 2),
    ("name", "Has Spaces"),
    ("name", "../escape"),
    ("name", ""),
    ("weights.file", "../../etc/passwd.onnx"),
    ("weights.file", "folder/model.onnx"),
    ("weights.file", "model.pt"),
    ("weights.sha256", "0" * 63),
    ("weights.sha256", "G" * 64),
    ("weights.storage", "int4"),
    ("architecture.parameters", 0),
    ("architecture.evidence_shape", [7]),
    ("architecture.evidence_shape", [7, 0]),
    ("architecture.embedding_size", -1),
    ("architecture.head_bias", float("nan")),
    ("architecture.head_bias", "much"),
    ("input.recipe", {"name": "guess"}),
    ("input.recipe", {"name": "hu_window"}),
    ("input.recipe", {"name": "hu_window", "center": 40}),
    ("input.recipe", {"name": "hu_window", "center": 40, "width": 1}),
    ("input.recipe", {"name": "radiograph_v1", "center": 40, "width": 800}),
    ("input.channels", 2),
    ("input.height_px", 8),
    ("input.width_px", 100_000),
    ("input.resize", "stretch"),
    ("input.resize", "shortest_side_crop"),
    ("input.shortest_side_px", 256),
    ("input.normalization", "per_film"),
    ("input.normalization", "none"),
    ("input.mean", [0.5, 0.5, 0.5]),
    ("input.std", [0.0]),
    ("input.std", [-1.0]),
    ("input.mean", [float("inf")]),
    ("calibration.temperature", 0.0),
    ("calibration.temperature", -1.0),
    ("calibration.offset", "none"),
    ("calibration.method", "isotonic"),
    ("operating_points", {}),
    ("operating_points.youden.threshold", 1.5),
    ("operating_points.youden.threshold", -0.1),
    ("operating_points.youden.sensitivity", 2.0),
    ("default_operating_point", "best"),
    ("training_data.train_films", 0),
    ("training_data.fingerprint", "abc"),
    ("training_data.population.age_min_years", -1),
    ("embedding_statistics.norm_std", -1.0),
    ("metrics.test.films", 0),
    ("metrics.test.roc_auc", {"value": 0.9, "low": 0.95, "high": 0.99}),
    ("metrics.test.roc_auc", 0.9),
    ("metrics.test.operating_points", {"youden": POINT_METRICS}),
    ("metrics.test.operating_points.youden.true_positive", -1),
    ("provenance.created", "yesterday"),
    ("provenance.seed", "none"),
    ("description", ""),
]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=lambda part: str(part)[:40])
def test_a_wrong_fact_is_told(path: str, value: Any) -> None:
    with pytest.raises(SpecMismatchError) as caught:
        parse_spec(change(make_facts(), tuple(path.split(".")), value), origin="tiny.json")
    assert str(caught.value).startswith("tiny.json")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "3", '"spec"', b"\xff\xfe", "[" * 100_000, "{}"]
)
def test_what_is_no_spec_at_all_is_told(text: str | bytes) -> None:
    with pytest.raises(SpecMismatchError):
        parse_spec(text)


def test_a_spec_survives_its_file(tmp_path: Path) -> None:
    spec = parse_spec(json.dumps(make_facts()))
    write_spec(spec, tmp_path / "tiny.json")
    assert read_spec(tmp_path / "tiny.json") == spec
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.json"]


def test_a_spec_cannot_be_changed() -> None:
    spec = parse_spec(json.dumps(make_facts()))
    with pytest.raises(ValueError, match="frozen"):
        spec.name = "other"


def test_a_file_that_is_not_there_is_told_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(SpecMismatchError, match=r"spec gone\.json cannot be read"):
        read_spec(tmp_path / "gone.json")


def test_recipes_have_one_name_each() -> None:
    assert str(RADIOGRAPH_V1) == "radiograph_v1"
    recipe = WindowRecipe(name="hu_window", center=40.0, width=800.0)
    assert str(recipe) == "hu_window(center=40, width=800)"
    assert str(recipe.model_copy(update={"center": 40.5})) != str(recipe)


def test_weights_are_read_when_their_digest_is_the_specs(tmp_path: Path) -> None:
    spec = write_tiny_network(tmp_path)
    assert read_weights(spec, tmp_path) == (tmp_path / "tiny.onnx").read_bytes()


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def exchange(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [flip_bit, cut_short, exchange])
def test_other_weights_are_a_mismatch(tmp_path: Path, damage: Any) -> None:
    spec = write_tiny_network(tmp_path)
    damage(tmp_path / "tiny.onnx")
    with pytest.raises(SpecMismatchError, match="SHA-256"):
        read_weights(spec, tmp_path)


def test_missing_weights_are_a_mismatch(tmp_path: Path) -> None:
    spec = write_tiny_network(tmp_path)
    (tmp_path / "tiny.onnx").unlink()
    with pytest.raises(SpecMismatchError, match=r"tiny\.onnx .* cannot be read"):
        read_weights(spec, tmp_path)


def test_every_public_fact_is_in_the_json(tmp_path: Path) -> None:
    spec = write_tiny_network(tmp_path)
    facts = json.loads((tmp_path / "tiny.json").read_text())
    # What takes many validation films to fit is left out where there were few, and what was not
    # measured too.
    assert set(facts) == set(ModelSpec.model_fields) - {
        "conformal",
        "gate",
        "validation_logits",
        "faithfulness",
    }
    assert facts["weights"]["sha256"] == spec.weights.sha256
