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
    journal: Annotated[
        str | None,
        typer.Option(
            metavar="URL|PATH",
            envvar="HILUM_JOURNAL",
            help="Journal to record analyses in: no names, no pictures.",
            show_default="this user's own",
        ),
    ] = None,
    no_journal: Annotated[
        bool,
        typer.Option(
            "--no-journal",
            envvar="HILUM_NO_JOURNAL",
            help="Record nothing, unless --journal says where.",
        ),
    ] = False,
    base_path: Annotated[
        str,
        typer.Option(
            metavar="PATH",
            envvar="HILUM_BASE_PATH",
            help="Path below which a proxy serves the page, such as /hilum.",
            show_default="/",
        ),
    ] = "",
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            envvar="HILUM_ALLOWED_HOSTS",
            help=(
                "Name by which browsers may call the page, such as that of a proxy before it; "
                "may be given again, and *.example.org is all names below example.org."
            ),
            show_default="this machine's own names with a --host of its own, else any",
        ),
    ] = None,
    in_frame: Annotated[
        bool,
        typer.Option(
            "--in-frame",
            envvar="HILUM_IN_FRAME",
            help="Let uploads work in a frame of another site. Needs HTTPS before the page.",
        ),
    ] = False,
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

    require_streamlit()
    # A wrong name is said here, before a server starts and a browser opens; to read the spec of
    # the one that is shipped can wait until the browser is busy.
    if model is not None:
        from hilum.models.zoo import resolve_model

        resolve_model(model)
    if journal is not None:
        from hilum.store import open_journal

        with open_journal(journal):
            pass
    server = ServerOptions(
        host=host,
        port=find_port(host, port),
        open_browser=not no_browser,
        base_path=base_path,
        allowed_hosts=tuple(allowed_host or ()),
        in_frame=in_frame,
    )
    if not is_loopback(host):
        typer.echo(
            f"The page has no login: whoever reaches {host} can use it. Serve it behind "
            "something that has one.",
            err=True,
        )
    typer.echo(f"hilum is at {server.url} (stop with Ctrl-C).")
    page = PageOptions(
        model=model,
        journal=None if no_journal and journal is None else journal or "",
        shared=not is_loopback(host),
    )
    run_page(server, page, max_upload_bytes=MOST_UPLOAD_BYTES)
