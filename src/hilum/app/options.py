"""What the launcher tells the page, written as arguments of the page's script."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageOptions:
    """Choices made on the command line.

    model
        The model that the page opens with: a shipped name, or the path of a spec or of a
        folder with one. ``None`` is the shipped default.
    journal
        Where analyses are recorded: a URL or the path of a file; empty is this user's own
        journal, ``None`` is nowhere.
    shared
        Whether others than this machine's user reach the page: then it removes nothing from the
        journal.
    """

    model: str | None = None
    journal: str | None = None
    shared: bool = False


def format_options(options: PageOptions) -> list[str]:
    """Write ``options`` as the arguments that :func:`parse_options` reads."""
    # One word with "=": a path that starts with a dash stays a value.
    words = {"model": options.model, "journal": options.journal}
    flags = ["--shared"] if options.shared else []
    return [*flags, *(f"--{name}={value}" for name, value in words.items() if value is not None)]


def parse_options(arguments: Sequence[str]) -> PageOptions:
    """Read the arguments that stand behind ``--`` on Streamlit's command line."""
    parser = argparse.ArgumentParser(prog="hilum app", add_help=False)
    parser.add_argument("--model")
    parser.add_argument("--journal")
    parser.add_argument("--shared", action="store_true")
    return PageOptions(**vars(parser.parse_args(arguments)))
