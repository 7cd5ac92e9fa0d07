"""An SQLite database: its connections, its transactions and the statements that only it has.

Everything in which one SQL database differs from another stands here; the repositories beside it are
the same for all.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, ExceptionContext, Insert, Table, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import ConnectionPoolEntry

from vigility.core.errors import StoreUnavailable
from vigility.storage.sql.failures import sqlite_code, store_errors
from vigility.storage.sql.turns import taking_turns

EventRow = tuple[int, int, int, int, int, str, str | None]
"""id, user_id, feature_id, at (µs), age, gender, event_id: the columns of `vigility_events`."""

SummaryRow = tuple[int, int, str, str, int]
"""feature_id, day, age group, gender, count: the columns of `vigility_day_summaries`."""

Row = tuple[int | str | None, ...]

# How long a statement waits for a process that holds the file without taking turns (the sqlite3 shell).
BUSY_TIMEOUT_SECONDS: Final = 5

# Rows in one INSERT: the largest size that still fits is taken, again and again. executemany lets go of
# Python's global lock for every row: statements of hundreds of rows take 0.6 of its time, and a small part
# of it in a busy server, where the lock has to be won back each time. SQLite allows 32,766 values (7 a row
# here), and few sizes keep each statement prepared.
_SIZES: Final = (512, 128, 32, 8, 2, 1)
_INSERT_EVENTS: Final = (
    "INSERT INTO vigility_events (id, user_id, feature_id, at, age, gender, event_id) VALUES "
)
_ADD_TO_SUMMARIES: Final = (
    "INSERT INTO vigility_day_summaries (feature_id, day, age_group, gender, count) VALUES "
)
_WHERE_THERE_ALREADY: Final = (
    " ON CONFLICT (feature_id, day, age_group, gender) DO UPDATE SET count = count + excluded.count"
)

# Connections that a fork copied. SQLite forbids a child even to close them, so they are kept for good.
# https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_
_INHERITED: Final[list[Engine]] = []

_POOL: Final = "pool"
"""Under this name a connection notes the pool that it was opened for."""


class SqliteDatabase:
    """One SQLite file: WAL, synchronous=FULL, foreign keys on; its writers take turns."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        # One file has one lock, by whatever link it was reached, and stays the same file where the
        # process changes its directory or forks, as a daemon does.
        self._path = path.resolve()
        self._lock_file = self._path.with_name(self._path.name + "-lock")
        self._opened = _engine(self._path)
        self._owner = os.getpid()

    @property
    def identity(self) -> str:
        """See `Store.identity`."""
        file = self._path.stat()
        return f"sqlite {file.st_dev} {file.st_ino}"

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
                self._switch_to_wal()

    def _switch_to_wal(self) -> None:
        # Outside a transaction, in which SQLite refuses it; so SQLAlchemy does not see the driver's errors.
        with closing(self._engine.raw_connection()) as raw:
            try:
                raw.cursor().execute("PRAGMA journal_mode = WAL")
            except sqlite3.Error as error:
                raise StoreUnavailable(f"{self.name}: {error}") from error

    def insert_events(self, connection: Connection, rows: Sequence[EventRow]) -> None:
        """Insert the events as fast as the driver can."""
        _insert(connection, rows, _INSERT_EVENTS)

    def add_to_summaries(self, connection: Connection, rows: Sequence[SummaryRow]) -> None:
        """Add the counts to those of the same key; insert the others."""
        _insert(connection, rows, _ADD_TO_SUMMARIES, _WHERE_THERE_ALREADY)

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
    event.listen(engine, "connect", partial(_on_connect, engine))
    event.listen(engine, "checkin", partial(_on_checkin, engine))
    event.listen(engine, "begin", _on_begin)
    event.listen(engine, "handle_error", _on_error)
    return engine


def _on_connect(engine: Engine, connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    entry.info[_POOL] = engine.pool
    connection.isolation_level = None  # the sqlite3 module would begin transactions of its own
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _on_checkin(engine: Engine, connection: sqlite3.Connection | None, entry: ConnectionPoolEntry) -> None:
    if connection is not None and entry.info[_POOL] is not engine.pool:
        entry.invalidate()  # the others of its pool were closed while it was in use


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("vigility_begin", "BEGIN"))


def _on_error(context: ExceptionContext) -> None:
    # A file that could not be written when it was opened stays read-only for that connection, and its -shm
    # for the whole process, whatever becomes of the files. So all are closed, to be opened again next time.
    if context.engine and sqlite_code(context.original_exception) == sqlite3.SQLITE_READONLY:
        context.engine.dispose()


def _insert(connection: Connection, rows: Sequence[Row], head: str, tail: str = "") -> None:
    begin = 0
    for size in _SIZES:
        while len(rows) - begin >= size:
            chunk = rows[begin : begin + size]
            values = tuple(chain.from_iterable(chunk))
            connection.exec_driver_sql(_statement(head, size, len(chunk[0]), tail), values)
            begin += size


@cache
def _statement(head: str, rows: int, columns: int, tail: str) -> str:
    row = f"({', '.join('?' * columns)})"
    return head + ", ".join([row] * rows) + tail
