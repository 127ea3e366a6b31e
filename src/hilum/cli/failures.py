"""How a command ends: one table from errors to exit codes, and quiet interruptions."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from hilum.errors import (
    ConfigError,
    DatasetError,
    HilumError,
    HubError,
    InputError,
    JournalError,
    MissingExtraError,
    ModelError,
    TrainingError,
    UnknownModelError,
)

USAGE = 2
SOME_FILMS_FAILED = 3
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_BROKEN_PIPE = 141  # 128 + SIGPIPE

# The first class that fits decides.
EXIT_CODES: tuple[tuple[type[HilumError], int], ...] = (
    (UnknownModelError, USAGE),
    (ConfigError, USAGE),
    (InputError, SOME_FILMS_FAILED),
    (ModelError, 4),
    (MissingExtraError, 5),
    (DatasetError, 6),
    (TrainingError, 7),
    (HubError, 8),
    (JournalError, 9),
    (HilumError, 1),
)


def get_exit_code(error: HilumError) -> int:
    """Give the exit code for an error."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


class HilumGroup(TyperGroup):
    """The commands, run so that every expected failure ends in one line on stderr."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            result = super().invoke(ctx)
            # A reader that has left is noticed here, not in the interpreter's last breath.
            sys.stdout.flush()
        except HilumError as error:
            _flush_stdout()
            print(f"hilum: {error}", file=sys.stderr)
            raise typer.Exit(get_exit_code(error)) from None
        except KeyboardInterrupt:
            _flush_stdout()
            print("hilum: interrupted", file=sys.stderr)
            raise typer.Exit(_INTERRUPTED) from None
        except BrokenPipeError:
            _silence_stdout()
            raise typer.Exit(_BROKEN_PIPE) from None
        return result


def _flush_stdout() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()


def _silence_stdout() -> None:
    """Send what is left in the buffer nowhere, so that leaving does not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
