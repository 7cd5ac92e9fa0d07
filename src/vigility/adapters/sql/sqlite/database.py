"""An SQLite database: its connections and transactions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
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

from vigility.adapters.sql.database import Check
from vigility.adapters.sql.error_translation import sqlite_code, store_errors
from vigility.adapters.sql.schema import events
from vigility.adapters.sql.sqlite import integrity, rows
from vigility.adapters.sql.sqlite.connections import SqliteConnection, open_connection
from vigility.adapters.sql.sqlite.file_lock import BATCH_JOB_SECONDS, TIMEOUT_SECONDS, file_lock
from vigility.adapters.sql.sqlite.files import DatabaseFiles
from vigility.adapters.sql.sqlite.permissions import create_database, follow_database, may_write
from vigility.adapters.sql.sqlite.time_limit import time_limit
from vigility.core.batch_jobs import batch_job, in_batch_job
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

    code_point_collation = "BINARY"
    statement_seconds: float = 30

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._files = DatabaseFiles(path)
        self._opened = _new_engine(self._files)
        self._owner = os.getpid()
        self._closed = False

    def identity(self) -> str:
        """See `Database.identity`."""
        with store_errors(self.name):
            file = self._files.database.stat()
        return f"sqlite {file.st_dev} {file.st_ino}"

    @contextmanager
    def reading(self, *, no_timeout: bool = False) -> Iterator[Connection]:  # noqa: ARG002 - SQLite has no time limit
        """See `Database.reading`."""
        with store_errors(self.name), self._connected() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, *, no_timeout: bool = False) -> Iterator[Connection]:  # noqa: ARG002 - SQLite has no time limit
        """See `Database.writing`."""
        with store_errors(self.name):
            self._files.require_present()  # before a lock file is made where no database is any more
            with (
                self._lock(),
                self._connected() as connection,
                connection.execution_options(vigility_begin="BEGIN IMMEDIATE").begin(),
            ):
                yield connection

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection to the files that are at the path. What it wrote elsewhere nobody would find again."""
        with self._engine.connect() as connection:
            driver_connection = _driver_connection(connection)
            self._files.require_same(driver_connection.opened)
            try:
                yield connection
            finally:
                if driver_connection.snapshot:
                    self._files.require_unchanged(driver_connection.snapshot)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """The lock among the writers. A batch job waits for it as long as other writers make progress."""
        files = self._files
        if not in_batch_job():
            with file_lock(files.lock, TIMEOUT_SECONDS, database=files.database):
                yield
            return
        with file_lock(files.lock, BATCH_JOB_SECONDS, database=files.database, progress=files.progress):
            with suppress(OSError):
                os.utime(files.lock)  # others see that this job got on, even if it has nothing to write
            yield

    def write_events(self) -> AbstractContextManager[Connection]:
        """See `Database.write_events`."""
        return self.writing()

    @contextmanager
    def upgrading(self) -> Iterator[Connection]:
        """See `Database.upgrading`. When many start at once, the others wait for the one that upgrades."""
        with batch_job(), self.writing() as connection:
            yield connection

    def limited(self, connection: Connection) -> AbstractContextManager[None]:
        """See `Database.limited`."""
        return time_limit(_driver_connection(connection), self.statement_seconds)

    @property
    def checks(self) -> Sequence[Check]:
        """See `Database.checks`."""
        return integrity.CHECKS

    def lock_tables(self, connection: Connection, *tables: Table) -> None:
        """See `Database.lock_tables`: a writer has the whole file."""

    def high_watermark(self) -> int:
        """See `Database.high_watermark`: there is only one writer inside a transaction."""
        with self.reading() as connection:
            return connection.execute(_NEWEST).scalar_one() or 0

    def advance_sequence(self, connection: Connection, table: Table, number: int) -> None:
        """See `Database.advance_sequence`: SQLite continues from the highest id there is."""

    def prepare_for_writing(self) -> None:
        """Let the lock file follow the database, and switch that to WAL, which it then keeps.

        Changes nothing if the database may only be read.
        """
        follow_database(self._files.lock, self._files.database)
        with store_errors(self.name), self._connected() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
            is_immutable = _driver_connection(connection).snapshot is not None
        if mode == "wal" or is_immutable or not may_write(self._files.database):
            return
        with store_errors(self.name), self._lock():
            self._switch_to_wal()
            self._engine.dispose()  # new connections note the files that they have open now

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
        """The connections of this process; a forked child opens its own.

        Raises StoreUnavailable once the database is closed, also if the parent closed it before the fork.
        """
        if self._closed:
            raise StoreUnavailable(f"{self.name}: is closed", "it is being closed")
        if self._owner != os.getpid():
            _INHERITED.append(self._opened)
            self._opened, self._owner = _new_engine(self._files), os.getpid()
        return self._opened

    def close(self) -> None:
        """Close the connections. The last one of a file checkpoints it, so this takes the lock too."""
        if self._closed:
            return
        engine, self._closed = self._engine, True
        try:
            self._files.require_present()  # or a lock file would be made beside nothing, or another database
            if may_write(self._files.database):
                with self._lock():
                    engine.dispose()
        except (OSError, StoreUnavailable):  # another holds the lock, or it may not be made
            pass
        finally:
            engine.dispose()


