"""`vigility db`: the schema of the database, for upgrades by hand or in a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer

from vigility.bootstrap import schema_state, upgrade
from vigility.cli.console import show
from vigility.cli.context import RunContext, run_context
from vigility.cli.errors import named
from vigility.cli.help import command_group, examples

if TYPE_CHECKING:
    from vigility.bootstrap import SchemaState

TOO_OLD: Final = 3
TOO_NEW: Final = 4

app = command_group("Show or upgrade the schema of the database.")


@app.command(
    name="upgrade",
    epilog=examples(
        "vigility db upgrade",
        "vigility --database usage.db db upgrade",
    ),
)
def upgrade_schema(context: typer.Context) -> None:
    """Create or upgrade the tables.

    This is one transaction. An up-to-date database is not changed. Any number of processes may run this at
    the same time: only one upgrades. If it is killed, the schema stays as it was.
    """
    run = run_context(context)
    before = _state(run)
    with run.signals.deferred():
        after = upgrade(run.database)
    if before.is_current:
        show(f"The schema of {run.database_name} is up to date: revision {after.current}.")
    else:
        old = f"from revision {before.current} " if before.current else ""
        show(f"The schema of {run.database_name} was upgraded {old}to revision {after.current}.")


@app.command(
    epilog=examples(
        "vigility --database usage.db db current",
    )
)
def current(context: typer.Context) -> None:
    """Show the revision of the schema.

    It is `none` if there are no tables yet. Changes nothing.
    """
    state = _state(run_context(context))
    show(f"{state.current or 'none'} ({_describe(state)})")


@app.command(
    epilog=examples(
        "vigility db check && vigility serve --no-upgrade",
    )
)
def check(context: typer.Context) -> None:
    """Check whether the schema is up to date.

    Changes nothing. Exit codes: 0 this version of vigility can use the database as it is; 1 the database
    cannot be reached; 3 the schema is older or missing: run vigility db upgrade; 4 the schema is newer:
    upgrade vigility.
    """
    run = run_context(context)
    state = _state(run)
    show(f"{run.database_name}: {_describe(state)}")
    if not state.is_current:
        run.exit_code = TOO_OLD if state.is_known else TOO_NEW


def _state(run: RunContext) -> SchemaState:
    with named(database="--database (or DATABASE_URL)"):
        return schema_state(run.database)


def _describe(state: SchemaState) -> str:
    if state.is_current:
        return f"revision {state.newest}, up to date"
    if not state.is_known:
        return f"revision {state.current} is newer than {state.newest}, the newest that this vigility knows"
    found = f"revision {state.current}" if state.current else "no tables yet"
    return f"{found}, but revision {state.newest} is needed: run vigility db upgrade"
