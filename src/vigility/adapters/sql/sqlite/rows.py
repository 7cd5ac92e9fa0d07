"""The statements that write events and their counts on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import chain, repeat
from typing import Final

from sqlalchemy import Connection

from vigility.adapters.sql.database import ConcurrentChange
from vigility.core.events.model import EventRecord
from vigility.core.reports.rollups import DAILY, RollupRow

_Row = Sequence[int | str | None]

# Rows go to SQLite in few statements of many rows. For each statement Python's global lock is released and
# has to be acquired again, which in a busy server takes longer than the statement; executemany does so for
# every row. The sizes are few, so that each statement stays prepared. A statement that is larger than what is
# left is filled up with rows of NULL, which name no feature, so the join drops them. SQLite allows 32,766
# values (7 for each row here).
_SIZES: Final = (1, 4, 16, 32, 64, 128, 256, 512)
_LARGEST: Final = _SIZES[-1]
# CROSS JOIN keeps SQLite from reading the features first: rows are inserted, and numbered, in their order.
_INSERT_EVENTS: Final = """
INSERT INTO vigility_events (user_id, feature_id, at, age, gender, event_id)
SELECT column1, f.id, column3, column4, column5, column6
FROM (VALUES {rows}) CROSS JOIN vigility_features f WHERE f.name = column2
"""
_INSERT_WITH_IDS: Final = """
INSERT INTO vigility_events (id, user_id, feature_id, at, age, gender, event_id)
SELECT column1, column2, f.id, column4, column5, column6, column7
FROM (VALUES {rows}) CROSS JOIN vigility_features f WHERE f.name = column3
"""


def _add_to_rollup() -> str:
    keys = ", ".join(["feature_id", "day", *(dimension.name for dimension in DAILY.dimensions)])
    values = ", ".join(f"column{number}" for number in range(2, len(DAILY.dimensions) + 4))
    return f"""
INSERT INTO {DAILY.table} ({keys}, count)
SELECT f.id, {values}
FROM (VALUES {{rows}}) CROSS JOIN vigility_features f WHERE f.name = column1
ON CONFLICT ({keys}) DO UPDATE SET count = count + excluded.count
"""  # noqa: S608 - names of the declaration


_ADD_TO_ROLLUP: Final = _add_to_rollup()


def insert_events(
    connection: Connection, records: Sequence[EventRecord], ids: Sequence[int] | None
) -> Sequence[int]:
    """Insert events, under these ids or new ones; return the ids. Raises ConcurrentChange."""
    if ids is None:
        inserted, last = _insert(connection, records, _INSERT_EVENTS)
        # There is no other writer, and SQLite continues from the newest id.
        ids = range(last - inserted + 1, last + 1)
    else:
        rows = [(number, *record) for number, record in zip(ids, records, strict=True)]
        inserted, _ = _insert(connection, rows, _INSERT_WITH_IDS)
    if inserted < len(records):
        raise ConcurrentChange
    return ids


def add_to_rollups(connection: Connection, rows: Sequence[RollupRow]) -> None:
    """See `Database.add_to_rollups`."""
    _insert(connection, rows, _ADD_TO_ROLLUP)


def _insert(connection: Connection, rows: Sequence[_Row], statement: str) -> tuple[int, int]:
    """Insert the rows; return how many were inserted, and the id of the last."""
    # Bypasses SQLAlchemy, which takes longer to run a statement than SQLite does.
    cursor: sqlite3.Cursor = connection.connection.cursor()  # type: ignore[assignment]
    inserted = last = 0
    for begin in range(0, len(rows), _LARGEST):
        chunk = rows[begin : begin + _LARGEST]
        columns = len(chunk[0])
        size = next(size for size in _SIZES if size >= len(chunk))
        values = (*chain.from_iterable(chunk), *repeat(None, (size - len(chunk)) * columns))
        cursor.execute(_sized(statement, size, columns), values)
        inserted, last = inserted + cursor.rowcount, cursor.lastrowid or 0
    return inserted, last


@cache
def _sized(statement: str, rows: int, columns: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return statement.format(rows=", ".join([row] * rows))
