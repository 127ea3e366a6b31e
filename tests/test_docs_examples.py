"""The examples of the documentation do what they say, in the order in which they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import hilum
from factories.films import make_dicom
from factories.networks import write_tiny_network
from hilum.cli import build_app
from hilum.data.phantom import draw_phantom
from hilum.models import zoo
from hilum.models.zoo import DEFAULT_MODEL

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the films that the examples name, and a quick model as the default."""
    write_tiny_network(tmp_path / "zoo", name=DEFAULT_MODEL)
    monkeypatch.setattr(zoo, "_ZOO", tmp_path / "zoo")
    desk = tmp_path / "desk"
    (desk / "films").mkdir(parents=True)
    pixels = draw_phantom(height_px=310, width_px=256)
    (desk / "film.dcm").write_bytes(make_dicom((pixels * 4095).astype(np.uint16)))
    for name in ("film.png", "films/a.png", "films/b.png"):
        Image.fromarray((pixels * 255).astype(np.uint8)).save(desk / name)
    (desk / "films" / "broken.dcm").write_bytes(b"")
    monkeypatch.chdir(desk)
    return desk


def read_blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_python_examples_run(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = read_blocks("python.md", "python")
    assert len(blocks) >= 8
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), namespace)
    printed = capsys.readouterr().out
    assert "at youden" in printed
    assert re.search(r"^0\.\d\d to 0\.\d\d over 6 views$", printed, re.MULTILINE)
    assert "UnreadableImageError The file is empty." in printed
    assert (desk / "overlay.png").is_file()


@pytest.mark.parametrize("page", ["analyze.md", "model-spec.md"])
def test_commands_run(page: str, desk: Path) -> None:
    commands = [line for block in read_blocks(page, "sh") for line in block.splitlines()]
    assert commands
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "hilum"
        stdin = None
        if "<" in words:
            at = words.index("<")
            stdin = (desk / words[at + 1]).read_bytes()
            del words[at:]
        result = CliRunner().invoke(build_app(), words[1:], input=stdin)
        # The folder of the examples holds one film that is broken.
        expected = 3 if "films" in words else 0
        assert result.exit_code == expected, (command, result.stderr)


def test_explain_examples_run(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = read_blocks("explain.md", "console")
    commands = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert len(commands) >= 4
    for words in commands:
        assert words[0] == "hilum"
        result = CliRunner().invoke(build_app(), words[1:])
        assert result.exit_code == 0, (words, result.stderr)
    assert (desk / "maps" / "film.evidence.svg").is_file()
    namespace: dict[str, object] = {"hilum": hilum}
    for block in read_blocks("explain.md", "python"):
        exec(compile(block, "docs/explain.md", "exec"), namespace)


def test_the_list_of_strict_warnings_is_the_programs() -> None:
    from hilum.cli.analyze import STRICT_WARNINGS

    text = (DOCS / "analyze.md").read_text(encoding="utf-8")
    section = text[text.index("With `--strict` a film") : text.index("Other warnings are told")]
    named = set(re.findall(r"`([a-z_]+)`", section)) - {"error"}
    assert named == STRICT_WARNINGS


def test_every_fact_of_the_spec_is_told() -> None:
    from hilum.spec import ModelSpec

    text = (DOCS / "model-spec.md").read_text(encoding="utf-8")
    for fact in ModelSpec.model_fields:
        assert f"`{fact}" in text, fact


def test_every_csv_column_is_told() -> None:
    from hilum.cli.output import CsvWriter

    text = (DOCS / "analyze.md").read_text(encoding="utf-8")
    for column in CsvWriter.COLUMNS:
        assert f"`{column}`" in text, column


def test_the_evaluation_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    from factories.predictions import make_predictions
    from hilum.evaluation import write_predictions

    plt.switch_backend("agg")
    monkeypatch.chdir(tmp_path)
    write_predictions(make_predictions(), "scores.csv")
    (block,) = read_blocks("evaluation.md", "python")
    exec(compile(block, "docs/evaluation.md", "exec"), {})
    plt.close("all")
    assert "value=" in capsys.readouterr().out
    assert (tmp_path / "judged" / "report.html").is_file()


def test_the_csv_of_the_evaluation_page_is_read(tmp_path: Path) -> None:
    from hilum.evaluation import read_predictions
    from hilum.evaluation.predictions import COLUMNS

    (block,) = read_blocks("evaluation.md", "text")
    (tmp_path / "scores.csv").write_text(block, encoding="utf-8")
    assert read_predictions(tmp_path / "scores.csv").films[0].pathogen == "virus"
    text = (DOCS / "evaluation.md").read_text(encoding="utf-8")
    assert all(f"`{column}`" in text for column in COLUMNS)


def test_the_curve_behind_the_page_can_be_traced(capsys: pytest.CaptureFixture[str]) -> None:
    """With a shipped model, whose spec holds how its validation films scored."""
    (block,) = read_blocks("app.md", "python")
    exec(compile(block, "docs/app.md", "exec"), {})
    assert re.match(r"0\.99\d* value=0\.9", capsys.readouterr().out)
