"""What the repositories ask of an SQL database: everything in which one differs from another.

`SqliteDatabase` (sqlite.py) and `PostgresDatabase` (postgres.py) implement it; the repositories beside
them are the same for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Column, ColumnElement, Connection, Insert, Table

EventRow = tuple[int, int, int, int, int, str, str | None]
"""id, user_id, feature_id, at (µs), age, gender, event_id: the columns of `vigility_events`."""

SummaryRow = tuple[int, int, str, str, int]
"""feature_id, day, age group, gender, count: the columns of `vigility_day_summaries`."""


class StoredMeanwhile(Exception):
    """Another writer stored an event of the same `event_id` since it was looked up. Nothing was written."""


class Database(Protocol):
    """One SQL database, with a pool of connections of this process."""

    @property
    def name(self) -> str:
        """What errors call it; without a password."""
        ...

    def identity(self) -> str:
        """See `Store.identity`. Raises StoreError."""
        ...

    def reading(self, *, patient: bool = False) -> AbstractContextManager[Connection]:
        """A transaction that sees one moment of the database. Raises StoreError.

        One that is `patient` may take as long as it takes.
        """
        ...

    def writing(self, *, patient: bool = False) -> AbstractContextManager[Connection]:
        """A transaction that is durable when the block ends, or undone when it raises. Raises StoreError."""
        ...

    def upgrading(self) -> AbstractContextManager[Connection]:
        """A `writing` transaction before which, and instead of which, no other process upgrades."""
        ...

    def keep_out_writers(self, connection: Connection, *tables: Table) -> None:
        """Let no other writer change these tables until the transaction ends; reading goes on."""
        ...

    def new_ids(self, connection: Connection, count: int) -> Sequence[int]:
        """Ids for so many new events, ascending; nobody else is given the same."""
        ...

    def settled(self) -> int:
        """See `EventRepository.settled`. Raises StoreError."""
        ...

    def begin_ids_after(self, connection: Connection, table: Table, number: int) -> None:
        """Let ids that are given later lie above `number`, which was stored without asking for it."""
        ...

    def insert_events(self, connection: Connection, rows: Sequence[EventRow]) -> None:
        """Insert the events as fast as the driver can. Raises StoredMeanwhile, or UserGone."""
        ...

    def add_to_summaries(self, connection: Connection, rows: Sequence[SummaryRow]) -> None:
        """Add the counts to those of the same key; insert the others. The rows are in key order."""
        ...

    def one_of(self, column: Column[str], name: str) -> ColumnElement[bool]:
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
