"""The statements that write events and their counts on PostgreSQL, and what they are given."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import repeat
from typing import Final

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from vigility.core.errors import UserGone
from vigility.core.events.model import EventRecord
from vigility.adapters.sql.database import ConcurrentChange, RollupRow

_Kind = tuple[int, str, int, str]
"""user_id, feature, age, gender: what many events of a batch have in common."""

# New ids are taken under the lock that `PostgresDatabase.storing` holds: a wipe, which begins them again,
# waits for it; and it shows who may have been given ids (settling.py).
_NEW_ID: Final = "nextval('vigility_events_id_seq')"
# All in one statement: after each answer of the server, Python's global lock has to be won back.
# Each kind is sent once, and numbered; an event says its number. The users are held until the transaction
# ends, as foreign keys would do, but once for each user and not for each event: as a trigger on each event it
# took more than half of the time of a batch (docs/postgresql.md).
# The ids come back as a range where they are one, in the order of the events.
_INSERT_EVENTS: Final = """
WITH sent AS MATERIALIZED (
    SELECT {id} AS id, kind, at, event_id, n
    FROM unnest({given}%s::int[], %s::bigint[], %s::text[])
        WITH ORDINALITY AS s ({column}kind, at, event_id, n)
), inserted AS (
    INSERT INTO vigility_events (id, user_id, feature_id, at, age, gender, event_id)
    SELECT sent.id, user_id, f.id, at, age, gender, event_id
    FROM sent
    JOIN unnest(%s::int[], %s::text[], %s::smallint[], %s::text[])
        WITH ORDINALITY AS k (user_id, feature, age, gender, kind) USING (kind)
    JOIN vigility_features f ON f.name = feature
    {once}
    RETURNING 1
), held AS (
    SELECT FROM vigility_users WHERE id = ANY(%s::int[]) ORDER BY id FOR KEY SHARE
)
SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM inserted),
    min(id), max(id), CASE WHEN max(id - n) > min(id - n) THEN array_agg(id ORDER BY n) END
FROM sent
"""
# Goes through the event_ids in one order: who waits for another's must not be waited for.
_ONCE: Final = "ORDER BY event_id ON CONFLICT (event_id) WHERE event_id IS NOT NULL DO NOTHING"
_INSERT_NEW: Final = _INSERT_EVENTS.format(id=_NEW_ID, given="", column="", once="")
_INSERT_NEW_ONCE: Final = _INSERT_EVENTS.format(id=_NEW_ID, given="", column="", once=_ONCE)
_RESTORE: Final = _INSERT_EVENTS.format(id="id", given="%s::bigint[], ", column="id, ", once=_ONCE)
# In key order: writers that lock rows as they go then never wait for each other in a circle.
_ADD_TO_SUMMARIES: Final = """
INSERT INTO vigility_day_summaries AS summary (feature_id, day, age_group, gender, count)
SELECT f.id, day, age_group, gender, counted
FROM unnest(%s::text[], %s::int[], %s::text[], %s::text[], %s::bigint[])
    AS s (feature, day, age_group, gender, counted)
