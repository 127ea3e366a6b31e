"""The command line as a whole: help, version, exit codes, and what it must not import."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest
import typer
from typer.testing import CliRunner

import hilum.errors
from hilum.cli import build_app
from hilum.cli.failures import EXIT_CODES, HilumGroup, get_exit_code
from hilum.errors import HilumError, MissingExtraError

COMMANDS = {"analyze", "app", "benchmark", "compare", "evaluate", "export", "models", "train"}


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(build_app(), ["--help"])
    assert result.exit_code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in result.stdout


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(build_app(), [command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_version() -> None:
    result = CliRunner().invoke(build_app(), ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"hilum {version('hilum')}\n")


def test_help_imports_nothing_heavy() -> None:
    code = """
import sys
from hilum.cli import build_app
try:
    build_app()(["--help"])
except SystemExit as end:
    assert end.code == 0
heavy = {"numpy", "pydantic", "onnxruntime", "pydicom", "PIL", "tqdm", "torch", "rich", "streamlit"}
print("heavy:", sorted(heavy & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "heavy: []"


def test_help_takes_less_than_half_a_second_of_work() -> None:
    """CPU time, so that a busy machine does not fail the test."""
    code = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "hilum", "--help"], stdout=subprocess.DEVNULL, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime)
"""
    pytest.importorskip("resource")
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(times) < 0.5


def make_failing_app(error: BaseException) -> typer.Typer:
    app = typer.Typer(cls=HilumGroup, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(lambda: None)

    @app.command()
    def fail() -> None:
        print("so far")
        raise error

    return app


def make_error(kind: type[HilumError]) -> HilumError:
    if issubclass(kind, MissingExtraError):
        return kind("train", "do it")
    return kind("It is so.")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("UnreadableImageError", 3),
        ("UnsupportedImageError", 3),
        ("UnsafeImageError", 3),
        ("InputError", 3),
        ("UnknownModelError", 2),
        ("SpecMismatchError", 4),
        ("ExportError", 4),
        ("ModelError", 4),
        ("ConfigError", 2),
        ("DatasetError", 6),
        ("MissingExtraError", 5),
        ("HilumError", 1),
    ],
)
def test_every_error_has_its_exit_code_and_one_line(name: str, code: int) -> None:
    error = make_error(getattr(hilum.errors, name))
    result = CliRunner().invoke(make_failing_app(error), ["fail"])
    assert result.exit_code == code == get_exit_code(error)
    assert result.stderr == f"hilum: {error}\n"
    assert result.stdout == "so far\n"


def test_the_table_covers_every_error() -> None:
    kinds = {kind for kind, _ in EXIT_CODES}
    assert HilumError in kinds
    assert EXIT_CODES[-1][0] is HilumError


def test_ctrl_c_is_130() -> None:
    result = CliRunner().invoke(make_failing_app(KeyboardInterrupt()), ["fail"])
    assert (result.exit_code, result.stderr) == (130, "hilum: interrupted\n")


def test_a_mistake_in_the_program_is_not_hidden() -> None:
    result = CliRunner().invoke(make_failing_app(ZeroDivisionError("a bug")), ["fail"])
    assert isinstance(result.exception, ZeroDivisionError)
