"""The statements that write events and their counts on PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import repeat
from typing import Final

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from vigility.adapters.sql.database import ConcurrentChange
from vigility.core.errors import UserGone
from vigility.core.events.model import EventRecord
from vigility.core.reports.rollups import DAILY, RollupRow

_Kind = tuple[int, str, int, str]
"""user_id, feature, age, gender: what many events of a batch have in common."""

# New ids are taken under the lock of `PostgresDatabase.write_events`: a wipe, which restarts the ids, waits
# for it, and it shows which transactions may have taken ids (high_watermark.py).
_NEW_ID: Final = "nextval('vigility_events_id_seq')"
# All in one statement: after each response of the server, Python's global lock has to be acquired again.
# Each kind is sent once and numbered; an event refers to its number. The users are locked until the
# transaction ends, as foreign keys would do, but once for each user and not for each event: foreign keys,
# a trigger on each event, took more than half of the time of a batch (docs/postgresql.md).
# The ids come back as a range if they are one, in the order of the events.
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
), locked AS (
    SELECT FROM vigility_users WHERE id = ANY(%s::int[]) ORDER BY id FOR KEY SHARE
)
SELECT (SELECT count(*) FROM locked), (SELECT count(*) FROM inserted),
    min(id), max(id), CASE WHEN max(id - n) > min(id - n) THEN array_agg(id ORDER BY n) END
FROM sent
"""
# Every transaction inserts event_ids in the same order, so that none waits for another in a circle.
_ONCE: Final = """ORDER BY event_id, user_id
    ON CONFLICT (event_id, user_id) WHERE event_id IS NOT NULL DO NOTHING"""
_INSERT_NEW: Final = _INSERT_EVENTS.format(id=_NEW_ID, given="", column="", once="")
_INSERT_NEW_ONCE: Final = _INSERT_EVENTS.format(id=_NEW_ID, given="", column="", once=_ONCE)
_INSERT_WITH_IDS: Final = _INSERT_EVENTS.format(id="id", given="%s::bigint[], ", column="id, ", once=_ONCE)


def _add_to_rollup() -> str:
    names = [dimension.name for dimension in DAILY.dimensions]
    columns, keys = ", ".join(["day", *names]), ", ".join(["feature_id", "day", *names])
    arrays = ", ".join(["%s::text[]", "%s::int[]", *("%s::text[]" for _ in names), "%s::bigint[]"])
    # In key order: writers that lock rows as they go never wait for each other in a circle.
    return f"""
INSERT INTO {DAILY.table} AS rollup ({keys}, count)
SELECT f.id, {columns}, counted
FROM unnest({arrays}) AS s (feature, {columns}, counted)
JOIN vigility_features f ON f.name = feature
ORDER BY f.id, {columns}
ON CONFLICT ({keys}) DO UPDATE SET count = rollup.count + excluded.count
"""  # noqa: S608 - names of the declaration


_ADD_TO_ROLLUP: Final = _add_to_rollup()

# Above this, COPY is faster; below, its additional round trips cost more.
_MAX_INSERT: Final = 2_000
_NEW_IDS: Final = """
SELECT min(id), max(id), CASE WHEN max(id - n) > min(id - n) THEN array_agg(id ORDER BY n) END
FROM (SELECT nextval('vigility_events_id_seq') AS id, n FROM generate_series(1, %s) AS n) AS given
"""
_LOCK_USERS: Final = """
SELECT count(*)
FROM (SELECT FROM vigility_users WHERE id = ANY(%s::int[]) ORDER BY id FOR KEY SHARE) AS locked
"""
_FEATURE_IDS: Final = "SELECT name, id FROM vigility_features WHERE name = ANY(%s)"
_COPY_EVENTS: Final = "COPY vigility_events (id, user_id, feature_id, age, gender, at) FROM STDIN"


def insert_events(
    connection: Connection, records: Sequence[EventRecord], ids: Sequence[int] | None
) -> Sequence[int]:
    """Insert events, under these ids or new ones; return them. Raises UserGone or ConcurrentChange."""
    user_ids, features, ats, ages, genders, event_ids = zip(*records, strict=True)
    kinds = list(zip(user_ids, features, ages, genders, strict=True))
    repeatable = event_ids.count(None) < len(records)
    if len(records) <= _MAX_INSERT or repeatable:
        return _insert(connection, kinds, ats, event_ids if repeatable else None, ids)
    return _copy(connection, kinds, ats, ids)


def add_to_rollups(connection: Connection, rows: Sequence[RollupRow]) -> None:
    """See `Database.add_to_rollups`."""
    names, *columns = zip(*rows, strict=True)
    connection.exec_driver_sql(_ADD_TO_ROLLUP, (list(names), *map(_array, columns)))


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
        statement = _INSERT_WITH_IDS
        values.insert(0, _array(ids))
    row = connection.exec_driver_sql(statement, tuple(values)).one()
    locked, inserted, first, last, scattered = row
    _require_locked(locked, users)
    if inserted < len(kinds):
        raise ConcurrentChange
    return ids or scattered or range(first, last + 1)  # scattered if another transaction took some in between


def _copy(
    connection: Connection, kinds: Sequence[_Kind], ats: Sequence[int], ids: Sequence[int] | None
) -> Sequence[int]:
    """Insert events by COPY: for many rows more than twice as fast as INSERT."""
    different = dict.fromkeys(kinds)
    users = {kind[0] for kind in different}
    _require_locked(connection.exec_driver_sql(_LOCK_USERS, (_array(users),)).scalar_one(), users)
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
    """Ids for so many new events, ascending and used by nobody else."""
    first, last, scattered = connection.exec_driver_sql(_NEW_IDS, (count,)).one()
    return scattered or range(first, last + 1)


def _send(connection: Connection, rows: str) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - for mypy
    try:
        with driver.cursor() as cursor, cursor.copy(_COPY_EVENTS) as copy:
            copy.write(rows)
    except psycopg.Error as error:  # SQLAlchemy does not know COPY
        raise DBAPIError.instance(_COPY_EVENTS, None, error, psycopg.Error) from error


def _require_locked(locked: int, users: Collection[int]) -> None:
    """Raise UserGone if fewer users were locked than there should be."""
    if locked < len(users):
        raise UserGone


def _array(values: Iterable[int | str]) -> str:
    """An array literal of values that need no quotes: numbers, UUIDs and values of dimensions.

    psycopg would convert each value separately, in three times the time.
    """
    return "{" + ",".join(map(str, values)) + "}"
