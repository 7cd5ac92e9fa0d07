"""`vigility db`: the schema of the database, for those who upgrade it by hand or in a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer

from vigility.bootstrap import schema_state, upgrade
from vigility.cli.errors import named
from vigility.cli.help import command_group, examples
from vigility.cli.console import show
from vigility.cli.context import RunContext, run_context
from vigility.core.errors import InvalidInput

if TYPE_CHECKING:
    from vigility.bootstrap import SchemaState

TOO_OLD: Final = 3
TOO_NEW: Final = 4

app = command_group("Look at the schema of the database, or upgrade it.")


@app.command(
    name="upgrade",
    epilog=examples(
        "vigility db upgrade",
        "vigility --database usage.db db upgrade",
    ),
)
def upgrade_schema(context: typer.Context) -> None:
    """Make the tables, or bring them up to date, in one transaction; an up-to-date database is left alone.

    However many do it at once, it is done once. Killed half-way it leaves the schema as it was.
    """
    session = run_context(context)
    before = _state(session)
    with session.signals.held():
        after = upgrade(session.database)
    if before.is_current:
        show(f"The schema of {session.database_name} is up to date: revision {after.current}.")
    else:
        was = f"from revision {before.current} " if before.current else ""
        show(f"The schema of {session.database_name} was upgraded {was}to revision {after.current}.")


@app.command(
    epilog=examples(
        "vigility --database usage.db db current",
    )
)
def current(context: typer.Context) -> None:
    """Show which revision of the schema the database has; `none` before the first. Changes nothing."""
    state = _state(run_context(context))
    show(f"{state.current or 'none'} ({_judged(state)})")


@app.command(
    epilog=examples(
        "vigility db check && vigility serve --no-upgrade",
    )
)
def check(context: typer.Context) -> None:
    """Say whether this version of vigility can use the database as it is. Changes nothing.

    Exit codes: 0 it can; 1 the database cannot be reached; 3 its schema is older, or there is none yet:
    vigility db upgrade; 4 its schema is newer: upgrade vigility.
    """
    session = run_context(context)
    state = _state(session)
    show(f"{session.database_name}: {_judged(state)}")
    if not state.is_current:
        session.exit_code = TOO_OLD if state.is_known else TOO_NEW


def _state(session: RunContext) -> SchemaState:
    if session.database == "memory:":
        raise InvalidInput("--database (or DATABASE_URL)", "must outlive the program: memory: has no schema")
    with named(database="--database (or DATABASE_URL)"):
        return schema_state(session.database)


def _judged(state: SchemaState) -> str:
    if state.is_current:
        return f"revision {state.newest}, up to date"
    if not state.is_known:
        return f"revision {state.current} is newer than {state.newest}, up to which this vigility knows them"
    has = f"revision {state.current}" if state.current else "no tables yet"
    return f"{has}, and {state.newest} is needed: run vigility db upgrade"
