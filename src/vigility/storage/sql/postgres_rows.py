"""The statements that write events and their counts on PostgreSQL, and what they are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from vigility.core.errors import UserGone
from vigility.storage.sql.database import EventRow, StoredMeanwhile, SummaryRow

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
# Holds the users too: a wait less for the server, after each of which Python's lock has to be won back.
_INSERT_EVENTS: Final = """
WITH held AS (
    SELECT count(*) AS users
    FROM (SELECT FROM vigility_users WHERE id = ANY(%s::int[]) ORDER BY id FOR KEY SHARE) AS held
)
INSERT INTO vigility_events (id, user_id, feature_id, at, age, gender, event_id)
SELECT * FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::bigint[], %s::smallint[], %s::text[], %s::text[])
WHERE (SELECT users FROM held) = %s
ON CONFLICT (event_id) WHERE event_id IS NOT NULL DO NOTHING
"""
_ADD_TO_SUMMARIES: Final = """
INSERT INTO vigility_day_summaries AS summary (feature_id, day, age_group, gender, count)
SELECT * FROM unnest(%s::int[], %s::int[], %s::text[], %s::text[], %s::bigint[])
ON CONFLICT (feature_id, day, age_group, gender) DO UPDATE SET count = summary.count + excluded.count
"""


def new_ids(connection: Connection, count: int) -> Sequence[int]:
    """See `Database.new_ids`."""
    if not count:
        return ()
    first, last, scattered = connection.exec_driver_sql(_NEW_IDS, (count,)).one()
    return scattered or range(first, last + 1)  # scattered where another writer took some between


def insert_events(connection: Connection, rows: Sequence[EventRow]) -> None:
    """See `Database.insert_events`."""
    users = sorted({row[1] for row in rows})
    if len(rows) <= _MOST_TO_INSERT or any(map(_event_id, rows)):
        _insert(connection, rows, users)
    else:
        _hold(connection, users)
        _copy(connection, rows)


def add_to_summaries(connection: Connection, rows: Sequence[SummaryRow]) -> None:
    """See `Database.add_to_summaries`."""
    connection.exec_driver_sql(_ADD_TO_SUMMARIES, tuple(map(_array, zip(*rows, strict=True))))


def _hold(connection: Connection, users: Sequence[int]) -> None:
    """Let these users not be deleted before the transaction ends. Raises UserGone.

    What a foreign key would do, once a batch: as a trigger on each event it took more than half of the time
    of a batch (docs/postgresql.md).
    """
    held = connection.exec_driver_sql(_HOLD_USERS, (_array(users),)).scalar_one()
    if held < len(users):
        raise UserGone


def _insert(connection: Connection, rows: Sequence[EventRow], users: Sequence[int]) -> None:
    # Who waits for another's event_id must not be waited for: all go through them in one order.
    columns = map(_array, zip(*sorted(rows, key=_event_id), strict=True))
    given = (_array(users), *columns, len(users))
    if connection.exec_driver_sql(_INSERT_EVENTS, given).rowcount < len(rows):
        _hold(connection, users)
        raise StoredMeanwhile


def _copy(connection: Connection, rows: Sequence[EventRow]) -> None:
    """Insert events of held users by COPY: for many rows over twice as fast as INSERT."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - for mypy
    try:
        with driver.cursor() as cursor, cursor.copy(_COPY_EVENTS) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:  # SQLAlchemy does not know of COPY
        raise DBAPIError.instance(_COPY_EVENTS, None, error, psycopg.Error) from error


def _event_id(row: EventRow) -> str:
    return row[-1] or ""


def _array(values: Sequence[int | str | None]) -> str:
    """A literal of an array whose values need no quotes: numbers, ids, genders and age groups.

    psycopg would take each value by itself, in three times the time.
    """
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"
