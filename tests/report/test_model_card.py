from __future__ import annotations

import re
from pathlib import Path

import pytest

from factories.faithfulness_facts import WARNING, make_faithfulness
from factories.networks import build_tiny_onnx, make_tiny_facts
from hilum.language import translate
from hilum.models.zoo import list_models
from hilum.report.figures import format_interval, render_metrics_table
from hilum.report.model_card import render_model_card
from hilum.spec import EnsembleMember, Interval, ModelSpec

ROOT = Path(__file__).parents[2]


@pytest.fixture
def spec() -> ModelSpec:
    facts = make_tiny_facts(build_tiny_onnx())
    figure = {"value": 0.9, "low": 0.85, "high": 0.95}
    counts = dict.fromkeys(
        ("true_positive", "false_positive", "true_negative", "false_negative"), 10
    )
    names = ("accuracy", "sensitivity", "specificity", "precision", "f1")
    point = dict.fromkeys(names, figure) | counts
    facts["metrics"] = {
        "test": {
            "films": 40,
            "positive": 20,
            "negative": 20,
            "interval_method": "bootstrap",
            "command": "hilum evaluate tiny --data DATA --part test",
            "roc_auc": {"value": 0.975, "low": 0.961, "high": 0.988},
            "brier": figure,
            "operating_points": dict.fromkeys(facts["operating_points"], point),
        }
    }
    return ModelSpec.model_validate(facts)


def test_a_figure_comes_with_its_interval() -> None:
    interval = Interval(value=0.9731, low=0.9604, high=0.98)
    assert format_interval(interval) == "0.973 (0.960 to 0.980)"


def test_table_has_a_row_for_each_operating_point(spec: ModelSpec) -> None:
    table = render_metrics_table(spec, "test")
    assert "AUC 0.975 (0.961 to 0.988)" in table
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) == 3
    assert rows[0].startswith("| `youden` (default) | 0.5000 | 0.900 (0.850 to 0.950) |")
    assert {row.count("|") for row in rows} == {8}


def test_card_tells_which_maps_deserve_belief(spec: ModelSpec) -> None:
    assert "deserve belief" not in render_model_card(spec)
    facts = make_faithfulness(evidence=WARNING, evidence_fine="")
    measured = ModelSpec.model_validate(spec.model_dump() | {"faithfulness": facts})
    card = render_model_card(measured)
    section = card[card.index("## Which maps deserve belief") :]
    assert "8 films of films, test" in section
    assert section.count("| `evidence") == 2
    assert f"* Warning: evidence {WARNING}." in section
    assert section.count("Warning") == 1
    assert "| not measured |" in section
    assert "None" not in card


def test_card_tells_whom_the_model_is_for(spec: ModelSpec) -> None:
    card = render_model_card(spec)
    assert "not a medical device" in card
    assert "Ages 1 to 5 years" in card
    assert render_metrics_table(spec, "test").strip() in card
    assert "None" not in card


def test_card_names_teachers_and_members_by_their_weights(spec: ModelSpec) -> None:
    other = spec.refer()
    assert "Teachers" not in render_model_card(spec)
    taught = spec.provenance.model_copy(update={"teachers": (other,)})
    card = render_model_card(spec.model_copy(update={"provenance": taught}))
    assert f"| Teachers | `tiny` 1.0 (`{other.weights_sha256[:16]}`) |" in card
    member = EnsembleMember(**other.model_dump(), factor=0.25)
    joined = spec.provenance.model_copy(update={"members": (member,)})
    card = render_model_card(spec.model_copy(update={"provenance": joined}))
    assert f"sum of 0.25 × `tiny` 1.0 (`{other.weights_sha256[:16]}`)" in card


@pytest.mark.parametrize("spec", list_models(), ids=lambda spec: spec.name)
def test_shipped_cards_are_what_their_specs_say(spec: ModelSpec) -> None:
    card = ROOT / "docs" / "models" / f"{spec.name}.md"
    assert card.read_text(encoding="utf-8") == render_model_card(spec), (
        f"regenerate it: hilum models card {spec.name} > docs/models/{spec.name}.md"
    )


def test_a_card_can_be_said_in_korean() -> None:
    for spec in list_models():
        card = translate(render_model_card(spec), "ko")
        assert card.startswith(f"# {spec.name} {spec.version}\n")
        assert "## 용도와 한계" in card
        assert "연구와 교육용이며 의료기기가 아닙니다." in card
        # What lies between two of them is struck out.
        assert "~" not in card
        english = str(render_model_card(spec))
        assert re.findall(r"\d\.\d{3,}", card) == re.findall(r"\d\.\d{3,}", english)
