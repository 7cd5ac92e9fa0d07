"""`vigility copy`: copy a database to another one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Annotated

import typer

from vigility.cli.console import rate, show
from vigility.cli.context import run_context
from vigility.cli.errors import named
from vigility.cli.help import examples
from vigility.cli.pluralize import pluralize
from vigility.cli.signals import Signals
from vigility.core.database_copy import Copy

Source = Annotated[str, typer.Argument(metavar="SOURCE_URL", help="The database to copy. It is only read.")]
Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET_URL",
        help="The database to copy to: a new or empty one, or the target of an earlier run.",
    ),
]

EXAMPLES = examples(
    "vigility copy usage.db moved.db",
    "vigility copy sqlite:////var/lib/vigility/usage.db postgresql://vigility@db.example/usage",
)


def copy(context: typer.Context, source: Source, target: Target) -> None:
    """Copy all data to another database.

    Users, events and revoked tokens are copied and keep their ids. At the end, both databases are compared:
    the counts, the user, time and age of every event, and all daily rollups. If the copy is interrupted,
    run the same command again to continue. Events that the source receives during the copy are copied by
    the next run.
    """
    from vigility.bootstrap import open_copy
    from vigility.cli.gc_threshold import higher_gc_threshold

    began = perf_counter()
    signals = run_context(context).signals
    names = {"source": "SOURCE_URL", "target": "TARGET_URL"}
    with named(**names), open_copy(source, target) as task, higher_gc_threshold(), _progress_in_errors(task):
        task.begin()
        before = task.copied
        _copy(task, signals)
        more = task.finish()
    _summarize(task, task.copied - before, perf_counter() - began)
    if more:
        show(
            "The source received more events during the copy. To copy them too, stop its writers and run "
            "the same command again."
        )


def _copy(task: Copy, signals: Signals) -> None:
    from vigility.cli.progress import show_progress

    with show_progress(task.total) as progress:
        with signals.deferred():
            task.users()
        more = True
        while more:
            progress.reached(task.copied, f"{pluralize(task.copied, 'event')} copied")
            with signals.deferred():
                more = task.events()


@contextmanager
def _progress_in_errors(task: Copy) -> Iterator[None]:
    """Add to any error how much was copied and how to continue."""
    try:
        yield
    except BaseException as error:
        if task.copied:
            error.add_note(
                f"{task.copied:,} of {pluralize(task.total, 'event')} are in the target; "
                "run the same command again to continue"
            )
        raise


def _summarize(task: Copy, events: int, seconds: float) -> None:
    copied = f"{pluralize(task.new_users, 'user')} and {pluralize(events, 'event')}"
    show(f"Copied {copied}{rate(events, seconds)}.")
    events_in_total = pluralize(task.total, "event")
    show(f"Verified: the target holds the same {events_in_total} and daily rollups as the source.")
