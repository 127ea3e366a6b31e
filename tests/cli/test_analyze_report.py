"""``hilum analyze --report``, as it is typed."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from factories.networks import write_tiny_network
from factories.radiographs import draw_noise
from hilum.cli import build_app
from hilum.cli.options import Language
from hilum.language import LANGUAGES

pytest.importorskip("reportlab")
pypdf = pytest.importorskip("pypdf")


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder that holds the tiny model and a film."""
    write_tiny_network(tmp_path / "model")
    Image.fromarray((draw_noise(60, 50) * 255).astype(np.uint8)).save(tmp_path / "secret-name.png")
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(
        build_app(), ["analyze", "--model", "./model", "secret-name.png", *arguments]
    )


def read_report(path: str) -> str:
    (page,) = pypdf.PdfReader(path).pages
    return str(page.extract_text())


def test_there_is_every_language() -> None:
    assert {language.value for language in Language} == set(LANGUAGES)


@pytest.mark.parametrize(("language", "word"), [("en", "Operating point"), ("ko", "작동점")])
def test_a_report_is_written_in_its_language(language: str, word: str) -> None:
    result = run("--out", "o", "--report", language, "--format", "jsonl")
    assert result.exit_code == 0
    path = json.loads(result.stdout)["report"]
    assert Path(path) == Path("o", "secret-name.report.pdf")
    assert word in read_report(path)
    assert b"secret" not in Path(path).read_bytes()
    # Its own is replaced; what is printed stays English.
    assert run("--out", "o", "--report", "en").exit_code == 0
    assert "Operating point" in read_report(path)


def test_table_and_csv_tell_where_it_is() -> None:
    path = str(Path("o", "secret-name.report.pdf"))
    assert path in run("--out", "o", "--report", "ko").stdout
    [row] = csv.DictReader(
        io.StringIO(run("--out", "o", "--report", "ko", "--format", "csv").stdout)
    )
    assert row["report"] == path


def test_a_report_needs_a_folder() -> None:
    result = run("--report", "en")
    assert result.exit_code == 2
    assert "--out DIR" in result.stderr


def test_an_unknown_language_is_refused() -> None:
    result = run("--out", "o", "--report", "de")
    assert result.exit_code == 2
    assert "ko" in result.stderr
    assert not Path("o").exists()


def test_a_file_of_another_origin_is_not_overwritten() -> None:
    Path("o").mkdir()
    own = Path("o", "secret-name.report.pdf")
    own.write_bytes(b"%PDF-1.7 another's")
    result = run("--out", "o", "--report", "en")
    assert result.exit_code == 1
    assert "not made by hilum" in result.stderr
    assert own.read_bytes() == b"%PDF-1.7 another's"
