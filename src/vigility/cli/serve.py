"""`vigility serve`: the HTTP API and the dashboard."""

from __future__ import annotations

from typing import Annotated

import typer

from vigility.cli.context import run_context
from vigility.cli.help import examples

Host = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Listen on this address; by default 127.0.0.1. Use 0.0.0.0 for other machines.",
    ),
]
Port = Annotated[int | None, typer.Option(metavar="N", help="Listen on this port; by default $PORT or 8002.")]
Workers = Annotated[
    int | None, typer.Option(metavar="N", help="Worker processes; by default one per CPU core.")
]
NoUpgrade = Annotated[
    bool,
    typer.Option("--no-upgrade", help="Do not upgrade the schema: refuse a database that needs an upgrade."),
]

EXAMPLES = examples(
    "vigility serve",
    "vigility --database usage.db serve --port 8080 --workers 4",
    "vigility serve --host 0.0.0.0    # read docs/deploy.md first",
)


def serve(
    context: typer.Context,
    *,
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    no_upgrade: NoUpgrade = False,
) -> None:
    """Serve the HTTP API and the dashboard.

    The server runs until SIGTERM or Ctrl-C. All settings are listed in docs/configuration.md.
    """
    # Imported here: pydantic and gunicorn take half a second, which other commands should not need.
    from vigility.config import load_settings
    from vigility.web.server.gunicorn_server import Server, prepare

    run = run_context(context)
    settings = load_settings(
        host=host,
        port=port,
        workers=workers,
        database_url=run.chosen_database,
        upgrade="off" if no_upgrade else None,
    )
    with run.database_named():
        prepare(settings)
    Server(settings).run()
