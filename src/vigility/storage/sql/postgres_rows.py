"""The statements that write events and their counts on PostgreSQL, and what they are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from vigility.core.errors import UserGone
from vigility.core.model import EventRecord
from vigility.storage.sql.database import ChangedMeanwhile, SummaryRow

_Row = tuple[int, int, str, int, int, str, str | None]
"""id, user_id, feature, at (µs), age, gender, event_id."""

# A wipe begins the ids again. Locking the table here makes it wait for this transaction, so that no id is
# taken before it and used after it. And it shows who may have been given ids (settling.py).
_NEW_IDS: Final = """
SELECT min(id), max(id), CASE WHEN max(id) - min(id) >= count(*) THEN array_agg(id ORDER BY id) END
FROM (
    SELECT nextval('vigility_events_id_seq') AS id
    FROM generate_series(1, %s)
    LEFT JOIN (SELECT FROM vigility_events LIMIT 0 FOR KEY SHARE) AS locked ON true
) AS given
"""
_HOLD_USERS: Final = """
SELECT count(*)
FROM (SELECT FROM vigility_users WHERE id = ANY(%s::int[]) ORDER BY id FOR KEY SHARE) AS held
"""
# Above, COPY is the faster one; below, its second wait for the server costs more.
_MOST_TO_INSERT: Final = 256
_COPY_EVENTS: Final = "COPY vigility_events (id, user_id, feature_id, at, age, gender, event_id) FROM STDIN"
# Goes through the event_ids in one order: who waits for another's must not be waited for.
# Holds the users too: a wait less for the server, after each of which Python's lock has to be won back.
_INSERT_EVENTS: Final = """
WITH held AS (
    SELECT count(*) AS users
    FROM (SELECT FROM vigility_users WHERE id = ANY(%s::int[]) ORDER BY id FOR KEY SHARE) AS held
)
INSERT INTO vigility_events (id, user_id, feature_id, at, age, gender, event_id)
SELECT e.id, user_id, f.id, at, age, gender, event_id
FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::bigint[], %s::smallint[], %s::text[], %s::text[])
    AS e (id, user_id, feature, at, age, gender, event_id)
JOIN vigility_features f ON f.name = feature
WHERE (SELECT users FROM held) = %s
ORDER BY event_id
ON CONFLICT (event_id) WHERE event_id IS NOT NULL DO NOTHING
"""
_FEATURE_IDS: Final = "SELECT name, id FROM vigility_features WHERE name = ANY(%s)"
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


def new_ids(connection: Connection, count: int) -> Sequence[int]:
    """Ids for so many new events, ascending; nobody else is given the same."""
    first, last, scattered = connection.exec_driver_sql(_NEW_IDS, (count,)).one()
    return scattered or range(first, last + 1)  # scattered where another writer took some between


def insert_events(connection: Connection, records: Sequence[EventRecord], ids: Sequence[int]) -> None:
    """Insert events under these ids. Raises UserGone or ChangedMeanwhile."""
    users = sorted({record[0] for record in records})
    rows = [(number, *record) for number, record in zip(ids, records, strict=True)]
    if len(rows) <= _MOST_TO_INSERT or any(map(_event_id, rows)):
        _insert(connection, rows, users)
    else:
        _hold(connection, users)
        _copy(connection, rows)


def add_to_summaries(connection: Connection, rows: Sequence[SummaryRow]) -> None:
    """See `Database.add_to_summaries`."""
    names, *columns = zip(*rows, strict=True)
    connection.exec_driver_sql(_ADD_TO_SUMMARIES, (list(names), *map(_array, columns)))


def _hold(connection: Connection, users: Sequence[int]) -> None:
    """Let these users not be deleted before the transaction ends. Raises UserGone.

    What a foreign key would do, once a batch: as a trigger on each event it took more than half of the time
    of a batch (docs/postgresql.md).
    """
    held = connection.exec_driver_sql(_HOLD_USERS, (_array(users),)).scalar_one()
    if held < len(users):
        raise UserGone


def _insert(connection: Connection, rows: Sequence[_Row], users: Sequence[int]) -> None:
    numbers, user_ids, names, ats, ages, genders, event_ids = zip(*rows, strict=True)
    columns = map(_array, (numbers, user_ids, ats, ages, genders, event_ids))
    given = (_array(users), next(columns), next(columns), list(names), *columns, len(users))
    if connection.exec_driver_sql(_INSERT_EVENTS, given).rowcount < len(rows):
        _hold(connection, users)
        raise ChangedMeanwhile


def _copy(connection: Connection, rows: Sequence[_Row]) -> None:
    """Insert events of held users by COPY: for many rows over twice as fast as INSERT."""
    names = {row[2] for row in rows}
    features: dict[str, int] = dict(connection.exec_driver_sql(_FEATURE_IDS, (list(names),)).all())
    if features.keys() != names:
        raise ChangedMeanwhile
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - for mypy
    try:
        with driver.cursor() as cursor, cursor.copy(_COPY_EVENTS) as copy:
            for number, user_id, name, *values in rows:
                copy.write_row((number, user_id, features[name], *values))
    except psycopg.Error as error:  # SQLAlchemy does not know of COPY
        raise DBAPIError.instance(_COPY_EVENTS, None, error, psycopg.Error) from error


def _event_id(row: _Row) -> str:
    return row[-1] or ""


def _array(values: Sequence[int | str | None]) -> str:
    """A literal of an array whose values need no quotes: numbers, ids, genders and age groups.

    psycopg would take each value by itself, in three times the time.
    """
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"
