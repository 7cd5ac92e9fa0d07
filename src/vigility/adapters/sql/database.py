"""What the repositories ask of an SQL database: everything in which one differs from another.

`SqliteDatabase` (sqlite.py) and `PostgresDatabase` (postgres.py) implement it; the repositories beside
them are the same for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Column, ColumnElement, Connection, Insert, Table

from vigility.core.events.model import EventRecord

RollupRow = tuple[str, int, str, str, int]
"""Feature, day, age group, gender, count: a row of `vigility_day_summaries`, its feature by name."""


class ConcurrentChange(Exception):
    """What was known before the statement is not so any more; what it did must be undone.

    Another writer stored an event of the same `event_id`, or a wipe deleted a feature's name.
    """


class Database(Protocol):
    """One SQL database, with a pool of connections of this process."""

    @property
    def name(self) -> str:
        """What errors call it; without a password."""
        ...

    def identity(self) -> str:
        """See `Store.identity`. Raises StoreError."""
        ...

    def reading(self, *, no_timeout: bool = False) -> AbstractContextManager[Connection]:
        """A transaction that sees one moment of the database. Raises StoreError.

        One that is `patient` may take as long as it takes.
        """
        ...

    def writing(self, *, no_timeout: bool = False) -> AbstractContextManager[Connection]:
        """A transaction that is durable when the block ends, or undone when it raises. Raises StoreError."""
        ...

    def write_events(self) -> AbstractContextManager[Connection]:
        """A `writing` transaction that stores events: it comes before a wipe or after it."""
        ...

    def upgrading(self) -> AbstractContextManager[Connection]:
        """A `writing` transaction before which, and instead of which, no other process upgrades."""
        ...

    def lock_tables(self, connection: Connection, *tables: Table) -> None:
        """Let no other writer change these tables until the transaction ends; reading goes on."""
        ...

    def high_watermark(self) -> int:
        """See `EventRepository.settled`. Raises StoreError."""
        ...

    def advance_sequence(self, connection: Connection, table: Table, number: int) -> None:
        """Let ids that are given later lie above `number`, which was stored without asking for it."""
        ...

    def insert_events(
        self, connection: Connection, records: Sequence[EventRecord], ids: Sequence[int] | None = None
    ) -> Sequence[int]:
        """Insert events, whose features are stored, as fast as the driver can; return their ids.

        They are new ones, ascending, unless `ids` are given. Raises ChangedMeanwhile, or UserGone.
        """
        ...

    def add_to_rollups(self, connection: Connection, rows: Sequence[RollupRow]) -> None:
        """Add the counts to those of the same key; insert the others. The features are stored."""
        ...

    def in_list(self, column: Column[str], name: str) -> ColumnElement[bool]:
        """That the column is one of the texts that a statement gets, as a list, under this name."""
        ...

    def insert_missing(self, table: Table) -> Insert:
        """An INSERT that leaves rows alone that are there already."""
        ...

    def empty(self, connection: Connection, tables: Sequence[Table]) -> None:
        """Delete every row of these tables, children before parents; ids begin again."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...
