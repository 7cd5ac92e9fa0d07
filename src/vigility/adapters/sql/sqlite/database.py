"""An SQLite database: its connections and transactions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
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

from vigility.adapters.sql.error_translation import sqlite_code, store_errors
from vigility.adapters.sql.schema import events
from vigility.adapters.sql.sqlite import rows
from vigility.adapters.sql.sqlite.file_lock import file_lock
from vigility.core.errors import StoreUnavailable
from vigility.core.events.model import EventRecord
from vigility.core.reports.rollups import RollupRow

# How long a statement waits for a process that holds the file without taking the lock (the sqlite3 shell).
BUSY_TIMEOUT_SECONDS: Final = 5

# Built once: building it takes longer than SQLite takes to run it.
_NEWEST: Final = select(func.max(events.c.id))

# Connections that a fork copied. SQLite forbids the child even to close them, so they are kept for good.
# https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_
_INHERITED: Final[list[Engine]] = []

_POOL: Final = "pool"
"""The key under which a connection notes the pool that it was opened for."""


class SqliteDatabase:
    """Implements `Database` over one SQLite file.

    It uses WAL, synchronous=FULL and foreign keys, and a lock file among its writers.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        # One file has one lock, whatever link leads to it, and stays the same file when the process changes
        # its directory or forks, as a daemon does.
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
    def reading(self, *, no_timeout: bool = False) -> Iterator[Connection]:  # noqa: ARG002 - SQLite has no time limit
        """See `Database.reading`."""
        with store_errors(self.name), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, *, no_timeout: bool = False) -> Iterator[Connection]:  # noqa: ARG002 - SQLite has no time limit
        """See `Database.writing`."""
        with (
            store_errors(self.name),
            file_lock(self._lock_file),
            self._engine.connect() as connection,
            connection.execution_options(vigility_begin="BEGIN IMMEDIATE").begin(),
        ):
            yield connection

    def write_events(self) -> AbstractContextManager[Connection]:
        """See `Database.write_events`."""
        return self.writing()

    def upgrading(self) -> AbstractContextManager[Connection]:
        """See `Database.upgrading`."""
        return self.writing()

    def lock_tables(self, connection: Connection, *tables: Table) -> None:
        """See `Database.lock_tables`: a writer has the whole file."""

    def high_watermark(self) -> int:
        """See `Database.high_watermark`: there is only one writer inside a transaction."""
        with self.reading() as connection:
            return connection.execute(_NEWEST).scalar_one() or 0

    def advance_sequence(self, connection: Connection, table: Table, number: int) -> None:
        """See `Database.advance_sequence`: SQLite continues from the highest id there is."""

    def use_write_ahead_log(self) -> None:
        """Switch the file to WAL, which it then keeps, if it has another journal."""
        with store_errors(self.name), self._engine.connect() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        if mode != "wal":
            with store_errors(self.name), file_lock(self._lock_file):
                self._switch_to_wal()

    def _switch_to_wal(self) -> None:
        # SQLite refuses this inside a transaction, so SQLAlchemy does not see the driver's errors.
        with closing(self._engine.raw_connection()) as raw:
            try:
                raw.cursor().execute("PRAGMA journal_mode = WAL")
            except sqlite3.Error as error:
                raise StoreUnavailable(f"{self.name}: {error}") from error

    def insert_events(
        self, connection: Connection, records: Sequence[EventRecord], ids: Sequence[int] | None = None
    ) -> Sequence[int]:
        """See `Database.insert_events`."""
        return rows.insert_events(connection, records, ids)

    def add_to_rollups(self, connection: Connection, counted: Sequence[RollupRow]) -> None:
        """See `Database.add_to_rollups`."""
        rows.add_to_rollups(connection, counted)

    def in_list(self, column: Column[str], name: str) -> ColumnElement[bool]:
        """See `Database.in_list`."""
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
        """Close the connections. The last one of a file checkpoints it, so this takes the lock too."""
        try:
            with file_lock(self._lock_file):
                self._engine.dispose()
        except OSError:  # the folder is not writable, so the file cannot be checkpointed either
            self._engine.dispose()


def sqlite_database(path: Path, *, make: bool) -> SqliteDatabase:
    """The database in a file. With `make` the file is created if needed; otherwise it is left as it is.

    Raises StoreUnavailable if the file cannot be opened, is missing or is not a regular file.
    """
    if path.exists() and not path.is_file():  # SQLite's error says less, and leaves a lock file beside it
        raise StoreUnavailable(
            f"{path}: is a directory" if path.is_dir() else f"{path}: is not a regular file"
        )
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
    connection.isolation_level = None  # or the sqlite3 module begins transactions of its own
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _on_checkin(engine: Engine, connection: sqlite3.Connection | None, entry: ConnectionPoolEntry) -> None:
    if connection is not None and entry.info[_POOL] is not engine.pool:
        entry.invalidate()  # its pool was closed while it was in use


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("vigility_begin", "BEGIN"))


def _on_error(context: ExceptionContext) -> None:
    # A file that was not writable when it was opened stays read-only for that connection, and its -shm for
    # the whole process, even if the files become writable. So close all; the next use opens new ones.
    if context.engine and sqlite_code(context.original_exception) == sqlite3.SQLITE_READONLY:
        context.engine.dispose()
