"""Where a run is written down while it goes on: a CSV, TensorBoard, MLflow.

An epoch that is repeated after a break takes the place of what it left before.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from hilum.errors import ConfigError, MissingExtraError
from hilum.files import write_whole
from hilum.training.recipe import Recipe
from hilum.training.validation import EpochRecord


class Tracker(Protocol):
    """What is told of each step and epoch, and closed at the end."""

    def track_step(self, step: int, loss: float) -> None:
        """Write down one step."""

    def track_epoch(self, record: EpochRecord, step: int) -> None:
        """Write down one epoch, which ended with ``step``."""

    def close(self) -> None:
        """Let go of files and connections."""


def list_figures(record: EpochRecord) -> dict[str, float]:
    """Give the figures of an epoch by name, as every tracker calls them."""
    return {
        "learning_rate": record.learning_rate,
        "train_loss": record.train_loss,
        "validation_loss": record.loss,
        "accuracy": record.accuracy,
        "balanced_accuracy": record.balanced_accuracy,
        **(_list_stressed(record) if record.is_stressed else {}),
        "auc_clean": record.auc["clean"],
        "films_per_s": record.films_per_s,
    }


def _list_stressed(record: EpochRecord) -> dict[str, float]:
    return {
        "worst_stressed_auc": record.worst_stressed_auc,
        "mean_stressed_auc": record.mean_stressed_auc,
        **{f"auc_{name}": auc for name, auc in record.auc.items() if name != "clean"},
    }


class HistoryTable:
    """``history.csv``: one line an epoch; rewritten as a whole, so that it is never torn."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def track_step(self, step: int, loss: float) -> None:
        """Do nothing: the table has a line an epoch."""

    def track_epoch(self, record: EpochRecord, step: int) -> None:
        """Write the table with this epoch as its last line."""
        figures = {name: f"{value:.6g}" for name, value in list_figures(record).items()}
        rows: list[dict[str, str]] = []
        if self._path.exists():
            with self._path.open(newline="", encoding="utf-8") as file:
                rows = [row for row in csv.DictReader(file) if int(row["epoch"]) < record.epoch]
        rows.append({"epoch": str(record.epoch), **figures})
        # An epoch that was not judged under stress has fewer figures: its cells stay empty.
        fullest = max(rows, key=len)
        text = io.StringIO()
        table = csv.DictWriter(text, list(fullest), restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        write_whole(self._path, text.getvalue())

    def close(self) -> None:
        """Do nothing: the table is closed."""


class TensorBoard:
    """Event files for ``tensorboard --logdir``.

    Raises
    ------
    MissingExtraError
        TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Its own dependencies' are not ours to mend.
                from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtraError("tensorboard", "write to TensorBoard") from error
        self._open = SummaryWriter
        self._folder = folder
        self._writer: Any = None

    def _get_writer(self, step: int) -> Any:
        if self._writer is None:
            # Steps from here on that an earlier attempt wrote are dropped from the curves.
            self._writer = self._open(str(self._folder), purge_step=step)
        return self._writer

    def track_step(self, step: int, loss: float) -> None:
        """Add the loss of a step."""
        self._get_writer(step).add_scalar("train/loss_step", loss, step)

    def track_epoch(self, record: EpochRecord, step: int) -> None:
        """Add the figures of an epoch."""
        writer = self._get_writer(step)
        for name, value in list_figures(record).items():
            side = "validation" if name not in _OF_TRAINING else "train"
            writer.add_scalar(f"{side}/{name}", value, step)
        writer.flush()

    def close(self) -> None:
        """Close the event file."""
        if self._writer is not None:
            self._writer.close()


_OF_TRAINING = frozenset({"learning_rate", "train_loss", "films_per_s"})


class MlflowRun:
    """One run at an MLflow server, or in a folder of MLflow's.

    What goes there is the recipe and the figures: no path, no user, no film.

    Parameters
    ----------
    uri
        ``http(s)://...``, or a folder.
    folder
        Folder of the run, where MLflow's number of it is kept for a later resumption.

    Raises
    ------
    MissingExtraError
        MLflow is not installed.
    ConfigError
        The server does not answer.
    """

    def __init__(self, uri: str, folder: Path, recipe: Recipe) -> None:
        # Not to a third party what a hospital trains; not minutes for a server that is down;
        # and a plain folder goes on to be a place to write to.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from mlflow import MlflowClient
                from mlflow.exceptions import MlflowException
        except ImportError as error:
            raise MissingExtraError("mlflow", "write to MLflow") from error
        self._failure: type[Exception] = MlflowException
        place = uri if "://" in uri else str(Path(uri).resolve())
        try:
            with _quiet():
                self._client = MlflowClient(tracking_uri=place)
                self._run_id = self._find_run(folder / "mlflow.json", recipe)
        except MlflowException as error:
            raise ConfigError(f"MLflow at {uri} cannot be used: {_first_line(error)}") from error

    def _find_run(self, note: Path, recipe: Recipe) -> str:
        if note.exists():
            return str(json.loads(note.read_text(encoding="utf-8"))["run_id"])
        experiment = self._client.get_experiment_by_name("hilum")
        number = experiment.experiment_id if experiment else self._client.create_experiment("hilum")
        run_id = str(self._client.create_run(number, run_name=recipe.name).info.run_id)
        for name, value in _flatten(recipe.model_dump(mode="json", exclude_defaults=True)):
            self._client.log_param(run_id, name, str(value)[:500])
        write_whole(note, json.dumps({"run_id": run_id}))
        return run_id

    def track_step(self, step: int, loss: float) -> None:
        """Do nothing: a request a step would hold up the training."""

    def track_epoch(self, record: EpochRecord, step: int) -> None:
        """Send the figures of an epoch; a server that is away is told of, and no more."""
        try:
            with _quiet():
                for name, value in list_figures(record).items():
                    if math.isfinite(value):
                        self._client.log_metric(self._run_id, name, value, step=step)
        except self._failure as error:
            warnings.warn(
                f"MLflow did not take epoch {record.epoch}: {_first_line(error)}", stacklevel=2
            )

    def close(self) -> None:
        """Mark the run as ended."""
        try:
            with _quiet():
                self._client.set_terminated(self._run_id)
        except self._failure as error:
            warnings.warn(f"MLflow did not close the run: {_first_line(error)}", stacklevel=2)


class Chronicle:
    """Tells trackers and reports of every step and epoch, and closes the trackers at its end.

    Of several processes only the first one has anybody to tell.
    """

    def __init__(
        self,
        trackers: Sequence[Tracker] = (),
        report_step: Callable[[int, int, float], None] = lambda *_: None,
        report_epoch: Callable[[EpochRecord], None] = lambda _: None,
    ) -> None:
        self._trackers = tuple(trackers)
        self._report_step = report_step
        self._report_epoch = report_epoch
        self._step = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for tracker in self._trackers:
            tracker.close()

    def tell_step(self, step: int, steps: int, loss: float) -> None:
        """Tell of a step."""
        self._step = step
        for tracker in self._trackers:
            tracker.track_step(step, loss)
        self._report_step(step, steps, loss)

    def tell_epoch(self, record: EpochRecord) -> None:
        """Tell of an epoch, which ended with the step told last."""
        for tracker in self._trackers:
            tracker.track_epoch(record, self._step)
        self._report_epoch(record)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _flatten(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
