"""The page stands early: it imports little, and the rest while a browser loads."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("streamlit")

from hilum.app import engines, warmup
from hilum.app.warmup import warm_up
from hilum.predictor import load_model

FIRST_PAGE = """
import sys
from streamlit.testing.v1 import AppTest
from hilum.app.launcher import PAGE

page = AppTest.from_file(str(PAGE), default_timeout=120).run()
assert not page.exception
print(*({"pandas", "pydicom", "matplotlib", "pyarrow"} & set(sys.modules)))
"""


def test_the_first_page_waits_for_no_library_that_it_does_not_need() -> None:
    command = [sys.executable, "-c", FIRST_PAGE]
    run = subprocess.run(command, capture_output=True, check=True, text=True)
    assert run.stdout.split() == []


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The models that were loaded, from here on."""
    monkeypatch.setattr(warmup, "_HEAD_START_S", 0.0)
    monkeypatch.setattr(warmup, "_FIRST_FILM_S", 0.0)
    engines.load_engine.clear()
    models: list[str] = []

    def note(model: str) -> object:
        models.append(model)
        return load_model(model)

    monkeypatch.setattr(engines, "load_model", note)
    yield models
    engines.load_engine.clear()


def test_the_network_is_there_when_the_page_asks(tiny_model: Path, loaded: list[str]) -> None:
    warm_up(str(tiny_model), lambda: True).join(timeout=120)
    assert loaded == [str(tiny_model)]
    assert engines.load_engine(str(tiny_model)).spec.name
    assert loaded == [str(tiny_model)]


def test_nothing_is_done_before_the_server_answers(tiny_model: Path, loaded: list[str]) -> None:
    up = threading.Event()
    thread = warm_up(str(tiny_model), up.is_set)
    thread.join(timeout=0.3)
    assert thread.is_alive()
    assert loaded == []
    up.set()
    thread.join(timeout=120)
    assert loaded == [str(tiny_model)]


@pytest.mark.usefixtures("loaded")
def test_a_model_that_cannot_be_loaded_is_the_pages_to_tell(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, warmup.__name__):
        warm_up(str(tmp_path / "nothing"), lambda: True).join(timeout=120)
    assert "could not be made ready" in caplog.text
