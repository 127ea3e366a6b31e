"""``hilum faithfulness`` in a terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from factories.networks import TINY_INPUT, write_tiny_network
from hilum.cli import build_app
from hilum.data.phantom import Opacity, draw_phantom
from hilum.spec import read_spec


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label, opacity in (("NORMAL", None), ("PNEUMONIA", Opacity(0.3, 0.5, 0.2, 1.0))):
        place = tmp_path / "films" / "test" / label
        place.mkdir(parents=True)
        for seed in range(3):
            film = draw_phantom(seed, height_px=160, width_px=160, opacity=opacity)
            Image.fromarray((film * 255).astype(np.uint8)).save(place / f"film-{seed}.png")
    return tmp_path


def test_it_prints_writes_and_records(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    spec = write_tiny_network(folder / "model", TINY_INPUT.model_copy(update={"width_px": 64}))
    arguments = ["--data", "films", "model", "--films", "2", "--record"]
    written = ["--out", "found.json", "--report", "found.html"]
    done = CliRunner().invoke(build_app(), ["faithfulness", *arguments, *written])
    assert done.exit_code == 0, done.output
    assert "4 films of films, test" in done.stdout
    assert "evidence_fine (54 opacities)" in done.stdout
    assert "diameter 28% of width, depth 0.5" in done.stdout
    assert "evidence_fine less evidence: hit" in done.stdout
    assert "AUC where the lungs are level" in done.stdout
    found = json.loads((folder / "found.json").read_text())
    assert {one["method"] for one in found["located"]} == {
        "evidence", "evidence_fine", "random", "edges",
    }  # fmt: skip
    assert len(found["located"]) == 4 * (1 + 9 + 3)
    assert found["films"] == found["markers"]["films"] == 4
    page = (folder / "found.html").read_text()
    assert "Which maps of" in page
    assert page.count("<svg") == 3
    recorded = read_spec(folder / "model" / f"{spec.name}.json").faithfulness
    assert recorded is not None
    assert recorded.set_name == "films, test"
    assert set(recorded.methods) == {"evidence", "evidence_fine"}
    for name, facts in recorded.methods.items():
        assert list(facts.warnings) == found["warnings"][name]
        for warning in facts.warnings:
            assert f"WARNING  {name} {warning}." in done.stdout
            assert f"{name} {warning}" in page


def test_weights_are_left_alone_where_asked_or_where_the_extra_is_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    write_tiny_network(folder / "model", TINY_INPUT.model_copy(update={"width_px": 64}))
    arguments = ["--data", "films", "model", "--films", "2", "--methods", "evidence"]
    page = ["--report", "found.html"]
    asked = CliRunner().invoke(
        build_app(), ["faithfulness", *arguments, *page, "--no-random-weights"]
    )
    assert asked.exit_code == 0, asked.output
    assert "shuffled" not in asked.stdout + asked.stderr
    assert "Maps of shuffled weights were not measured" in Path("found.html").read_text()
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "hilum.models.randomise", raising=False)
    monkeypatch.delitem(sys.modules, "hilum.models.onnx_storage", raising=False)
    missing = CliRunner().invoke(build_app(), ["faithfulness", *arguments])
    assert missing.exit_code == 0, missing.output
    assert "maps of shuffled weights are not measured" in missing.stderr
    assert "train" in missing.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--methods", "evidence,magic"], 'no method "magic"'),
        (["--part", "val"], "no part 'val'"),
        (["--out", "absent/found.json"], "no folder absent"),
    ],
)
def test_what_the_command_refuses(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(build_app(), ["faithfulness", "--data", "films", *arguments])
    assert done.exit_code in (2, 6)
    assert said in done.stderr
