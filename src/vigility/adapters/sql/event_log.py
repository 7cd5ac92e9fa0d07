"""Events under their ids, as one database hands them to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, cast, func, literal, select

from vigility.adapters.sql import event_changes
from vigility.adapters.sql.database import ConcurrentChange, Database
from vigility.adapters.sql.event_insert import EventInserter
from vigility.adapters.sql.schema import events, features
from vigility.adapters.sql.values import INTEGER, NULL, TEXT, Shape
from vigility.core.errors import StoreError
from vigility.core.events.export import VALUE_MODULUS, WEIGHT_MODULUS, Checksum, EventPage
from vigility.core.events.model import EventRecord
from vigility.core.events.selection import EVERY_EVENT, EventSelection

# Built once: building a statement takes longer than a database takes to run it.
STORED_EVENTS: Final = select(
    events.c.id, events.c.user_id, features.c.name, *events.c["at", "age", "gender", "event_id"]
).join_from(events, features)
"""Every event as its id and the values of an EventRecord."""

EVENT: Final = Shape(events.name, INTEGER, INTEGER, TEXT, INTEGER, INTEGER, TEXT, TEXT | NULL)
"""The types of these values."""


class SqlEventLog:
    """Implements `vigility.core.events.ports.EventLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def high_watermark(self) -> int:
        """See `EventLog.high_watermark`."""
        return self._database.high_watermark()

    def page(self, after: int, upto: int, limit: int, chosen: EventSelection = EVERY_EVENT) -> EventPage:
        """See `EventLog.page`."""
        conditions = event_changes.where(chosen)
        query = STORED_EVENTS.where(events.c.id > after, events.c.id <= upto, *conditions)
        # To find a few chosen events takes as long as reading all.
        with self._database.reading(no_timeout=bool(conditions)) as connection:
            rows = EVENT.check(connection.execute(query.order_by(events.c.id).limit(limit)).all())
        return EventPage([row[0] for row in rows], [EventRecord(*row[1:]) for row in rows])

    def insert_with_ids(self, page: EventPage) -> None:
        """See `EventLog.insert_with_ids`."""
        # A new inserter has nothing cached, so that nothing but an event_id can be in the way.
        inserter = EventInserter(self._database)
        try:
            with self._database.write_events() as connection:
                inserter.insert(connection, page.records, page.ids)
                self._database.advance_sequence(connection, events, max(page.ids))
        except ConcurrentChange:
            raise StoreError(f"{self._database.name}: an event_id of the user exists") from None

    def count(self, chosen: EventSelection) -> int:
        """See `EventLog.count`."""
        query = select(func.count()).select_from(events).where(*event_changes.where(chosen))
        with self._database.reading(no_timeout=True) as connection:
            return connection.execute(query).scalar_one()

    def delete(self, ids: Sequence[int], chosen: EventSelection) -> int:
        """See `EventLog.delete`."""
        return event_changes.delete_events(self._database, ids, chosen)

    def move(self, ids: Sequence[int], chosen: EventSelection, feature: str) -> int:
        """See `EventLog.move`."""
        return event_changes.move_events(self._database, ids, chosen, feature)

    def rename_feature(self, old: str, new: str) -> bool:
        """See `EventLog.rename_feature`."""
        return event_changes.rename_feature(self._database, old, new)

    def drop_unused_features(self) -> int:
        """See `EventLog.drop_unused_features`."""
        return event_changes.drop_unused_features(self._database)

    def checksum(self, upto: int) -> Checksum:
        """See `EventLog.checksum`."""
        sums = select(
            func.count(),
            func.coalesce(func.max(events.c.id), 0),
            func.count(events.c.event_id),
            func.coalesce(func.sum(_event_checksum()), 0),
        ).where(events.c.id <= upto)
        with self._database.reading(no_timeout=True) as connection:
            return Checksum(*map(int, connection.execute(sums).one()))


def _event_checksum() -> ColumnElement[int]:
    """`core.events.export.event_checksum` in SQL, where a negative number has a negative remainder."""
    at = (events.c.at % VALUE_MODULUS + VALUE_MODULUS) % VALUE_MODULUS
    value = (at + events.c.user_id + events.c.age) % VALUE_MODULUS
    return cast(value, BigInteger) * (events.c.id % WEIGHT_MODULUS + literal(1))
