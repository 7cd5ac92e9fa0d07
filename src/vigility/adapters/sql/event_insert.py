"""Inserting events together with the rollup rows that count them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection, func, select

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.schema import features
from vigility.core.events.model import EventRecord
from vigility.core.reports.rollups import DAILY

# Names in the cache. Whoever sends more different ones can't make it larger: the next transaction asks the
# database instead, which takes a tenth of a millisecond.
MAX_CACHED: Final = 20_000
# Values in one IN list: SQLite allows 32,766 in a statement.
NAMES_PER_QUERY: Final = 10_000


class FeatureRoom:
    """How many features of a transaction may be new, and which are."""

    def __init__(self, missing: Collection[str], free: int) -> None:
        self.missing = frozenset(missing)
        self.free = free
        self._taken: set[str] = set()

    @property
    def is_enough(self) -> bool:
        """Whether all that are new may be stored."""
        return len(self.missing) <= self.free

    def take(self, name: str) -> bool:
        """Whether an event of this feature may be stored. The first new features get the room."""
        if name not in self.missing or name in self._taken:
            return True
        if len(self._taken) >= self.free:
            return False
        self._taken.add(name)
        return True


class FeaturesFull(Exception):
    """There is no room for all the new features of a transaction. It has inserted nothing yet."""


class EventInserter:
    """Inserts events into one database. Caches which feature names are stored.

    With `max_features`, no more different features than that are stored, whoever writes at the same time.
    """

    def __init__(self, database: Database, max_features: int | None = None) -> None:
        self._database = database
        self._max_features = max_features
        # A hint, which may be wrong after a wipe: the insert joins by name, and so finds out.
        self._stored_features: frozenset[str] = frozenset()

    def insert(
        self, connection: Connection, records: Sequence[EventRecord], ids: Sequence[int] | None = None
    ) -> Sequence[int]:
        """Insert events and count them; return their ids. They get new ids unless `ids` are given.

        Raises FeaturesFull, ConcurrentChange or UserGone.
        """
        rows = DAILY.rows_of(records)
        names = {str(row[0]) for row in rows}
        if new := names - self._stored_features:
            self._add_features(connection, new)
        inserted = self._database.insert_events(connection, records, ids)
        # Last, because other writers wait for these rows.
        self._database.add_to_rollups(connection, rows)
        if new:
            self._remember(names)
        return inserted

    def forget_features(self) -> None:
        """Clear the cache: another process may have deleted features."""
        self._stored_features = frozenset()

    def room_for(self, connection: Connection, names: Collection[str]) -> FeatureRoom:
        """Which of these features are not stored yet, and how many more may be."""
        chosen = sorted(names)
        stored: set[str] = set()
        for start in range(0, len(chosen), NAMES_PER_QUERY):
            part = features.c.name.in_(chosen[start : start + NAMES_PER_QUERY])
            stored.update(connection.execute(select(features.c.name).where(part)).scalars())
        missing = set(chosen) - stored
        if not missing or self._max_features is None:
            return FeatureRoom(missing, len(missing))
        # No further than needed: a database may hold many more than are allowed now.
        counted = select(features.c.id).limit(self._max_features).subquery()
        count = connection.execute(select(func.count()).select_from(counted)).scalar_one()
        return FeatureRoom(missing, self._max_features - count)

    def _add_features(self, connection: Connection, names: Collection[str]) -> None:
        if self._max_features is not None:
            room = self.room_for(connection, names)
            if room.missing and room.is_enough:
                # Nobody else adds any until this transaction ends, so that the bound holds exactly.
                self._database.lock_tables(connection, features)
                room = self.room_for(connection, room.missing)
            if not room.is_enough:
                raise FeaturesFull
            names = room.missing
        if names:
            rows = [{"name": name} for name in sorted(names)]
            connection.execute(self._database.insert_missing(features), rows)

    def _remember(self, names: set[str]) -> None:
        known = self._stored_features | names
        self._stored_features = known if len(known) <= MAX_CACHED else frozenset(names)
