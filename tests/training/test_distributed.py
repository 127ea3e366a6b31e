from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from numpy.typing import NDArray
from safetensors.torch import load_file

from hilum.errors import ConfigError
from hilum.training.batches import Batches
from hilum.training.distributed import ALONE, Group, choose_device, join_group
from hilum.training.films import EpochSampler
from hilum.training.network import build_recipe_network
from hilum.training.recipe import Recipe
from hilum.training.run import run_recipe


@pytest.mark.slow
def test_two_processes_train_what_one_trains(
    drawn_dataset: Path, small_recipe: dict[str, Any], tmp_path: Path
) -> None:
    # Statistics of a batch are each process's own, so they stay out of it here.
    small_recipe["network"] |= {
        "freeze": ["layer1.*"],
        "freeze_batch_norm": True,
        "head_init": "default",
    }
    small_recipe["optimization"] |= {
        "accumulation": 2,
        # Adam would blow up the rounding of gradients that are next to nothing.
        "optimizer": "sgd",
        # At 0.5 the loss is so steep that the rounding of one thread or two grew to as much as
        # the bound; here it stays below a fiftieth of what the bound was.
        "learning_rate": 0.2,
        "clip_gradient_norm": 1.0,
        "unfreeze": [{"epoch": 2, "parameters": ["layer1.*"]}],
        "epochs": 2,
    }
    small_recipe["selection"] = {"metric": "last"}
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(small_recipe))
    run_recipe(Recipe.model_validate(small_recipe), drawn_dataset, tmp_path / "one", workers=0)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "-m", "hilum", "train", str(recipe)),
            *("--data", str(drawn_dataset), "--out", str(tmp_path / "two"), "--workers", "0"),
            *("--device", "cpu", "--no-tensorboard", "--no-cache"),
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("drawn-films.onnx") == 1, "one of the two talks"
    one, two = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("one", "two"))
    start = build_recipe_network(Recipe.model_validate(small_recipe))
    moved = {
        name: float((one[name] - before).detach().abs().max())
        for name, before in start.named_parameters()
    }
    assert moved["fc.weight"] > 0.01
    assert moved["layer1.0.conv1.weight"] > 1e-5, "thawed in the second epoch"
    for name, by in moved.items():
        assert float((one[name] - two[name]).abs().max()) < 2e-4 * by + 1e-6, name
    rows = [read_numbers(tmp_path / name / "history.csv") for name in ("one", "two")]
    assert np.allclose(rows[0], rows[1], atol=2e-3)


def read_numbers(path: Path) -> NDArray[np.float64]:
    """Read a history without its last column, the speed."""
    with path.open(newline="") as file:
        return np.array([row[:-1] for row in list(csv.reader(file))[1:]], dtype=np.float64)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_processes_share_each_batch(size: int) -> None:
    labels = np.arange(23) % 2

    def draw(rank: int, size: int) -> list[list[tuple[int, int]]]:
        batches = Batches(EpochSampler(labels, 0), 8, Group(rank, size))
        batches.begin_epoch(2, 0)
        return list(batches)

    whole = draw(0, 1)
    shares = [draw(rank, size) for rank in range(size)]
    assert [len(batch) for batch in whole] == [8, 8]
    for place, batch in enumerate(whole):
        assert sorted(batch) == sorted(key for share in shares for key in share[place])


def test_an_epoch_goes_on_where_it_was() -> None:
    batches = Batches(EpochSampler(np.arange(23) % 2, 0), 5, ALONE)
    batches.begin_epoch(3, 0)
    whole = list(batches)
    batches.begin_epoch(3, 3)
    assert list(batches) == whole[3:]
    assert len(batches) == len(whole) == 4


def test_fewer_films_than_a_batch_are_one_batch() -> None:
    batches = Batches(EpochSampler(np.arange(6) % 2, 0), 32, ALONE)
    assert [len(batch) for batch in batches] == [6]
    with pytest.raises(ConfigError, match="cannot be shared by 7"):
        Batches(EpochSampler(np.arange(6) % 2, 0), 32, Group(0, 7))


def test_devices_that_are_not_there_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    for name, words in (("cuda", "no CUDA"), ("mps", "not on mps"), ("gpu", "no device 'gpu'")):
        with pytest.raises(ConfigError, match=words):
            choose_device(name)


def test_a_process_alone_agrees_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with join_group("cpu") as (group, device), group.lead_first():
        assert group is ALONE
        assert group.gather(3) == [3]
        assert group.agree_on(True, device)
