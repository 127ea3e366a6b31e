from __future__ import annotations

import pytest

from factories.training import make_settings

pytest.importorskip("torch")

from hilum.cli.training_progress import TrainingProgress
from hilum.training.recipe import Recipe
from hilum.training.validation import EpochRecord


def test_a_log_that_is_no_terminal_gets_a_line_an_epoch_with_rate_and_time_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with TrainingProgress(Recipe.model_validate(make_settings())) as progress:
        progress.show_stage("reading films")
        progress.show_films(1, 2)
        progress.show_films(2, 2)
        progress.show_stage("training")
        for step in range(1, 6):
            progress.show_step(step, 20, 0.5)
        record = EpochRecord(1, 1e-3, 0.5, {"clean": 0.9, "blur": 0.7}, films_per_s=123.4)
        progress.show_epoch(record)
        for step in range(6, 21):
            progress.show_step(step, 20, 0.5)
        progress.show_epoch(EpochRecord(4, 1e-3, 0.4, {"clean": 0.95}, films_per_s=120.0))
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert lines[:2] == ["reading films ...", "training ..."]
    assert "AUC 0.9000, under stress 0.8000 on average, 0.7000 at worst (blur)" in lines[2]
    assert "123 films/s · 00:00 left" in lines[2]
    assert lines[3].endswith("AUC 0.9500 · 120 films/s")


def test_a_run_that_goes_on_in_the_last_steps_of_an_epoch_does_not_guess(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with TrainingProgress(Recipe.model_validate(make_settings())) as progress:
        progress.show_step(5, 20, 0.5)
        progress.show_epoch(EpochRecord(1, 1e-3, 0.5, {"clean": 0.9}, films_per_s=123.4))
        for step in range(6, 11):
            progress.show_step(step, 20, 0.5)
        progress.show_epoch(EpochRecord(2, 1e-3, 0.5, {"clean": 0.9}, films_per_s=123.4))
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("123 films/s")
    assert second.endswith("left")
