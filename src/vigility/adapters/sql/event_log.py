"""Events as one store hands them to another: pages in the order of ids, tallies, counts a day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, cast, func, literal, select

from vigility.core.dimensions import AgeGroup, Gender
from vigility.core.events.model import EventRecord
from vigility.core.times import day_from_number
from vigility.core.events.export import PLACES, VALUES, EventPage, Checksum
from vigility.core.reports.rollups import RollupKey
from vigility.adapters.sql import rollups
from vigility.adapters.sql.schema import daily_rollups, events, features

_ROWS: Final = select(
    events.c.id, events.c.user_id, features.c.name, *events.c["at", "age", "gender", "event_id"]
).join_from(events, features)


def read_page(connection: Connection, after: int, upto: int, limit: int) -> EventPage:
    """See `EventRepository.page`."""
    chosen = _ROWS.where(events.c.id > after, events.c.id <= upto).order_by(events.c.id).limit(limit)
    rows = connection.execute(chosen).all()
    return EventPage([row[0] for row in rows], [EventRecord(*row[1:]) for row in rows])


def read_tally(connection: Connection, upto: int) -> Checksum:
    """See `EventRepository.tally`."""
    sums = select(
        func.count(),
        func.coalesce(func.max(events.c.id), 0),
        func.count(events.c.event_id),
        func.coalesce(func.sum(_checked()), 0),
    ).where(events.c.id <= upto)
    return Checksum(*map(int, connection.execute(sums).one()))


def read_day_counts(connection: Connection, upto: int) -> Mapping[RollupKey, int]:
    """See `EventRepository.day_counts`. Reads the events above `upto`, which should be few, and no others."""
    kept = _by_key(connection, select(daily_rollups))
    later = _by_key(connection, select(rollups.counted_from_events(events.c.id > upto)))
    return {key: left for key, count in kept.items() if (left := count - later.get(key, 0))}


def _checked() -> ColumnElement[int]:
    """`vigility.core.events.export.checked` in SQL, where the remainder of a negative number is negative."""
    at = (events.c.at % VALUES + VALUES) % VALUES
    values = (at + events.c.user_id + events.c.age) % VALUES
    return cast(values, BigInteger) * (events.c.id % PLACES + literal(1))


def _by_key(connection: Connection, query: Select[Any]) -> dict[RollupKey, int]:
    names = dict(connection.execute(select(features.c.id, features.c.name)).all())
    return {
        RollupKey(names[number], day_from_number(day), AgeGroup(group), Gender(gender)): int(count)
        for number, day, group, gender, count in connection.execute(query)
    }