def sqlite_database(path: Path, *, make: bool) -> SqliteDatabase:
    """The database in a file. With `make` the file is created if needed; otherwise it is left as it is.

    Raises StoreUnavailable if the file cannot be opened, is missing or is not a regular file.
    """
    with store_errors(str(path)):
        _require_file(path, make=make)
    database = SqliteDatabase(path)
    try:
        if make:
            database.prepare_for_writing()
    except BaseException:
        database.close()
        raise
    return database


def _require_file(path: Path, *, make: bool) -> None:
    if path.exists() and not path.is_file():  # SQLite's error says less, and leaves a lock file beside it
        raise StoreUnavailable(
            f"{path}: is a directory" if path.is_dir() else f"{path}: is not a regular file"
        )
    if make:
        try:
            create_database(path.resolve())
        except OSError as error:
            raise StoreUnavailable(f"{path}: unable to open database file: {error.strerror}") from error
    elif not path.exists():
        raise StoreUnavailable(f"{path}: there is no such file")


def _new_engine(files: DatabaseFiles) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(files.database)),
        creator=partial(open_connection, files, BUSY_TIMEOUT_SECONDS),
    )
    event.listen(engine, "connect", partial(_on_connect, engine))
    event.listen(engine, "checkin", partial(_on_checkin, engine))
    event.listen(engine, "begin", _on_begin)
    event.listen(engine, "handle_error", _on_error)
    return engine


def _on_connect(engine: Engine, connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    entry.info[_POOL] = engine.pool
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    # Some damage becomes an error and not a wrong answer. Reading from the disk takes 3 % longer.
    connection.execute("PRAGMA cell_size_check = ON")


def _on_checkin(engine: Engine, connection: SqliteConnection | None, entry: ConnectionPoolEntry) -> None:
    # Its pool was closed while it was in use; or it would not see later changes.
    if connection is not None and (entry.info[_POOL] is not engine.pool or connection.snapshot):
        entry.invalidate()


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("vigility_begin", "BEGIN"))


def _on_error(context: ExceptionContext) -> None:
    # A file that was not writable when it was opened stays read-only for that connection, and its -shm for
    # the whole process, even if the files become writable. So close all; the next use opens new ones.
    if context.engine and sqlite_code(context.original_exception) == sqlite3.SQLITE_READONLY:
        context.engine.dispose()


def _driver_connection(connection: Connection) -> SqliteConnection:
    return connection.connection.dbapi_connection  # type: ignore[return-value]
