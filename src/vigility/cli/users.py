"""`vigility users`: adds a user, lists all users, or imports a file of users."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from vigility.cli.completion import genders
from vigility.cli.console import log, show
from vigility.cli.context import RunContext, run_context
from vigility.cli.errors import FAILED, CommandError, named
from vigility.cli.file_options import EncodingName, Map
from vigility.cli.help import command_group, examples
from vigility.cli.pluralize import pluralize
from vigility.core.errors import UsernameTaken

if TYPE_CHECKING:
    from vigility.cli.parsers.parsed_file import FileOptions
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
        typer.Option(metavar="P", help="8 to 128 characters. If it is missing, you are asked for it."),
    ] = None,
) -> None:
    """Add a user who can sign in and be tracked."""
    with run_context(context).open() as vigility, named(username="NAME"):
        # Report all other errors before asking for the password.
        if vigility.users.get(vigility.users.validated(name, age, gender).username):
            raise UsernameTaken(name)
        user = vigility.register(name, _ask_password() if password is None else password, age, gender)
    show(f"Added {user.username}: {user.age}, {user.gender.value}.")


def _ask_password() -> str:
    if not sys.stdin.isatty():
        raise CommandError("there is no terminal to ask for the password: use --password")
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
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List all users, in the order they were added."""
    run = run_context(context)
    with run.open() as vigility:
        users = vigility.users.all()
    if as_json:
        from vigility.cli.rendering.machine import json_text, user_json

        show(json_text([user_json(user) for user in users]))
    elif users:
        from vigility.cli.rendering.users import user_lines

        for line in user_lines(users):
            show(line)
        show(f"\n{pluralize(len(users), 'user')}")
    else:
        show(f"{run.database_name} has no users. To add one: {run.command} users add --help")


@app.command(
    "import",
    epilog=examples(
        "vigility users import users.csv",
        "vigility users import export.csv --encoding latin-1 --map username=login",
        "zcat users.csv.gz | vigility users import -",
    ),
)
def import_users(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="A CSV file, also packed by gzip, bzip2, xz, zstd or zip; - for stdin."
        ),
    ],
    encoding: EncodingName = None,
    maps: Map = None,
) -> None:
    """Add the users of a CSV file.

    Its columns are username, age and gender; further ones are named and ignored. The new users can be
    tracked, but have no password and cannot sign in. Existing users are not changed, so the same file can be
    imported again. Invalid rows are shown with their number and reason, and skipped; then the exit code is 1.
    """
    from vigility.cli.file_options import file_options
    from vigility.cli.parsers.users import COLUMNS

    run = run_context(context)
    imported, rejected = _import(run, file, file_options(COLUMNS.all, encoding, maps))
    _log_different(imported.different)
    existing = imported.unchanged + len(imported.different)
    parts = [f"{pluralize(imported.added, 'user')} added"]
    parts += [f"{existing:,} already stored"] if existing else []
    parts += [f"{pluralize(rejected, 'invalid line')} skipped"] if rejected else []
    run.exit_code = FAILED if rejected else 0
    show(f"{', '.join(parts)}.")


def _import(run: RunContext, file: str, options: FileOptions) -> tuple[Imported, int]:
    from vigility.cli.parsers.source import open_source
    from vigility.cli.parsers.users import read_users
    from vigility.cli.progress import show_progress
    from vigility.cli.rejects import RejectLog, log_ignored
    from vigility.cli.user_import import UserImport

    with (
        open_source(file, options.encoding) as source,
        run.open() as vigility,
        show_progress(source.size) as progress,
    ):
        rows = read_users(source, options)
        rejects = RejectLog()
        rejects.begin(rows.form, progress)
        log_ignored(rows, source, progress)
        task = UserImport(vigility, rows, run.signals, rejects)
        task.run(source, progress)
        rejects.close()
    return task.imported, rejects.rejected


def _log_different(names: Sequence[str]) -> None:
    for name in names[:DIFFERENT_SHOWN]:
        log(f"{name} exists with another age or gender, and was not changed")
    if len(names) > DIFFERENT_SHOWN:
        log(f"and {pluralize(len(names) - DIFFERENT_SHOWN, 'more user')} with another age or gender")
