"""`vigility events`: deletes events that should not have been stored."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from vigility.cli.confirm import require_yes
from vigility.cli.console import show
from vigility.cli.context import run_context
from vigility.cli.deleting import step_by_step
from vigility.cli.errors import UsageError, named
from vigility.cli.help import command_group, examples
from vigility.cli.pluralize import pluralize
from vigility.core.events.model import Event
from vigility.core.maintenance import EventChoice
from vigility.core.service import Vigility

SHOWN: Final = 5

app = command_group("Delete events.")


@app.command(
    epilog=examples(
        "vigility events delete --to 1999-12-31",
        "vigility events delete --from 2569-01-01 --user ada",
        "vigility events delete --id 1001 --id 123e4567-e89b-42d3-a456-426614174000",
        "vigility events delete --feature zoom --from 2026-01-31T12:00:00Z --yes",
    )
)
def delete(  # noqa: PLR0913 - a command has as many parameters as options
    context: typer.Context,
    *,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="The id of an event, or its event_id; can be repeated."),
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="NAME", help="Events of this user.")] = None,
    feature: Annotated[str | None, typer.Option(metavar="NAME", help="Events of this feature.")] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TIME", help="Not before this UTC day, or this time with a time zone."
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", metavar="TIME", help="Not after this UTC day, or this time with a time zone."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
) -> None:
    """Delete the events for which all given options hold.

    The first of them are shown, and you are asked. Reports are then as if the events had never been stored.
    A copy of the database (vigility copy) keeps them until they are deleted there too.
    """
    choice = _choice(ids, user, feature, start, end)
    if not choice:
        raise UsageError("needs at least one of --id, --user, --feature, --from and --to")
    run = run_context(context)
    with run.open() as vigility, named(start="--from", end="--to", feature_name="--feature"):
        count = vigility.maintenance.count_events(**choice)
        if not count:
            show("No events are chosen by these options; nothing was changed.")
            return
        _preview(vigility, vigility.maintenance.find_events(SHOWN, **choice), count)
        require_yes(f"Delete {pluralize(count, 'event')} from {run.database_name}?", yes=yes)
        with step_by_step(count, "deleted") as reached:
            deleted = vigility.maintenance.delete_events(on_progress=reached, **choice)
    show(f"{pluralize(deleted, 'event')} deleted.")


def _choice(
    ids: list[str] | None, user: str | None, feature: str | None, start: str | None, end: str | None
) -> EventChoice:
    choice: EventChoice = {}
    if ids:
        choice["ids"] = ids
    if user is not None:
        choice["user"] = user
    if feature is not None:
        choice["feature"] = feature
    if start is not None:
        choice["start"] = start
    if end is not None:
        choice["end"] = end
    return choice


def _preview(vigility: Vigility, first: list[Event], count: int) -> None:
    from vigility.cli.rendering.events import event_table
    from vigility.cli.rendering.terminal import standard_output

    usernames = {event.user_id: _username(vigility, event.user_id) for event in first}
    standard_output().print(event_table(first, usernames))
    if count > len(first):
        show(f"and {pluralize(count - len(first), 'more event')}")


def _username(vigility: Vigility, user_id: int) -> str:
    user = vigility.users.with_id(user_id)
    return f"user {user_id}" if user is None else user.username
