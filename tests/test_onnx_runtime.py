"""ONNX Runtime tells nobody what it is used for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from factories.networks import write_tiny_network

ANALYZE = """
import io, sys
from PIL import Image
import hilum
film = io.BytesIO()
Image.new("L", (64, 64), 90).save(film, format="PNG")
with hilum.load_model(sys.argv[1]) as model:
    model.analyze(film.getvalue())
"""
VERIFY = "import sys; sys.argv[1:] = ['models', 'verify', sys.argv[1]]; " + (
    "from hilum.cli import main; main()"
)


@pytest.mark.parametrize("code", [ANALYZE, VERIFY])
def test_nothing_is_kept_for_sending(
    tmp_path: Path, quiet_environment: dict[str, str], code: str
) -> None:
    write_tiny_network(tmp_path / "model")
    home = tmp_path / "home"
    home.mkdir()
    for name in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"):
        quiet_environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "model"],
        # The library keeps still by itself where it sees that it is tested.
        env={
            name: value
            for name, value in quiet_environment.items()
            if not name.startswith("PYTEST")
        }
        | {"HOME": str(home), "TMPDIR": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_a_choice_of_the_user_stands(quiet_environment: dict[str, str]) -> None:
    code = "import os; from hilum.onnx_runtime import silence_onnxruntime as silence; silence();"
    code += "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    for given, expected in ((None, "1"), ("0", "0")):
        environment = os.environ | quiet_environment
        environment.pop("ORT_DISABLE_TELEMETRY", None)
        if given is not None:
            environment["ORT_DISABLE_TELEMETRY"] = given
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == expected
