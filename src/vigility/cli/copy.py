"""`vigility copy`: move to another database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Annotated

import typer

from vigility.cli.errors import named
from vigility.cli.help import examples
from vigility.cli.console import show
from vigility.cli.context import run_context
from vigility.cli.signals import Signals
from vigility.cli.pluralize import pluralize
from vigility.core.migration import Copy

Source = Annotated[str, typer.Argument(metavar="SOURCE_URL", help="The database to copy. Only read from.")]
Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET_URL",
        help="The database to copy it to: new, empty, or of an earlier run of this copy.",
    ),
]

EXAMPLES = examples(
    "vigility copy usage.db moved.db",
    "vigility copy sqlite:////var/lib/vigility/usage.db postgresql://vigility@db.example/usage",
)


def copy(context: typer.Context, source: Source, target: Target) -> None:
    """Copy users, events and ended sessions to another database, under the ids they have.

    At the end both are compared: the counts, every event's user, time and age, and every day summary. A copy
    that was interrupted goes on where it stopped when it is called again. Events that the source takes
    meanwhile are copied by the next call.
    """
    from vigility.bootstrap import copying
    from vigility.cli.gc_threshold import gc_less_often

    began = perf_counter()
    signals = run_context(context).signals
    names = {"source": "SOURCE_URL", "target": "TARGET_URL"}
    with named(**names), copying(source, target) as task, gc_less_often(), _saying_what_is_copied(task):
        task.begin()
        before = task.copied
        _copy(task, signals)
        more = task.finish()
    _summarize(task, task.copied - before, perf_counter() - began)
    if more:
        show("The source took more events meanwhile. Stop what writes to it and copy again to have them.")


def _copy(task: Copy, signals: Signals) -> None:
    from vigility.cli.progress import progress

    with progress(task.total) as bar:
        with signals.held():
            task.users()
        goes_on = True
        while goes_on:
            bar.reached(task.copied, f"{counted(task.copied, 'event')} copied")
            with signals.held():
                goes_on = task.events()


@contextmanager
def _saying_what_is_copied(task: Copy) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if task.copied:
            error.add_note(
                f"{task.copied:,} of {counted(task.total, 'event')} are in the target; "
                "the same command goes on behind them"
            )
        raise


def _summarize(task: Copy, events: int, seconds: float) -> None:
    rate = f" ({events / seconds:,.0f} a second)" if seconds > 1 and events else ""
    show(f"Copied {counted(task.new_users, 'user')} and {counted(events, 'event')}{rate}.")
    holds = f"{counted(task.total, 'event')}, and every day summary agrees"
    show(f"The target holds what the source holds: {holds}.")
