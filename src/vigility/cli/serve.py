"""`vigility serve`: the HTTP API and the chart page."""

from __future__ import annotations

from typing import Annotated

import typer

from vigility.core.errors import VigilityError


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [default: 127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on [default: $PORT or 8002].")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes [default: one a core].")] = None,
) -> None:
    """Serve the HTTP API and the chart page, until SIGTERM or Ctrl-C."""
    # Imported here: pydantic and gunicorn take half a second that no other command should.
    from vigility.config import load_settings
    from vigility.web.server import Server, prepare

    try:
        settings = load_settings(host=host, port=port, workers=workers)
        prepare(settings)
    except VigilityError as error:
        typer.echo(f"vigility: {error}", err=True)
        raise typer.Exit(2) from None
    Server(settings).run()
