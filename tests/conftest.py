"""What every test may lean on, and why a test is skipped on a machine that lacks something.

A test that needs the dataset, Chromium, a CUDA device, PostgreSQL, Orthanc or the internet carries
the marker of that name (see ``pyproject.toml``); it is skipped with a reason where that is
missing. ``pytest -rs`` lists the reasons, and ``make test`` always does.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

# Before NumPy, ONNX Runtime or torch is imported: one thread each, so that tests that time
# something or run side by side do not fight over the cores.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
# No test asks a hub for weights; one that tried would hang where there is no internet.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest

from factories.postgres import can_run

ROOT = Path(__file__).resolve().parents[1]
DATA_PARTS = ("chest_xray", "chest_xray_native_size")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


@cache
def find_dataset() -> Path | None:
    """The folder that holds ``chest_xray``: ``$HILUM_DATA``, else ``../shared/data``."""
    given = os.environ.get("HILUM_DATA")
    folder = Path(given) if given else ROOT.parent / "shared" / "data"
    return folder if all((folder / part).is_dir() for part in DATA_PARTS) else None


@cache
def find_chromium() -> Path | None:
    """The browser that the page is tested in: ``$HILUM_CHROMIUM``, else one on the PATH."""
    names = (os.environ.get("HILUM_CHROMIUM", ""), *CHROMIUM_NAMES)
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    return Path(found) if found else None


def _has_cuda() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


# Marker -> (is what it needs here?, the reason to skip where it is not).
NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "data": (
        lambda: find_dataset() is not None,
        "the dataset is not here: set HILUM_DATA to the folder that holds "
        f"{' and '.join(DATA_PARTS)} (docs/data.md)",
    ),
    "browser": (
        lambda: find_chromium() is not None,
        "Chromium is not here: run `make system`, or set HILUM_CHROMIUM to a browser",
    ),
    "gpu": (_has_cuda, "no CUDA device, or no torch"),
    "postgres": (
        lambda: can_run() and find_spec("pg8000") is not None,
        "PostgreSQL is not here: run `make system` (and as root, setpriv is needed)",
    ),
    "orthanc": (
        lambda: shutil.which("Orthanc") is not None,
        "Orthanc is not here: run `make system`",
    ),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--network", action="store_true", help="run the tests that need the internet")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run, each with its reason."""
    missing = {
        marker: reason
        for marker, (is_here, reason) in NEEDS.items()
        if any(item.get_closest_marker(marker) for item in items) and not is_here()
    }
    if not config.getoption("--network"):
        missing["network"] = "needs the internet: give --network"
    for item in items:
        for marker, reason in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def dataset() -> Path:
    """The folder that holds ``chest_xray`` and ``chest_xray_native_size``; read-only."""
    folder = find_dataset()
    if folder is None:
        pytest.skip(NEEDS["data"][1])
    return folder


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser's executable."""
    executable = find_chromium()
    if executable is None:
        pytest.skip(NEEDS["browser"][1])
    return executable


@pytest.fixture
def quiet_environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment for a subprocess that runs this checkout of hilum.

    Returns
    -------
    A copy of ``os.environ`` in which nothing of the test run leaks: no ``PYTHONPATH`` other
    than ``src``, no terminal width and no colour; and modules are compiled once, not anew for
    each subprocess.
    """
    python = ("PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE")
    for variable in (*python, "COLUMNS", "FORCE_COLOR", "CI"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PYTHONUTF8", "1")
    return dict(os.environ)
