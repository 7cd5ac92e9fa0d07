"""A PostgreSQL database: its connections and transactions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

import psycopg
from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    String,
    Table,
    Transaction,
    any_,
    bindparam,
    create_engine,
    event,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from vigility.adapters.sql.database import Check
from vigility.adapters.sql.error_translation import store_errors
from vigility.adapters.sql.postgres import rows
from vigility.adapters.sql.postgres.commit_log import WRITER, CommitStatus, Writer, mark
from vigility.adapters.sql.postgres.high_watermark import high_watermark
from vigility.adapters.sql.postgres.parameters import name_of, parameters_of, session_settings
from vigility.core.errors import StoreError, StoreUnavailable
from vigility.core.events.model import EventRecord
from vigility.core.reports.rollups import RollupRow

# How long to wait for a free connection of the pool.
_POOL_SECONDS: Final = 5

_READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_WRITE: Final = "BEGIN"
# The events' table is locked first, as in a wipe, so that the two never wait for each other in a circle.
_WRITE_EVENTS: Final = "BEGIN; LOCK TABLE vigility_events IN ROW EXCLUSIVE MODE"
_NO_TIMEOUT: Final = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"

# A number that no other program is likely to lock: "vigility" in ASCII.
_UPGRADE_LOCK: Final = int.from_bytes(b"vigility"[:7], "big")

_IDENTITY: Final = """
SELECT 'postgresql ' || pg_postmaster_start_time() || ' ' || oid || ' ' || to_regclass('vigility_events')::oid
FROM pg_database WHERE datname = current_database()
"""

# Connections that a fork copied: the child must not close them, which ends the parent's, so they are kept.
_INHERITED: Final[list[Engine]] = []


class PostgresDatabase:
    """Implements `Database` over one PostgreSQL database."""

    code_point_collation = "C"

    def __init__(self, address: str, connections: int, statement_seconds: int) -> None:
        self._parameters = parameters_of(address)
        self._connections = connections
        self._statement_seconds = statement_seconds
        self.name = name_of(self._parameters)
        self._opened = self._new_engine()
        self._owner = os.getpid()
        self._closed = False

    def identity(self) -> str:
        """See `Database.identity`: when the server started, which database, and which table in it."""
        with self.reading() as connection:
            return str(connection.exec_driver_sql(_IDENTITY).scalar_one())

    @contextmanager
    def reading(self, *, no_timeout: bool = False) -> Iterator[Connection]:
        """See `Database.reading`."""
        with store_errors(self.name):
            connection, transaction = self._begun(_READ, no_timeout)
            with connection:
                yield connection
                transaction.rollback()

    def writing(self, *, no_timeout: bool = False) -> AbstractContextManager[Connection]:
        """See `Database.writing`. Raises OutcomeUnknown if the server is lost during a commit."""
        return self._writing(_WRITE, no_timeout)

    def write_events(self) -> AbstractContextManager[Connection]:
        """See `Database.write_events`. Raises OutcomeUnknown if the server is lost during a commit."""
        return self._writing(_WRITE_EVENTS, no_timeout=False)

    @contextmanager
    def _writing(self, statement: str, no_timeout: bool) -> Iterator[Connection]:
        with store_errors(self.name):
            connection, transaction = self._begun(statement, no_timeout)
            with connection:
                try:
                    yield connection
                    marked = mark(connection)
                except BaseException:
                    transaction.rollback()
                    raise
                self._commit(connection, transaction, marked)

    @contextmanager
    def upgrading(self) -> Iterator[Connection]:
        """See `Database.upgrading`."""
        with store_errors(self.name):
            connection, transaction = self._begun(_WRITE, no_timeout=True)
            with connection, transaction:
                connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_UPGRADE_LOCK,))
                yield connection

    def limited(self, connection: Connection) -> AbstractContextManager[None]:  # noqa: ARG002
        """See `Database.limited`: the session's statement_timeout does that."""
        return nullcontext()

    @property
    def checks(self) -> Sequence[Check]:
        """See `Database.checks`: a server checks types when it writes."""
        return ()

    def lock_tables(self, connection: Connection, *tables: Table) -> None:
        """See `Database.lock_tables`."""
        names = ", ".join(table.name for table in tables)
        connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")

    def high_watermark(self) -> int:
        """See `Database.high_watermark`."""
        return high_watermark(self)

    def advance_sequence(self, connection: Connection, table: Table, number: int) -> None:
        """See `Database.advance_sequence`."""
        sequence = f"{table.name}_id_seq"
        last = f"(SELECT last_value FROM {sequence})"  # noqa: S608 - a name of ours
        connection.exec_driver_sql(f"SELECT setval('{sequence}', GREATEST(%s, {last}))", (number,))

    def insert_events(
        self, connection: Connection, records: Sequence[EventRecord], ids: Sequence[int] | None = None
    ) -> Sequence[int]:
        """See `Database.insert_events`."""
        return rows.insert_events(connection, records, ids)

    def add_to_rollups(self, connection: Connection, counted: Sequence[RollupRow]) -> None:
        """See `Database.add_to_rollups`."""
        rows.add_to_rollups(connection, counted)

    def in_list(self, column: Column[str], name: str) -> ColumnElement[bool]:
        """See `Database.in_list`. One parameter for any number of texts: the statement stays prepared."""
        return column == any_(bindparam(name, type_=ARRAY(String)))

    def insert_missing(self, table: Table) -> Insert:
        """See `Database.insert_missing`."""
        return insert(table).on_conflict_do_nothing()

    def empty(self, connection: Connection, tables: Sequence[Table]) -> None:
        """See `Database.empty`."""
        # The events are locked first, as writers do.
        names = ", ".join(
            sorted((table.name for table in tables), key=lambda name: name != "vigility_events")
        )
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY")

    def close(self) -> None:
        """See `Database.close`."""
        if not self._closed:
            engine, self._closed = self._engine, True
            engine.dispose()

    def _begun(self, statement: str, no_timeout: bool) -> tuple[Connection, Transaction]:
        """A transaction that the server has begun, on a new connection if the pooled one was lost."""
        begin = f"{statement}; {_NO_TIMEOUT}" if no_timeout else statement
        connection = self._engine.connect()
        try:
            return connection, connection.execution_options(vigility_begin=begin).begin()
        except OperationalError as error:
            connection.close()
            if not error.connection_invalidated:
                raise
        connection = self._engine.connect()  # the pool has dropped all that are as old as that one
        try:
            return connection, connection.execution_options(vigility_begin=begin).begin()
        except BaseException:
            connection.close()
            raise

    def _commit(self, connection: Connection, transaction: Transaction, marked: Writer) -> None:
        """Commit; if the server's response is lost, find out whether the commit succeeded.

        Until that is known, the caller can be told neither that the data is stored nor that it is not.
        """
        try:
            transaction.commit()
        except Exception as error:
            connection.invalidate()
            if not CommitStatus(self._connect, self.name).is_committed(marked):
                raise error from None

    @property
    def _engine(self) -> Engine:
        """The connections of this process; a forked child opens its own.

        Raises StoreUnavailable once the database is closed, also if the parent closed it before the fork.
        """
        if self._closed:
            raise StoreUnavailable(f"{self.name}: is closed", "it is being closed")
        if self._owner != os.getpid():
            _INHERITED.append(self._opened)
            self._opened, self._owner = self._new_engine(), os.getpid()
        return self._opened

    def _new_engine(self) -> Engine:
        engine = create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            pool_size=self._connections,
            max_overflow=0,
            pool_timeout=_POOL_SECONDS,
            pool_use_lifo=True,
            use_native_hstore=False,
        )
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
        return engine

    def _connect(self) -> psycopg.Connection[Any]:
        # Autocommit: transactions are begun explicitly, which also shows whether the server is reachable.
        connection = psycopg.connect(**self._parameters, autocommit=True)
        if connection.info.parameter_status("server_encoding") != "UTF8":
            connection.close()
            raise StoreError(f"{self.name}: its encoding must be UTF8, so that it can store every name")
        connection.execute(session_settings(self._statement_seconds))
        return connection


def _on_connect(_connection: psycopg.Connection[Any], entry: ConnectionPoolEntry) -> None:
    entry.info[WRITER] = Writer.new()


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options()["vigility_begin"])
