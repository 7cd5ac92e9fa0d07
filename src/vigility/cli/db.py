"""`vigility db`: the schema of the database, for upgrades by hand or in a script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vigility.bootstrap import problems, schema_state, upgrade
from vigility.cli.console import one_line, show
from vigility.cli.context import RunContext, run_context
from vigility.cli.help import command_group, examples
from vigility.cli.pluralize import pluralize
from vigility.core.errors import StoreDamaged

if TYPE_CHECKING:
    from vigility.bootstrap import SchemaState

TOO_OLD: Final = 3
TOO_NEW: Final = 4
DAMAGED: Final = 5

# A damaged page can cause many. The first ones show where it is.
SHOWN: Final = 100

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
    with run.signals.deferred(), run.database_named():
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
        "vigility db check --integrity",
    )
)
def check(
    context: typer.Context,
    *,
    integrity: Annotated[
        bool, typer.Option("--integrity", help="Also read the whole database and look for damage.")
    ] = False,
) -> None:
    """Check whether the schema is up to date.

    With --integrity, also look for damage. Changes nothing. Exit codes: 0 this version of vigility can use
    the database as it is; 1 the database cannot be reached; 3 the schema is older or missing: run vigility
    db upgrade; 4 the schema is newer: upgrade vigility; 5 --integrity found damage.
    """
    run = run_context(context)
    try:
        state = _state(run)
    except StoreDamaged as error:
        if not integrity:
            raise
        _show_problems(run, [str(error)])
        return
    show(f"{run.database_name}: {_describe(state)}")
    if not state.is_current:
        run.exit_code = TOO_OLD if state.is_known else TOO_NEW
    elif integrity:
        _show_problems(run, problems(run.database))


def _show_problems(run: RunContext, found: Sequence[str]) -> None:
    for problem in found[:SHOWN]:
        show(one_line(problem))
    if not found:
        show(f"No damage was found in {run.database_name}.")
        return
    show(f"{pluralize(len(found), 'problem')} in {run.database_name}. What to do: docs/durability.md")
    run.exit_code = DAMAGED


def _state(run: RunContext) -> SchemaState:
    with run.database_named():
        return schema_state(run.database)


def _describe(state: SchemaState) -> str:
    if state.is_current:
        return f"revision {state.newest}, up to date"
    if not state.is_known:
        return f"revision {state.current} is newer than {state.newest}, the newest that this vigility knows"
    found = f"revision {state.current}" if state.current else "no tables yet"
    return f"{found}, but revision {state.newest} is needed: run vigility db upgrade"
