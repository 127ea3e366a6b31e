from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from hilum.errors import ConfigError, MissingExtraError
from hilum.training.recipe import Recipe
from hilum.training.tracking import Chronicle, HistoryTable, MlflowRun, TensorBoard
from hilum.training.validation import EpochRecord


def make_record(epoch: int, auc: float) -> EpochRecord:
    return EpochRecord(epoch, 1e-3, 0.5, {"clean": auc, "blur": 0.6}, loss=0.4, films_per_s=50.0)


def test_an_epoch_that_is_repeated_takes_the_place_of_its_first_go(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    for epoch, auc in ((1, 0.7), (2, 0.8), (3, 0.85)):
        HistoryTable(path).track_epoch(make_record(epoch, auc), 10 * epoch)
    HistoryTable(path).track_epoch(make_record(2, 0.9), 20)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["auc_clean"]) for row in rows] == [("1", "0.7"), ("2", "0.9")]
    assert rows[0]["worst_stressed_auc"] == "0.6"


def test_an_epoch_without_stress_leaves_its_cells_empty(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    calm = EpochRecord(1, 1e-3, 0.5, {"clean": 0.7}, loss=0.4, films_per_s=50.0)
    HistoryTable(path).track_epoch(calm, 10)
    assert "stressed" not in path.read_text()
    HistoryTable(path).track_epoch(make_record(2, 0.8), 20)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["worst_stressed_auc"] for row in rows] == ["", "0.6"]
    assert [row["auc_blur"] for row in rows] == ["", "0.6"]
    assert [row["auc_clean"] for row in rows] == ["0.7", "0.8"]


def test_tensorboard_shows_steps_and_epochs_once(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for first in (1, 3):  # broken off after step 4, gone on with at step 3
        with Chronicle([TensorBoard(tmp_path)]) as chronicle:
            for step in range(first, first + 4):
                chronicle.tell_step(step, 6, 1.0 / step + first)
            chronicle.tell_epoch(make_record(first, 0.75))
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    losses = events.Scalars("train/loss_step")
    assert [event.step for event in losses] == [1, 2, 3, 4, 5, 6]
    assert losses[2].value == pytest.approx(1 / 3 + 3)
    assert [event.step for event in events.Scalars("validation/auc_clean")] == [6]
    assert "train/learning_rate" in events.Tags()["scalars"]


def test_without_tensorboard_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtraError, match=r"hilum\[tensorboard\]"):
        TensorBoard(tmp_path)


def test_without_mlflow_the_extra_is_named(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingExtraError, match=r"hilum\[mlflow\]"):
        MlflowRun(str(tmp_path), tmp_path, recipe)


@pytest.mark.slow
def test_mlflow_gets_recipe_and_figures_and_nothing_else(tmp_path: Path, recipe: Recipe) -> None:
    mlflow = pytest.importorskip("mlflow")
    place = tmp_path / "mlruns"
    for epoch in (1, 2):  # broken off in between
        with Chronicle([MlflowRun(str(place), tmp_path, recipe)]) as chronicle:
            chronicle.tell_step(10 * epoch, 20, 0.5)
            chronicle.tell_epoch(make_record(epoch, 0.7 + epoch / 10))
    client = mlflow.MlflowClient(tracking_uri=str(place))
    experiment = client.get_experiment_by_name("hilum")
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.status == "FINISHED"
    assert found.info.user_id == "unknown"
    assert found.data.params["network.architecture"] == "test_resnet"
    assert found.data.metrics["auc_clean"] == pytest.approx(0.9)
    assert len(client.get_metric_history(found.info.run_id, "train_loss")) == 2
    assert set(found.data.tags) == {"mlflow.runName"}


def test_an_mlflow_that_is_not_there_is_told(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ConfigError, match="cannot be used"):
        MlflowRun("http://127.0.0.1:9", tmp_path, recipe)
