"""`vigility summaries`: compares the daily rollups with the raw events, or rebuilds them."""

from __future__ import annotations

import typer

from vigility.cli.console import show
from vigility.cli.context import run_context
from vigility.cli.errors import FAILED
from vigility.cli.help import command_group, examples
from vigility.cli.pluralize import pluralize

# In a damaged table every row can differ. The first ones show where and how.
SHOWN = 100

app = command_group("Verify or rebuild the daily rollups. Reports are read from them.")


@app.command(
    epilog=examples(
        "vigility summaries verify && echo all right",
    )
)
def verify(context: typer.Context) -> None:
    """Compare the rollups with the raw events. The exit code is 1 if they differ."""
    run = run_context(context)
    with run.open() as vigility:
        differences = vigility.maintenance.verify_rollups()
    for entry in differences[:SHOWN]:
        show(
            f"{entry.key.day} {entry.key.feature}, {', '.join(entry.key.values)}: "
            f"{entry.in_rollup:,} in the rollup, {entry.in_events:,} in the events"
        )
    if not differences:
        show("The daily rollups agree with the events.")
        return
    rows = pluralize(len(differences), "row of the daily rollups differs", "rows of the daily rollups differ")
    show(f"{rows} from the events. To rebuild them: {run.command} summaries rebuild")
    run.exit_code = FAILED


@app.command(
    epilog=examples(
        "vigility --database usage.db summaries rebuild",
    )
)
def rebuild(context: typer.Context) -> None:
    """Rebuild the rollups from the raw events."""
    run = run_context(context)
    with run.open() as vigility, run.signals.deferred():
        vigility.maintenance.rebuild_rollups()
    show("The daily rollups were rebuilt from the events.")
