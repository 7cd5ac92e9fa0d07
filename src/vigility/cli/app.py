"""The list of commands, and the global options that go before them."""

from __future__ import annotations

from typing import Annotated

import typer

from vigility.cli import config, copy, db, events, features, report, seed, serve, summaries, track, users
from vigility.cli.console import show
from vigility.cli.context import run_context
from vigility.cli.help import examples
from vigility.cli.single_options import refuse_repeats

app = typer.Typer(
    # Plain help: Rich's panels take 0.2 s to draw and leave little room in 60 columns.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=seed.EXAMPLES)(seed.seed)
app.command(epilog=track.EXAMPLES)(track.track)
app.command(epilog=report.EXAMPLES)(report.report)
app.command(epilog=serve.EXAMPLES)(serve.serve)
app.add_typer(users.app, name="users")
app.add_typer(events.app, name="events")
app.add_typer(features.app, name="features")
app.add_typer(summaries.app, name="summaries")
app.add_typer(db.app, name="db")
app.command(epilog=copy.EXAMPLES)(copy.copy)
app.command(epilog=config.EXAMPLES)(config.config)


def _print_version(requested: bool) -> None:
    if requested:
        from vigility.version import __version__

        show(f"vigility {__version__}")
        raise typer.Exit


@app.callback(
    invoke_without_command=True,
    epilog=examples(
        "vigility seed              # make demo data in ./vigility.db",
        "vigility report            # show the use of each feature",
        "vigility report --gender Female --feature date_filter",
        "vigility users add ada --age 36 --gender Female",
        "vigility track date_filter --user ada",
        "vigility --database usage.db report",
        "vigility COMMAND --help    # show more examples",
    ),
)
def vigility(
    context: typer.Context,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The database: a file path, sqlite:///PATH or postgresql://…; created on first use. By "
            "default DATABASE_URL of the environment or of the file .env, or else ./vigility.db.",
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 - used by its callback
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Feature-usage analytics: who uses which feature, and when."""
    run_context(context).chosen_database = database
    if context.invoked_subcommand is None:
        show(context.get_help())


refuse_repeats(app)
