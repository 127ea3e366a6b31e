"""``hilum models push``: a model and its card to a repository on a model hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilum.models.publish import RepositoryFile


def push_command(
    name: Annotated[
        str, typer.Argument(help="Name of a shipped model, or path of a spec.", show_default=False)
    ],
    to: Annotated[
        str,
        typer.Option(
            metavar="OWNER/NAME", help="The repository, made if need be.", show_default=False
        ),
    ],
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show all that would be sent, ask for no token, send none."),
    ] = False,
    private: Annotated[
        bool,
        typer.Option(
            "--private/--public", help="Who sees a repository that is made; others stay as is."
        ),
    ] = True,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OWNER/NAME",
            help="Id on the hub of a set that the model learned from; may be given again.",
            show_default=False,
        ),
    ] = None,
    message: Annotated[
        str | None, typer.Option(help="Message of the commit.", show_default="name and version")
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Address of the hub.", show_default="Hugging Face"),
    ] = None,
) -> None:
    """Send a model's weights, spec, gate and card to a repository, in one commit.

    The files are checked against the spec before, and compared with what the hub has after.
    """
    from hilum.models.publish import check_target, collect_files, push_files, require_hub
    from hilum.models.zoo import resolve_model
    from hilum.report.hub_card import render_hub_card

    require_hub()
    check_target(to, endpoint)
    spec, folder = resolve_model(name)
    files = collect_files(spec, folder, render_hub_card(spec, to, dataset or ()))
    message = message or f"{spec.name} {spec.version}"
    _print_files(files)
    if dry_run:
        _print_front_matter(files)
        seen = "private" if private else "public"
        print(f"\nWould go to {to}, made {seen} if it is new, as one commit: {message}")
        print("Nothing was sent.")
        return
    done = push_files(files, to, message=message, private=private, endpoint=endpoint)
    made = "made" if done.created else "was there"
    seen = "private" if done.private else "public"
    print(f"\n{done.url} ({made}, {seen})")
    print(f"commit {done.commit}: all files compared with what was sent")


def _print_files(files: Sequence[RepositoryFile]) -> None:
    width = max(len(file.name) for file in files)
    for file in files:
        print(f"{file.name:{width}}  {len(file.data):>12,} bytes  SHA-256 {file.sha256}")


def _print_front_matter(files: Sequence[RepositoryFile]) -> None:
    card = next(file.data.decode() for file in files if file.name == "README.md")
    print("\nFront matter of the card:")
    for line in card.split("---\n", 2)[1].splitlines():
        print(f"    {line}".rstrip())
