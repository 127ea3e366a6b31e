"""``hilum models``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from factories.networks import HEAD_BIAS, make_tiny_facts, write_tiny_network
from hilum.cli import build_app
from hilum.models import zoo
from hilum.models.zoo import DEFAULT_MODEL

INTERVAL = {"value": 0.9, "low": 0.8, "high": 0.95}
POINT_METRICS: dict[str, Any] = {
    **dict.fromkeys(("accuracy", "sensitivity", "specificity", "precision", "f1"), INTERVAL),
    **dict.fromkeys(("true_positive", "false_positive", "true_negative", "false_negative"), 5),
}


@pytest.fixture
def own_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "zoo"
    names = make_tiny_facts(b"")["operating_points"]
    metrics = {
        "test": {
            "films": 20,
            "positive": 10,
            "negative": 10,
            "interval_method": "bootstrap by patient",
            "command": "hilum evaluate",
            "roc_auc": {"value": 0.9731, "low": 0.961, "high": 0.983},
            "brier": {"value": 0.08, "low": 0.07, "high": 0.09},
            "operating_points": dict.fromkeys(names, POINT_METRICS),
        }
    }
    write_tiny_network(folder, name=DEFAULT_MODEL, metrics=metrics)
    write_tiny_network(folder, name="other")
    monkeypatch.setattr(zoo, "_ZOO", folder)
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), ["models", *arguments])


def test_list_marks_the_default_and_tells_the_auc(own_zoo: Path) -> None:
    result = run("list")
    assert result.exit_code == 0
    assert f"{DEFAULT_MODEL} 1.0 (default)" in result.stdout
    assert "AUC on test: 0.973 (0.961 to 0.983)" in result.stdout
    assert "other 1.0\n" in result.stdout


def test_show_tells_the_facts(own_zoo: Path) -> None:
    result = run("show", DEFAULT_MODEL)
    assert result.exit_code == 0
    for fact in [
        "48x64 px",
        "squash",
        "radiograph_v1",
        "8x6 cells",
        "temperature 1.5000, offset +0.2500",
        "Ages 1 to 5 years",
        "youden           threshold 0.5000  sensitivity 0.900  specificity 0.800 (default)",
        "On test: 20 films, 10 positive, 10 negative",
        "AUC 0.973 (0.961 to 0.983)",
        "Apache-2.0",
    ]:
        assert fact in result.stdout


def test_show_json_is_the_spec(own_zoo: Path) -> None:
    result = run("show", DEFAULT_MODEL, "--json")
    assert json.loads(result.stdout) == json.loads((own_zoo / f"{DEFAULT_MODEL}.json").read_text())


def test_verify_checks_all_shipped_models(own_zoo: Path) -> None:
    result = run("verify")
    assert result.exit_code == 0
    for told in [DEFAULT_MODEL, "other", "SHA-256", "as in the spec", "off by 0.0e+00"]:
        assert told in result.stdout


def test_verify_takes_a_path(tmp_path: Path) -> None:
    write_tiny_network(tmp_path / "mine")
    assert run("verify", str(tmp_path / "mine")).exit_code == 0


def test_verify_finds_damaged_weights(own_zoo: Path) -> None:
    with (own_zoo / "other.onnx").open("ab") as file:
        file.write(b"\0")
    assert run("verify", "other").exit_code == 4
    result = run("verify")
    assert result.exit_code == 4
    assert "SHA-256" in result.stderr


def test_verify_finds_a_map_that_is_not_the_logits(tmp_path: Path) -> None:
    facts = make_tiny_facts(b"")["architecture"] | {"head_bias": HEAD_BIAS + 0.1}
    write_tiny_network(tmp_path, architecture=facts)
    result = run("verify", str(tmp_path))
    assert result.exit_code == 4
    assert "head_bias" in result.stderr


@pytest.mark.parametrize("command", ["show", "verify"])
def test_an_unknown_model_is_wrong_usage(own_zoo: Path, command: str) -> None:
    result = run(command, "nobody")
    assert result.exit_code == 2
    assert "other" in result.stderr
