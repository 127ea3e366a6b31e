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
    """

    model: str | None = None


def format_options(options: PageOptions) -> list[str]:
    """Write ``options`` as the arguments that :func:`parse_options` reads."""
    # One word with "=": a path that starts with a dash stays a value.
    return [] if options.model is None else [f"--model={options.model}"]


def parse_options(arguments: Sequence[str]) -> PageOptions:
    """Read the arguments that stand behind ``--`` on Streamlit's command line."""
    parser = argparse.ArgumentParser(prog="hilum app", add_help=False)
    parser.add_argument("--model")
    return PageOptions(model=parser.parse_args(arguments).model)
