"""An SQLite database: its connections, its transactions and the statements that only it has.

Everything in which one SQL database differs from another stands here; the repositories beside it are
the same for all.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, Insert, Table, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import ConnectionPoolEntry

from vigility.storage.sql.failures import store_errors
from vigility.storage.sql.turns import taking_turns

EventRow = tuple[int, int, int, int, int, str, str | None]
"""id, user_id, feature_id, at (µs), age, gender, event_id: the columns of `vigility_events`."""

# How long a statement waits for a process that holds the file without taking turns (the sqlite3 shell).
BUSY_TIMEOUT_SECONDS: Final = 5

# Rows in one INSERT. executemany lets go of Python's global lock for each row; statements of hundreds of
# rows took 0.6 of its time, and SQLite allows 32,766 values in one (7 a row here).
_ROWS_A_STATEMENT: Final = 500
_COLUMNS: Final = 7
_INSERT_EVENTS: Final = (
    "INSERT INTO vigility_events (id, user_id, feature_id, at, age, gender, event_id) VALUES "
)
_ONE_ROW: Final = f"({', '.join('?' * _COLUMNS)})"
_INSERT_ONE: Final = _INSERT_EVENTS + _ONE_ROW
_INSERT_FULL: Final = _INSERT_EVENTS + ", ".join([_ONE_ROW] * _ROWS_A_STATEMENT)

# Connections that a fork copied. SQLite forbids a child even to close them, so they are kept for good.
# https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_
_INHERITED: Final[list[Engine]] = []


class SqliteDatabase:
    """One SQLite file: WAL, synchronous=FULL, foreign keys on; its writers take turns."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._lock_file = path.with_name(path.name + "-lock")
        self._opened = _engine(path)
        self._owner = os.getpid()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the database. Raises StoreError."""
        with store_errors(self.name), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is durable when the block ends, or undone when it raises. Raises StoreError."""
        with (
            store_errors(self.name),
            taking_turns(self._lock_file),
            self._engine.connect() as connection,
            connection.execution_options(vigility_begin="BEGIN IMMEDIATE").begin(),
        ):
            yield connection

    def use_write_ahead_log(self) -> None:
        """Switch the file to WAL, which it then keeps, where it has another journal."""
        with store_errors(self.name), self._engine.connect() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        if mode != "wal":
            with store_errors(self.name), taking_turns(self._lock_file):
                raw = self._engine.raw_connection()
                raw.cursor().execute("PRAGMA journal_mode = WAL")  # refused inside a transaction
                raw.close()

    def insert_events(self, connection: Connection, rows: Sequence[EventRow]) -> None:
        """Insert the rows as fast as the driver can."""
        whole = len(rows) - len(rows) % _ROWS_A_STATEMENT
        for start in range(0, whole, _ROWS_A_STATEMENT):
            values = tuple(chain.from_iterable(rows[start : start + _ROWS_A_STATEMENT]))
            connection.exec_driver_sql(_INSERT_FULL, values)
        if rest := list(rows[whole:]):
            connection.exec_driver_sql(_INSERT_ONE, rest)

    def upsert(self, table: Table) -> Insert:
        """An INSERT that adds to `count` where the key is there already."""
        return _upsert(table)

    def insert_missing(self, table: Table) -> Insert:
        """An INSERT that leaves rows alone that are there already."""
        return insert(table).on_conflict_do_nothing()

    @property
    def _engine(self) -> Engine:
        """The connections of this process; a forked child opens its own."""
        if self._owner != os.getpid():
            _INHERITED.append(self._opened)
            self._opened, self._owner = _engine(self._path), os.getpid()
        return self._opened

    def close(self) -> None:
        """Close the connections. The last one of a file checkpoints it, so this takes its turn too."""
        try:
            with taking_turns(self._lock_file):
                self._engine.dispose()
        except OSError:  # a directory that cannot be written: nor can the file be checkpointed
            self._engine.dispose()


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the sqlite3 module would begin transactions of its own
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("vigility_begin", "BEGIN"))


@cache
def _upsert(table: Table) -> Insert:
    statement = insert(table)
    return statement.on_conflict_do_update(
        index_elements=table.primary_key.columns,
        set_={"count": table.c["count"] + statement.excluded["count"]},
    )
