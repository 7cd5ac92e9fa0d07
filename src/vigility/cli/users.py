"""`vigility users`: add one, list all, import a file of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from vigility.cli.completion import genders
from vigility.cli.errors import FAILED, CommandError, named
from vigility.cli.help import command_group, examples
from vigility.cli.console import say, show
from vigility.cli.context import RunContext, run_context
from vigility.cli.pluralize import pluralize
from vigility.core.errors import UsernameTaken

if TYPE_CHECKING:
    from vigility.cli.user_import import Imported

DIFFERENT_SHOWN = 20

app = command_group("Add, list and import users.")


@app.command(
    epilog=examples(
        "vigility users add ada --age 36 --gender Female",
        'vigility users add bot --age 20 --gender Other --password "$BOT_PASSWORD"',
    )
)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The username.")],
    age: Annotated[str, typer.Option(metavar="N", help="The age in whole years.")],
    gender: Annotated[str, typer.Option(metavar="G", help="Male, Female or Other.", autocompletion=genders)],
    password: Annotated[
        str | None,
        typer.Option(metavar="P", help="8 to 128 characters. Without it, it is asked for, unseen."),
    ] = None,
) -> None:
    """Add a user who can be tracked and can log in."""
    with run_context(context).open() as vigility, named(username="NAME"):
        # All that can be said before the password is asked for.
        if vigility.user(vigility.accounts.checked(name, age, gender).username):
            raise UsernameTaken(name)
        user = vigility.register(name, _asked_password() if password is None else password, age, gender)
    show(f"Added {user.username}: {user.age}, {user.gender.value}.")


def _asked_password() -> str:
    if not sys.stdin.isatty():
        raise CommandError("the password cannot be asked for without a terminal: give --password")
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer


@app.command(
    "list",
    epilog=examples(
        "vigility users list",
        "vigility users list --json | jq length",
    ),
)
def list_users(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As a JSON list.")] = False,
) -> None:
    """List all users, in the order in which they were added."""
    session = run_context(context)
    with session.open() as vigility:
        users = vigility.users()
    if as_json:
        from vigility.cli.rendering.machine import json_text, user_json

        show(json_text([user_json(user) for user in users]))
    elif users:
        from vigility.cli.rendering.users import user_lines

        for line in user_lines(users):
            show(line)
        show(f"{counted(len(users), 'user')}")
    else:
        show(f"{session.database_name} holds no users. To add one: {session.command} users add --help")


@app.command(
    "import",
    epilog=examples(
        "vigility users import users.csv",
        "zcat users.csv.gz | vigility users import -",
    ),
)
def import_users(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A CSV file, gzip too; - for stdin.")],
) -> None:
    """Add the users of a CSV file with the columns username, age, gender.

    They can be tracked but, without a password, cannot log in. Users who exist are left as they are, so
    that importing again changes nothing. Wrong rows are reported and left out; then the exit code is 1.
    """
    session = run_context(context)
    imported, wrong = _import(session, file)
    _say_who_differs(imported.different)
    known = imported.unchanged + len(imported.different)
    parts = [f"{counted(imported.added, 'user')} added"]
    parts += [f"{known:,} there before"] if known else []
    parts += [f"{counted(wrong, 'wrong line')} left out"] if wrong else []
    session.exit_code = FAILED if wrong else 0
    show(f"{', '.join(parts)}.")


def _import(session: RunContext, file: str) -> tuple[Imported, int]:
    from vigility.cli.rejects import RejectLog
    from vigility.cli.progress import progress
    from vigility.cli.parsers.source import open_source
    from vigility.cli.parsers.users import read_users
    from vigility.cli.user_import import UserImport

    with open_source(file) as source, session.open() as vigility, progress(source.size) as bar:
        faults = RejectLog(bar)
        task = UserImport(vigility, read_users(source), session.signals, faults)
        task.run(source, bar)
        faults.close()
    return task.imported, faults.count


def _say_who_differs(names: Sequence[str]) -> None:
    for name in names[:DIFFERENT_SHOWN]:
        say(f"{name} exists with another age or gender, and was left so")
    if len(names) > DIFFERENT_SHOWN:
        say(f"and {counted(len(names) - DIFFERENT_SHOWN, 'more user')} likewise")
