"""What the repositories ask of an SQL database: everything in which SQLite and PostgreSQL differ.

`SqliteDatabase` (sqlite/database.py) and `PostgresDatabase` (postgres/database.py) implement it. The
repositories in this folder serve both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Column, ColumnElement, Connection, Insert, Table

from vigility.core.events.model import EventRecord
from vigility.core.reports.rollups import RollupRow

Check = Callable[[Connection], Iterable[str]]
"""Reads a database and yields one sentence for each problem."""


class ConcurrentChange(Exception):
    """Something that was known before the statement has changed since, so the transaction must be undone.

    Another writer stored an event with the same user and `event_id`, or a wipe deleted a feature's name.
    """


class Database(Protocol):
    """One SQL database, with this process's pool of connections."""

    @property
    def name(self) -> str:
        """What errors call it; without a password."""
        ...

    @property
    def code_point_collation(self) -> str:
        """The collation by which texts are ordered by their characters' numbers, as Python orders them."""
        ...

    def identity(self) -> str:
        """See `StorageBackend.identity`. Raises StoreError."""
        ...

    def reading(self, *, no_timeout: bool = False) -> AbstractContextManager[Connection]:
        """A transaction that sees one moment of the database. Raises StoreError.

        With `no_timeout`, no time limit of the server ends it.
        """
        ...

    def writing(self, *, no_timeout: bool = False) -> AbstractContextManager[Connection]:
        """A transaction that is durable when the block ends, or undone if it raises. Raises StoreError."""
        ...

    def write_events(self) -> AbstractContextManager[Connection]:
        """A `writing` transaction that stores events: it runs before a wipe or after it, never during one."""
        ...

    def upgrading(self) -> AbstractContextManager[Connection]:
        """Like `writing`, serialised across processes for migrations."""
        ...

    def limited(self, connection: Connection) -> AbstractContextManager[None]:
        """End what the block reads if it takes longer than a statement may. Raises StoreUnavailable."""
        ...

    @property
    def checks(self) -> Sequence[Check]:
        """The checks for damage that only this kind of database needs."""
        ...

    def lock_tables(self, connection: Connection, *tables: Table) -> None:
        """Let no other writer change these tables until the transaction ends. Readers continue."""
        ...

    def high_watermark(self) -> int:
        """See `EventLog.high_watermark`. Raises StoreError."""
        ...

    def advance_sequence(self, connection: Connection, table: Table, number: int) -> None:
        """Make later ids higher than `number`, which was inserted explicitly."""
        ...

    def insert_events(
        self, connection: Connection, records: Sequence[EventRecord], ids: Sequence[int] | None = None
    ) -> Sequence[int]:
        """Insert events as fast as the driver can; return their ids. Their features are stored already.

        The ids are new and ascending unless `ids` are given. Raises ConcurrentChange or UserGone.
        """
        ...

    def add_to_rollups(self, connection: Connection, counted: Sequence[RollupRow]) -> None:
        """Add the counts to the rows with the same key; insert the others. Their features are stored."""
        ...

    def in_list(self, column: Column[str], name: str) -> ColumnElement[bool]:
        """Column IN the bound list called `name`."""
        ...

    def insert_missing(self, table: Table) -> Insert:
        """An INSERT that leaves existing rows alone."""
        ...

    def empty(self, connection: Connection, tables: Sequence[Table]) -> None:
        """Delete every row of these tables, children before parents; ids start again."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...
