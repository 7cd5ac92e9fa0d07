"""Stored events and features in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.table import Table

from vigility.cli.console import visible
from vigility.cli.rendering.terminal import name, plain_table
from vigility.core.events.model import Event
from vigility.core.reports.ports import FeatureUse


def event_table(events: Iterable[Event], usernames: Mapping[int, str]) -> Table:
    """Return a table of stored events."""
    table = plain_table()
    table.add_column("Id", justify="right")
    table.add_column("Time (UTC)", no_wrap=True)
    table.add_column("User", overflow="fold")
    table.add_column("Feature", overflow="fold")
    for event in events:
        at = event.at.isoformat(timespec="seconds").removesuffix("+00:00")
        table.add_row(str(event.id), at, name(usernames[event.user_id]), name(event.feature))
    return table


def feature_lines(features: Sequence[FeatureUse]) -> Iterator[str]:
    """Yield a heading, then a line per feature. The name comes last, so its width does not matter.

    Not a table of Rich, which takes half a second per thousand rows.
    """
    wide = max(len("Events"), len(f"{features[0].events:,}"))
    yield f"{'Events':>{wide}}   First day    Last day     Feature"
    for use in features:
        first, last = (str(day or "none").ljust(10) for day in (use.first_day, use.last_day))
        yield f"{use.events:>{wide},}   {first}   {last}   {visible(use.feature)}"
