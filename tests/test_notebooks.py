"""The notebooks run from top to bottom, and carry no output: an output could show a film."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def read_cells(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["explain", "judge", "train"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_carries_no_output(path: Path) -> None:
    for cell in read_cells(path):
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if path.stem == "train":
        pytest.importorskip("torch", reason='needs the extra "train"')
    if path.stem == "judge":
        pytest.importorskip("matplotlib", reason='needs the extra "lab"')
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    for name in ("HILUM_FILM", "HILUM_FILMS"):  # the drawn films, whatever the machine has
        monkeypatch.delenv(name, raising=False)
    # A kernel that others have registered may be of another Python.
    kernels = tmp_path / "kernels" / "hilum"
    kernels.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = {"argv": command, "display_name": "hilum", "language": "python"}
    (kernels / "kernel.json").write_text(json.dumps(kernel), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("MPLBACKEND", "agg")
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="hilum",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    assert any(cell.get("outputs") for cell in notebook.cells)
