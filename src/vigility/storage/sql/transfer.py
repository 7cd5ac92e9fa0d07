"""Events as one store hands them to another: pages in the order of ids, tallies, counts a day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, cast, func, literal, select

from vigility.core.model import AgeGroup, EventRecord, Gender
from vigility.core.times import day_from_number
from vigility.core.transfer import PLACES, VALUES, Page, SummaryKey, Tally
from vigility.storage.sql import summaries
from vigility.storage.sql.schema import day_summaries, events, features

_ROWS: Final = select(
    events.c.id, events.c.user_id, features.c.name, *events.c["at", "age", "gender", "event_id"]
).join_from(events, features)


def read_page(connection: Connection, after: int, upto: int, limit: int) -> Page:
    """See `EventRepository.page`."""
    chosen = _ROWS.where(events.c.id > after, events.c.id <= upto).order_by(events.c.id).limit(limit)
    rows = connection.execute(chosen).all()
    return Page([row[0] for row in rows], [EventRecord(*row[1:]) for row in rows])


def read_tally(connection: Connection, upto: int) -> Tally:
    """See `EventRepository.tally`."""
    sums = select(
        func.count(),
        func.coalesce(func.max(events.c.id), 0),
        func.count(events.c.event_id),
        func.coalesce(func.sum(_checked()), 0),
    ).where(events.c.id <= upto)
    return Tally(*map(int, connection.execute(sums).one()))


def read_day_counts(connection: Connection, upto: int) -> Mapping[SummaryKey, int]:
    """See `EventRepository.day_counts`. Reads the events above `upto`, which should be few, and no others."""
    kept = _by_key(connection, select(day_summaries))
    later = _by_key(connection, select(summaries.counted_from_events(events.c.id > upto)))
    return {key: left for key, count in kept.items() if (left := count - later.get(key, 0))}


def _checked() -> ColumnElement[int]:
    """`vigility.core.transfer.checked` in SQL, where the remainder of a negative number is negative."""
    at = (events.c.at % VALUES + VALUES) % VALUES
    values = (at + events.c.user_id + events.c.age) % VALUES
    return cast(values, BigInteger) * (events.c.id % PLACES + literal(1))


def _by_key(connection: Connection, query: Select[Any]) -> dict[SummaryKey, int]:
    names = dict(connection.execute(select(features.c.id, features.c.name)).all())
    return {
        SummaryKey(names[number], day_from_number(day), AgeGroup(group), Gender(gender)): int(count)
        for number, day, group, gender, count in connection.execute(query)
    }
