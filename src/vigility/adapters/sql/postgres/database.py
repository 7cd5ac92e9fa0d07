"""A PostgreSQL database: its connections, its transactions and the statements that only it has."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
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

from vigility.core.errors import InvalidInput, StoreError
from vigility.core.events.model import EventRecord
from vigility.adapters.sql.postgres import rows
from vigility.adapters.sql.postgres.commit_log import WRITER, CommitStatus, Writer, mark
from vigility.adapters.sql.database import RollupRow
from vigility.adapters.sql.error_translation import store_errors
from vigility.adapters.sql.postgres.high_watermark import high_watermark

# How long a transaction waits for another's locks, as one of SQLite's does.
_LOCK_SECONDS: Final = 5
# A process that hangs in a transaction holds up the others; the server then ends its session.
_IDLE_SECONDS: Final = 10
# How long to wait for a free connection of the pool.
_POOL_SECONDS: Final = 5

# What libpq is told unless the URL says otherwise: a server that is gone is noticed within seconds.
_DEFAULTS: Final[dict[str, str | int]] = {
    "application_name": "vigility",
    "connect_timeout": 3,
    "tcp_user_timeout": 5_000,
    "client_encoding": "utf8",
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 5,
}

_READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_WRITE: Final = "BEGIN"
# The events' table is the first that is locked, as in a wipe: neither then waits for the other in a circle.
_STORE: Final = "BEGIN; LOCK TABLE vigility_events IN ROW EXCLUSIVE MODE"
_PATIENT: Final = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"

# Any number for which no other program is likely to wait: "vigility" in ASCII.
_UPGRADE_LOCK: Final = int.from_bytes(b"vigility"[:7], "big")

_IDENTITY: Final = """
SELECT 'postgresql ' || pg_postmaster_start_time() || ' ' || oid || ' ' || to_regclass('vigility_events')::oid
FROM pg_database WHERE datname = current_database()
"""

# Connections that a fork copied: the child must not say good-bye on them, so they are kept for good.
_INHERITED: Final[list[Engine]] = []


class PostgresDatabase:
    """Implements `Database` over one PostgreSQL database."""

    def __init__(self, url: str, connections: int, statement_seconds: int) -> None:
        self._parameters = parameters_of(url)
        self._connections = connections
        self._statement_seconds = statement_seconds
        self.name = name_of(self._parameters)
        self._opened = self._new_engine()
        self._owner = os.getpid()

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
        """See `Database.writing`. Raises OutcomeUnknown where the server is lost while it commits."""
        return self._writing(_WRITE, no_timeout)

    def write_events(self) -> AbstractContextManager[Connection]:
        """See `Database.storing`. Raises OutcomeUnknown where the server is lost while it commits."""
        return self._writing(_STORE, no_timeout=False)

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

    def lock_tables(self, connection: Connection, *tables: Table) -> None:
        """See `Database.keep_out_writers`."""
        names = ", ".join(table.name for table in tables)
        connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")

    def high_watermark(self) -> int:
        """See `Database.settled`."""
        return high_watermark(self)

    def advance_sequence(self, connection: Connection, table: Table, number: int) -> None:
        """See `Database.begin_ids_after`."""
        sequence = f"{table.name}_id_seq"
        last = f"(SELECT last_value FROM {sequence})"  # noqa: S608 - a name of ours
        connection.exec_driver_sql(f"SELECT setval('{sequence}', GREATEST(%s, {last}))", (number,))

    def insert_events(
        self, connection: Connection, records: Sequence[EventRecord], ids: Sequence[int] | None = None
    ) -> Sequence[int]:
        """See `Database.insert_events`."""
        return rows.insert_events(connection, records, ids)

    def add_to_rollups(self, connection: Connection, rows: Sequence[RollupRow]) -> None:
        """See `Database.add_to_summaries`."""
        rows.add_to_rollups(connection, rows)

    def in_list(self, column: Column[str], name: str) -> ColumnElement[bool]:
        """See `Database.one_of`. One parameter, however many texts: the statement stays prepared."""
        return column == any_(bindparam(name, type_=ARRAY(String)))

    def insert_missing(self, table: Table) -> Insert:
        """See `Database.insert_missing`."""
        return insert(table).on_conflict_do_nothing()

    def empty(self, connection: Connection, tables: Sequence[Table]) -> None:
        """See `Database.empty`."""
        # The events are locked first, as those who write do.
        names = ", ".join(
            sorted((table.name for table in tables), key=lambda name: name != "vigility_events")
        )
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY")

    def close(self) -> None:
        """See `Database.close`."""
        self._engine.dispose()

    def _begun(self, statement: str, no_timeout: bool) -> tuple[Connection, Transaction]:
        """A transaction that the server has begun: with a fresh connection, where one of the pool was cut."""
        begin = f"{statement}; {_PATIENT}" if no_timeout else statement
        connection = self._engine.connect()
        try:
            return connection, connection.execution_options(vigility_begin=begin).begin()
        except OperationalError as error:
            connection.close()
            if not error.connection_invalidated:
                raise
        connection = self._engine.connect()  # the pool has let go of those as old as that one
        try:
            return connection, connection.execution_options(vigility_begin=begin).begin()
        except BaseException:
            connection.close()
            raise

    def _commit(self, connection: Connection, transaction: Transaction, marked: Writer) -> None:
        """Commit; where the answer is lost, find out what became of it.

        Until that is known the caller can be told neither that it is stored nor that it is not.
        """
        try:
            transaction.commit()
        except Exception as error:
            connection.invalidate()
            if not CommitStatus(self._connect, self.name).is_committed(marked):
                raise error from None

    @property
    def _engine(self) -> Engine:
        """The connections of this process; a forked child opens its own."""
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
        # Autocommit: transactions are begun by hand, which also finds out whether the server is there.
        connection = psycopg.connect(**self._parameters, autocommit=True)
        if connection.info.parameter_status("server_encoding") != "UTF8":
            connection.close()
            raise StoreError(f"{self.name}: its encoding must be UTF8, so that it takes every name")
        connection.execute(_settings(self._statement_seconds))
        return connection


def parameters_of(url: str) -> dict[str, Any]:
    """What libpq is told: the URL's parameters, and the defaults of those that it leaves out.

    Raises InvalidInput where it is none of PostgreSQL's. The password is never said.
    """
    authority = url.partition("://")[2].partition("/")[0].partition("?")[0]
    if authority.count("@") > 1:
        raise InvalidInput("database", "has more than one @: write those of the password as %40")
    try:
        return _DEFAULTS | conninfo_to_dict(url)
    except psycopg.Error:
        # What libpq has to say may repeat a part of the password.
        form = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE"
        raise InvalidInput("database", f"is no URL of PostgreSQL, which are like {form}") from None


def name_of(parameters: dict[str, Any]) -> str:
    """What errors call the database: where it is, without who uses it."""
    host, port = parameters.get("host") or "", parameters.get("port") or ""
    where = f"{host}:{port}" if port else host
    return f"postgresql://{where}/{parameters.get('dbname') or ''}"


def _settings(statement_seconds: int) -> str:
    """What a new session is told. An acknowledged event must be durable, whatever the server's default."""
    seconds = {
        "statement_timeout": statement_seconds,
        "lock_timeout": _LOCK_SECONDS,
        "idle_in_transaction_session_timeout": _IDLE_SECONDS,
    }
    chosen = [f"set_config('{name}', '{value}s', false)" for name, value in seconds.items()]
    durable = "set_config('synchronous_commit', 'on', false)"
    chosen.append(f"CASE current_setting('synchronous_commit') WHEN 'off' THEN {durable} END")
    return f"SELECT {', '.join(chosen)}"


def _on_connect(_connection: psycopg.Connection[Any], entry: ConnectionPoolEntry) -> None:
    entry.info[WRITER] = Writer.new()


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options()["vigility_begin"])
