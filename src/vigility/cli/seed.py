"""`vigility seed`: a demo database, filled through the same way in as real events."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random
from typing import Annotated

import typer

from vigility.bootstrap import utc_now
from vigility.cli.errors import CommandError
from vigility.cli.help import examples
from vigility.cli.console import show
from vigility.cli.context import RunContext, run_context
from vigility.cli.pluralize import pluralize
from vigility.core.demo import PASSWORD, demo_events, demo_users
from vigility.core.events.model import NewEvent
from vigility.core.users.model import NewUser
from vigility.core.service import Vigility
from vigility.core.events.tracking import BATCH_SIZE

SHOWN_USERS = 10

Users = Annotated[int, typer.Option(min=1, max=1_000_000, metavar="N", help="How many users.")]
Events = Annotated[int, typer.Option(min=0, max=1_000_000_000, metavar="N", help="How many events.")]
Days = Annotated[
    int, typer.Option(min=1, max=36_500, metavar="N", help="Spread the events over the last N days.")
]
RandomSeed = Annotated[
    int | None, typer.Option(metavar="N", help="Draw the same users and events as last time with this N.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Wipe a database that holds data without asking.")]


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
    """Wipe the database and fill it with demo users and events."""
    session = run_context(context)
    now, random = utc_now(), Random(random_seed)  # noqa: S311 - a demo, no secret
    with session.open() as vigility:
        if not yes and not vigility.is_empty():
            _ask_to_wipe(session)
        population = demo_users(users, now, vigility.accounts.hash_password(PASSWORD), random)
        usernames = [user.username for user in population]
        _fill(session, vigility, population, demo_events(usernames, now, days, events, random), events)
    _show(population)
    show(
        f"{counted(events, 'event')} over {counted(days, 'day')} stored in {session.database_name}. "
        f"See them: {session.command} report"
    )


def _ask_to_wipe(session: RunContext) -> None:
    holds = f"{session.database_name} holds data"
    if not sys.stdin.isatty():
        raise CommandError(f"{holds}: give --yes to wipe it")
    if not typer.confirm(f"{holds}. Wipe it?", err=True):
        raise CommandError("nothing was changed")


def _fill(
    session: RunContext,
    vigility: Vigility,
    population: Sequence[NewUser],
    events: Iterator[NewEvent],
    total: int,
) -> None:
    from vigility.cli.gc_threshold import gc_less_often
    from vigility.cli.progress import progress

    stored = 0
    try:
        with session.signals.held():
            vigility.wipe()
            vigility.accounts.import_users(population)
        with gc_less_often(), progress(total) as bar:
            importer = vigility.importer()
            while batch := list(islice(events, BATCH_SIZE)):
                with session.signals.held():
                    stored += importer.store(batch).accepted
                    bar.reached(stored, f"{counted(stored, 'event')} stored")
    except BaseException as error:
        error.add_note(f"{stored:,} of {counted(total, 'event')} are stored; seed again to have them all")
        raise


def _show(population: Sequence[NewUser]) -> None:
    from vigility.cli.rendering.terminal import standard_output
    from vigility.cli.rendering.users import demo_table

    standard_output().print(demo_table(population[:SHOWN_USERS]))
    if len(population) > SHOWN_USERS:
        show(f"and {counted(len(population) - SHOWN_USERS, 'more user')}")
    show(f"Password of all: {PASSWORD}")
