"""Inserting events together with the rollup rows that count them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.schema import features
from vigility.core.events.model import EventRecord
from vigility.core.reports.rollups import DAILY


class EventInserter:
    """Inserts events into one database. Caches which feature names are stored."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # A hint, which may be wrong after a wipe: the insert joins by name, and so finds out.
        self._stored_features: frozenset[str] = frozenset()

    def insert(
        self, connection: Connection, records: Sequence[EventRecord], ids: Sequence[int] | None = None
    ) -> Sequence[int]:
        """Insert events and count them; return their ids. They get new ids unless `ids` are given.

        Raises ConcurrentChange or UserGone.
        """
        rows = DAILY.rows_of(records)
        names = {str(row[0]) for row in rows}
        if new := sorted(names - self._stored_features):
            connection.execute(self._database.insert_missing(features), [{"name": name} for name in new])
        inserted = self._database.insert_events(connection, records, ids)
        # Last, because other writers wait for these rows.
        self._database.add_to_rollups(connection, rows)
        self._stored_features |= names
        return inserted

    def forget_features(self) -> None:
        """Clear the cache: another process may have deleted features."""
        self._stored_features = frozenset()