JOIN vigility_features f ON f.name = feature
ORDER BY f.id, day, age_group, gender
ON CONFLICT (feature_id, day, age_group, gender) DO UPDATE SET count = summary.count + excluded.count
"""

# Above, COPY is the faster one; below, its further waits for the server cost more.
_MOST_TO_INSERT: Final = 2_000
_NEW_IDS: Final = """
SELECT min(id), max(id), CASE WHEN max(id - n) > min(id - n) THEN array_agg(id ORDER BY n) END
FROM (SELECT nextval('vigility_events_id_seq') AS id, n FROM generate_series(1, %s) AS n) AS given
"""
_HOLD_USERS: Final = """
SELECT count(*)
FROM (SELECT FROM vigility_users WHERE id = ANY(%s::int[]) ORDER BY id FOR KEY SHARE) AS held
"""
_FEATURE_IDS: Final = "SELECT name, id FROM vigility_features WHERE name = ANY(%s)"
_COPY_EVENTS: Final = "COPY vigility_events (id, user_id, feature_id, age, gender, at) FROM STDIN"


def insert_events(
    connection: Connection, records: Sequence[EventRecord], ids: Sequence[int] | None
) -> Sequence[int]:
    """Insert events, under these ids or new ones; the ids. Raises UserGone or ChangedMeanwhile."""
    user_ids, features, ats, ages, genders, event_ids = zip(*records, strict=True)
    kinds = list(zip(user_ids, features, ages, genders, strict=True))
    repeatable = event_ids.count(None) < len(records)
    if len(records) <= _MOST_TO_INSERT or repeatable:
        return _insert(connection, kinds, ats, event_ids if repeatable else None, ids)
    return _copy(connection, kinds, ats, ids)


def add_to_rollups(connection: Connection, rows: Sequence[RollupRow]) -> None:
    """See `Database.add_to_summaries`."""
    names, *columns = zip(*rows, strict=True)
    connection.exec_driver_sql(_ADD_TO_SUMMARIES, (list(names), *map(_array, columns)))


def _insert(
    connection: Connection,
    kinds: Sequence[_Kind],
    ats: Sequence[int],
    event_ids: Sequence[str | None] | None,
    ids: Sequence[int] | None,
) -> Sequence[int]:
    number = {kind: place for place, kind in enumerate(dict.fromkeys(kinds), start=1)}
    user_ids, features, ages, genders = zip(*number, strict=True)
    users = set(user_ids)
    statement = _INSERT_NEW if event_ids is None else _INSERT_NEW_ONCE
    values = [
        _array(map(number.__getitem__, kinds)),
        _array(ats),
        None if event_ids is None else _array(["NULL" if one is None else one for one in event_ids]),
        *(_array(user_ids), list(features), _array(ages), _array(genders), _array(users)),
    ]
    if ids is not None:
        statement = _RESTORE
        values.insert(0, _array(ids))
    row = connection.exec_driver_sql(statement, tuple(values)).one()
    held, inserted, first, last, scattered = row
    _require_held(held, users)
    if inserted < len(kinds):
        raise ConcurrentChange
    return ids or scattered or range(first, last + 1)  # scattered where another took some between


def _copy(
    connection: Connection, kinds: Sequence[_Kind], ats: Sequence[int], ids: Sequence[int] | None
) -> Sequence[int]:
    """Insert events by COPY: for many rows over twice as fast as INSERT."""
    different = dict.fromkeys(kinds)
    users = {kind[0] for kind in different}
    _require_held(connection.exec_driver_sql(_HOLD_USERS, (_array(users),)).scalar_one(), users)
    names = {kind[1] for kind in different}
    features: dict[str, int] = dict(connection.exec_driver_sql(_FEATURE_IDS, (list(names),)).all())
    if features.keys() != names:
        raise ConcurrentChange
    given = ids or new_ids(connection, len(kinds))
    shared = {kind: f"\t{kind[0]}\t{features[kind[1]]}\t{kind[2]}\t{kind[3]}\t" for kind in different}
    rows = zip(map(str, given), map(shared.__getitem__, kinds), map(str, ats), repeat("\n"))
    _send(connection, "".join(map("".join, rows)))
    return given


def new_ids(connection: Connection, count: int) -> Sequence[int]:
    """Ids for so many new events, ascending; nobody else is given the same."""
    first, last, scattered = connection.exec_driver_sql(_NEW_IDS, (count,)).one()
    return scattered or range(first, last + 1)


def _send(connection: Connection, rows: str) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - for mypy
    try:
        with driver.cursor() as cursor, cursor.copy(_COPY_EVENTS) as copy:
            copy.write(rows)
    except psycopg.Error as error:  # SQLAlchemy does not know of COPY
        raise DBAPIError.instance(_COPY_EVENTS, None, error, psycopg.Error) from error


def _require_held(held: int, users: Collection[int]) -> None:
    """Raise UserGone where fewer of these users were held than there are."""
    if held < len(users):
        raise UserGone


def _array(values: Iterable[int | str]) -> str:
    """A literal of an array whose values need no quotes: numbers, ids, genders and age groups.

    psycopg would take each value by itself, in three times the time.
    """
    return "{" + ",".join(map(str, values)) + "}"
