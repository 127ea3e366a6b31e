"""``hilum app``: the page."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("app")(open_page)


def open_page(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port of the page. Default: the first free from 8501."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to serve the page on. The page has no login.")
    ] = "127.0.0.1",
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open the page in a browser.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            help="Model to start with: a shipped name, or the path of a spec or its folder."
        ),
    ] = None,
) -> None:
    """Open the page: drop a chest film, see the answer and its evidence."""
    from hilum.app.launcher import (
        MOST_UPLOAD_BYTES,
        ServerOptions,
        find_port,
        is_loopback,
        require_streamlit,
        run_page,
    )
    from hilum.app.options import PageOptions
    from hilum.models.zoo import resolve_model

    require_streamlit()
    # A wrong name is said here, before a server starts and a browser opens.
    resolve_model(model)
    server = ServerOptions(host=host, port=find_port(host, port), open_browser=not no_browser)
    if not is_loopback(host):
        typer.echo(
            f"The page has no login: whoever reaches {host} can use it. Serve it behind "
            "something that has one.",
            err=True,
        )
    typer.echo(f"hilum is at {server.url} (stop with Ctrl-C).")
    run_page(server, PageOptions(model=model), max_upload_bytes=MOST_UPLOAD_BYTES)
