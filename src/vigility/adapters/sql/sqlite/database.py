"""An SQLite database: its connections, its transactions and the statements that only it has."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache, partial
from itertools import chain, repeat
from pathlib import Path
from typing import Final

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    ExceptionContext,
    Insert,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import ConnectionPoolEntry

from vigility.core.errors import StoreUnavailable
from vigility.core.events.model import EventRecord
from vigility.adapters.sql.database import ConcurrentChange, RollupRow
from vigility.adapters.sql.error_translation import sqlite_code, store_errors
from vigility.adapters.sql.schema import events
from vigility.adapters.sql.sqlite.file_lock import file_lock

Row = tuple[int | str | None, ...]

# How long a statement waits for a process that holds the file without taking turns (the sqlite3 shell).
BUSY_TIMEOUT_SECONDS: Final = 5

# Rows go to SQLite in few statements of many rows: for each statement Python's global lock is let go and has
# to be won back, which in a busy server takes longer than the statement. executemany does so for every row.
# The sizes are few, so that each statement stays prepared; what is left over of one is filled up with rows of
# NULL, which name no feature and so are dropped by the join. SQLite allows 32,766 values (7 a row here).
_SIZES: Final = (1, 4, 16, 32, 64, 128, 256, 512)
_LARGEST: Final = _SIZES[-1]
# CROSS JOIN keeps SQLite from reading the features first: rows are inserted, and numbered, as they came.
_INSERT_EVENTS: Final = """
INSERT INTO vigility_events (user_id, feature_id, at, age, gender, event_id)
SELECT column1, f.id, column3, column4, column5, column6
FROM (VALUES {rows}) CROSS JOIN vigility_features f WHERE f.name = column2
"""
_RESTORE_EVENTS: Final = """
INSERT INTO vigility_events (id, user_id, feature_id, at, age, gender, event_id)
SELECT column1, column2, f.id, column4, column5, column6, column7
FROM (VALUES {rows}) CROSS JOIN vigility_features f WHERE f.name = column3
"""
_ADD_TO_SUMMARIES: Final = """
INSERT INTO vigility_day_summaries (feature_id, day, age_group, gender, count)
SELECT f.id, column2, column3, column4, column5
FROM (VALUES {rows}) CROSS JOIN vigility_features f WHERE f.name = column1
ON CONFLICT (feature_id, day, age_group, gender) DO UPDATE SET count = count + excluded.count
"""

# Built once: building it takes longer than SQLite takes to run it.
_NEWEST: Final = select(func.max(events.c.id))

# Connections that a fork copied. SQLite forbids a child even to close them, so they are kept for good.
# https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_
_INHERITED: Final[list[Engine]] = []

_POOL: Final = "pool"
"""Under this name a connection notes the pool that it was opened for."""


class SqliteDatabase:
    """Implements `Database` over one SQLite file.

    WAL, synchronous=FULL, foreign keys on; its writers take turns.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        # One file has one lock, by whatever link it was reached, and stays the same file where the
        # process changes its directory or forks, as a daemon does.
        self._path = path.resolve()
        self._lock_file = self._path.with_name(self._path.name + "-lock")
        self._opened = _engine(self._path)
        self._owner = os.getpid()

    def identity(self) -> str:
        """See `Database.identity`."""
        with store_errors(self.name):
            file = self._path.stat()
        return f"sqlite {file.st_dev} {file.st_ino}"

    @contextmanager
    def reading(self, *, no_timeout: bool = False) -> Iterator[Connection]:  # noqa: ARG002 - nothing ends it
        """See `Database.reading`."""
        with store_errors(self.name), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, *, no_timeout: bool = False) -> Iterator[Connection]:  # noqa: ARG002 - nothing ends it
        """See `Database.writing`."""
        with (
            store_errors(self.name),
            file_lock(self._lock_file),
            self._engine.connect() as connection,
            connection.execution_options(vigility_begin="BEGIN IMMEDIATE").begin(),
        ):
            yield connection

    def write_events(self) -> AbstractContextManager[Connection]:
        """See `Database.storing`."""
        return self.writing()

    def upgrading(self) -> AbstractContextManager[Connection]:
        """See `Database.upgrading`."""
        return self.writing()

    def lock_tables(self, connection: Connection, *tables: Table) -> None:
        """See `Database.keep_out_writers`: whoever writes has the whole file."""

    def high_watermark(self) -> int:
        """See `Database.settled`: only one writer is inside its transaction."""
        with self.reading() as connection:
            return connection.execute(_NEWEST).scalar_one() or 0

    def advance_sequence(self, connection: Connection, table: Table, number: int) -> None:
        """See `Database.begin_ids_after`: SQLite goes on from the highest id there is."""

    def use_write_ahead_log(self) -> None:
        """Switch the file to WAL, which it then keeps, where it has another journal."""
        with store_errors(self.name), self._engine.connect() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        if mode != "wal":
            with store_errors(self.name), file_lock(self._lock_file):
                self._switch_to_wal()

    def _switch_to_wal(self) -> None:
        # Outside a transaction, in which SQLite refuses it; so SQLAlchemy does not see the driver's errors.
        with closing(self._engine.raw_connection()) as raw:
            try:
                raw.cursor().execute("PRAGMA journal_mode = WAL")
            except sqlite3.Error as error:
                raise StoreUnavailable(f"{self.name}: {error}") from error

    def insert_events(
        self, connection: Connection, records: Sequence[EventRecord], ids: Sequence[int] | None = None
    ) -> Sequence[int]:
        """See `Database.insert_events`."""
        if ids is None:
            inserted, last = _insert(connection, records, _INSERT_EVENTS)
            # The only writer there is, and SQLite counts on from the newest.
            given: Sequence[int] = range(last - inserted + 1, last + 1)
        else:
            rows = [(number, *record) for number, record in zip(ids, records, strict=True)]
            inserted, _ = _insert(connection, rows, _RESTORE_EVENTS)
            given = ids
        if inserted < len(records):
            raise ConcurrentChange
        return given

    def add_to_rollups(self, connection: Connection, rows: Sequence[RollupRow]) -> None:
        """See `Database.add_to_summaries`."""
        _insert(connection, rows, _ADD_TO_SUMMARIES)

    def in_list(self, column: Column[str], name: str) -> ColumnElement[bool]:
        """See `Database.one_of`."""
        return column.in_(bindparam(name, expanding=True))

    def insert_missing(self, table: Table) -> Insert:
        """See `Database.insert_missing`."""
        return insert(table).on_conflict_do_nothing()

    def empty(self, connection: Connection, tables: Sequence[Table]) -> None:
        """See `Database.empty`."""
        for table in tables:
            connection.execute(delete(table))

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
            with file_lock(self._lock_file):
                self._engine.dispose()
        except OSError:  # a directory that cannot be written: nor can the file be checkpointed
            self._engine.dispose()


def sqlite_database(path: Path, *, make: bool) -> SqliteDatabase:
    """The database in a file, which is made where that is asked for, and else left as it is.

    Raises StoreUnavailable where the file cannot be opened, is missing or is no file.
    """
    if path.exists() and not path.is_file():  # SQLite would say less, and a lock would be left beside it
        raise StoreUnavailable(f"{path}: is a directory" if path.is_dir() else f"{path}: is no regular file")
    if not make and not path.exists():
        raise StoreUnavailable(f"{path}: there is no such file")
    database = SqliteDatabase(path)
    try:
        if make:
            database.use_write_ahead_log()
    except BaseException:
        database.close()
        raise
    return database


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


def _insert(connection: Connection, rows: Sequence[Row], statement: str) -> tuple[int, int]:
    """Insert the rows; return how many were, and the id of the last."""
    # Past SQLAlchemy, which takes longer to run a statement than SQLite does.
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
