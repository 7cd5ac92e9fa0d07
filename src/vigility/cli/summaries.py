"""`vigility summaries`: the day summaries that reports are read from, against the raw events."""

from __future__ import annotations

import typer

from vigility.cli.errors import FAILED
from vigility.cli.help import command_group, examples
from vigility.cli.console import show
from vigility.cli.context import run_context
from vigility.cli.pluralize import pluralize

# A damaged table can differ everywhere; the first lines show where and how.
SHOWN = 100

app = command_group("Check or remake the day summaries, from which reports are read.")


@app.command(
    epilog=examples(
        "vigility summaries verify && echo all right",
    )
)
def verify(context: typer.Context) -> None:
    """Compare the day summaries with the raw events; exit with 1 where they differ."""
    session = run_context(context)
    with session.open() as vigility:
        differences = vigility.verify_rollups()
    for entry in differences[:SHOWN]:
        show(
            f"{entry.day} {entry.feature}, {entry.age_group.value}, {entry.gender.value}: "
            f"{entry.in_summary:,} in the summary, {entry.in_events:,} in the events"
        )
    if not differences:
        show("The day summaries agree with the events.")
        return
    show(
        f"{counted(len(differences), 'day summary differs', 'day summaries differ')} from the events. "
        f"To make them again: {session.command} summaries rebuild"
    )
    session.exit_code = FAILED


@app.command(
    epilog=examples(
        "vigility --database usage.db summaries rebuild",
    )
)
def rebuild(context: typer.Context) -> None:
    """Make the day summaries again from the raw events."""
    session = run_context(context)
    with session.open() as vigility, session.signals.held():
        vigility.rebuild_rollups()
    show("The day summaries were made again from the events.")
