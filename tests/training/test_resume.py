"""Runs that are killed, disks that are full: what is left, and how it goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hilum.errors import ConfigError, TrainingError
from hilum.training.resume import StateFile

PROGRAM = Path(__file__).with_name("killed_runs.py")


@pytest.fixture(scope="module")
def facts(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run that was killed six times and one that was not have ended with."""
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", str(PROGRAM)),
            *(str(drawn_dataset), str(tmp_path_factory.mktemp("runs"))),
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROGRAM.parents[1])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_a_run_that_was_killed_ends_with_the_same_bits(facts: dict[str, Any]) -> None:
    assert facts["last"] == [0, 0]
    assert facts["killed"] == facts["alone"]
    assert len(facts["alone"]["history"]) == 1 + 4
    losses = [float(row[2]) for row in facts["alone"]["history"][1:]]
    assert losses[-1] < losses[0] - 0.1, "the weights that are compared must have moved"


@pytest.mark.slow
def test_each_attempt_was_killed_where_it_was_to_be(facts: dict[str, Any]) -> None:
    ends = [end for end, _ in facts["ends"]]
    left = [set(names) for _, names in facts["ends"]]
    assert ends == [-9] * 6
    assert "state.pt" not in left[0]
    assert {"state.pt", "state.pt.partial"} <= left[1]  # killed while it was written
    assert "state.pt.partial" not in left[2]
    assert "drawn-films.onnx" not in left[-1]
    assert facts["alone"]["files"] == [
        *("checkpoint.safetensors", "drawn-films.json", "drawn-films.onnx"),
        *("history.csv", "recipe.yaml", "split.csv"),
    ]


def make_states(folder: Path, **options: Any) -> StateFile:
    return StateFile(folder / "state.pt", {"recipe": "a", "dataset": "b"}, **options)


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    states = make_states(tmp_path)
    assert states.read() is None
    generator = torch.get_rng_state()
    states.write({"weights": {"w": torch.arange(3.0)}, "losses": [0.5], "generator": generator})
    state = states.read()
    assert state is not None
    assert state["losses"] == [0.5]
    assert state["weights"]["w"].equal(torch.arange(3.0))
    assert state["generator"].equal(generator)
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]
    states.delete()
    assert states.read() is None


def test_a_full_disk_leaves_the_state_before(tmp_path: Path) -> None:
    states = make_states(tmp_path)
    states.write({"step": 1})
    # Every write to this device fails as on a full disk.
    (tmp_path / "state.pt.partial").symlink_to("/dev/full")
    with pytest.raises(TrainingError, match="disk full"):
        states.write({"step": 2, "weights": torch.zeros(100_000)})
    assert states.read() == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_the_state_of_another_run_is_refused(tmp_path: Path) -> None:
    make_states(tmp_path).write({"step": 1})
    other = StateFile(tmp_path / "state.pt", {"recipe": "a", "dataset": "c"})
    with pytest.raises(ConfigError, match="another dataset"):
        other.read()


@pytest.mark.parametrize("content", [b"", b"no state", b"PK\x03\x04 torn"])
def test_a_damaged_state_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.pt").write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        make_states(tmp_path).read()


def test_a_state_of_another_format_is_told(tmp_path: Path) -> None:
    torch.save({"format": 0}, tmp_path / "state.pt")
    with pytest.raises(ConfigError, match="no state of a run"):
        make_states(tmp_path).read()


def test_states_are_due_by_steps_and_by_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    states = make_states(tmp_path, every_s=60.0, every_steps=10)
    assert states.is_due(20)
    assert not states.is_due(21)
    now = 160.0
    assert states.is_due(21)
    assert make_states(tmp_path, every_s=0.0).is_due(1)


def test_large_states_are_written_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 0.0, 30.0, 130.0, 631.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    states = make_states(tmp_path, every_s=60.0)
    states.write({})  # 30 seconds: so 600 are to pass
    assert not states.is_due(1)
    assert states.is_due(2)
