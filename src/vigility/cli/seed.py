"""`vigility seed`: a demo database. Its events are stored in the same way as real ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random
from typing import Annotated

import typer

from vigility.bootstrap import utc_now
from vigility.cli.console import show
from vigility.cli.context import RunContext, run_context
from vigility.cli.errors import CommandError
from vigility.cli.help import examples
from vigility.cli.pluralize import pluralize
from vigility.core.batch_jobs import batch_job
from vigility.core.demo import PASSWORD, demo_events, demo_users
from vigility.core.events.model import NewEvent
from vigility.core.events.tracking import BATCH_SIZE
from vigility.core.service import Vigility
from vigility.core.times import CALENDAR
from vigility.core.users.model import NewUser

SHOWN_USERS = 10

Users = Annotated[int, typer.Option(min=1, max=1_000_000, metavar="N", help="Number of users.")]
Events = Annotated[int, typer.Option(min=0, max=1_000_000_000, metavar="N", help="Number of events.")]
Days = Annotated[
    int, typer.Option(min=1, max=36_500, metavar="N", help="Spread the events over the last N days.")
]
RandomSeed = Annotated[
    int | None, typer.Option(metavar="N", help="Make the same users and events on each run with this N.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Wipe a database that has data without asking.")]


EXAMPLES = examples(
    "vigility seed",
    "vigility --database demo.db seed --yes --random-seed 1",
    "vigility seed --users 1000 --events 1000000 --days 365",
)


def seed(  # noqa: PLR0913 - a command has as many parameters as options
    context: typer.Context,
    *,
    users: Users = 10,
    events: Events = 100,
    days: Days = 90,
    random_seed: RandomSeed = None,
    yes: Yes = False,
) -> None:
    """Wipe the database and add demo data."""
    run = run_context(context)
    now, random = utc_now(), Random(random_seed)  # noqa: S311 - demo data, not a secret
    with run.open() as vigility:
        if not yes and not vigility.maintenance.is_empty():
            _ask_to_wipe(run)
        population = demo_users(users, now, vigility.users.hash_password(PASSWORD), random)
        usernames = [user.username for user in population]
        _fill(run, vigility, population, demo_events(usernames, now, days, events, random), events)
    _show(population)
    show(
        f"{pluralize(events, 'event')} over {pluralize(days, 'day')} stored in {run.database_name}. "
        f"To see them: {run.command} report"
    )


def _ask_to_wipe(run: RunContext) -> None:
    has_data = f"{run.database_name} has data"
    if not sys.stdin.isatty():
        raise CommandError(f"{has_data}: use --yes to wipe it")
    if not typer.confirm(f"{has_data}. Wipe it?", err=True):
        raise CommandError("nothing was changed")


def _fill(
    run: RunContext,
    vigility: Vigility,
    population: Sequence[NewUser],
    events: Iterator[NewEvent],
    total: int,
) -> None:
    from vigility.cli.gc_threshold import higher_gc_threshold
    from vigility.cli.progress import show_progress

    stored = 0
    try:
        with run.signals.deferred(), batch_job():
            vigility.maintenance.wipe()
            vigility.users.import_many(population)
        with higher_gc_threshold(), show_progress(total) as progress:
            importer = vigility.events.importer(CALENDAR)
            while batch := list(islice(events, BATCH_SIZE)):
                with run.signals.deferred(), batch_job():
                    stored += importer.store(batch).accepted
                    progress.reached(stored, f"{pluralize(stored, 'event')} stored")
    except BaseException as error:
        error.add_note(
            f"{stored:,} of {pluralize(total, 'event')} are stored; run seed again to store all of them"
        )
        raise


def _show(population: Sequence[NewUser]) -> None:
    from vigility.cli.rendering.terminal import standard_output
    from vigility.cli.rendering.users import demo_table

    standard_output().print(demo_table(population[:SHOWN_USERS]))
    if len(population) > SHOWN_USERS:
        show(f"and {pluralize(len(population) - SHOWN_USERS, 'more user')}")
    show(f"Password of all users: {PASSWORD}")
