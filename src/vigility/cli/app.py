"""The commands there are, and the options that go before them."""

from __future__ import annotations

from typing import Annotated

import typer

from vigility.bootstrap import DEFAULT_URL
from vigility.cli import copy, db, report, seed, serve, summaries, track, users
from vigility.cli.help import examples
from vigility.cli.console import show
from vigility.cli.context import run_context

app = typer.Typer(
    # Plain help: panels of rich take 0.2 s to draw and leave little room in 60 columns.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=seed.EXAMPLES)(seed.seed)
app.command(epilog=track.EXAMPLES)(track.track)
app.command(epilog=report.EXAMPLES)(report.report)
app.command(epilog=serve.EXAMPLES)(serve.serve)
app.add_typer(users.app, name="users")
app.add_typer(summaries.app, name="summaries")
app.add_typer(db.app, name="db")
app.command(epilog=copy.EXAMPLES)(copy.copy)


def _print_version(wanted: bool) -> None:
    if wanted:
        from vigility.version import __version__

        show(f"vigility {__version__}")
        raise typer.Exit


@app.callback(
    invoke_without_command=True,
    epilog=examples(
        "vigility seed                              a demo database, ./vigility.db",
        "vigility report                            how often each feature was used",
        "vigility report --gender Female --feature date_filter",
        "vigility --database usage.db users add ada --age 36 --gender Female",
        "vigility --database usage.db track date_filter --user ada",
        "vigility COMMAND --help                    more examples",
    ),
)
def vigility(
    context: typer.Context,
    database: Annotated[
        str,
        typer.Option(
            envvar="DATABASE_URL",
            metavar="URL",
            help="The database: the path of a file, sqlite:///PATH or postgresql://…; made on first use.",
        ),
    ] = DEFAULT_URL,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Feature-usage analytics: who uses which feature, and when."""
    run_context(context).database = database
    if context.invoked_subcommand is None:
        show(context.get_help())
