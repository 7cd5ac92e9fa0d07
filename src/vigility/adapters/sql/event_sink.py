"""Taking events in: each `event_id` of a user is stored once, and counts are stored with the events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection

from vigility.adapters.sql.database import ConcurrentChange, Database
from vigility.adapters.sql.event_insert import EventInserter, FeatureRoom, FeaturesFull
from vigility.adapters.sql.event_log import EVENT, STORED_EVENTS
from vigility.adapters.sql.schema import events
from vigility.core.errors import StoreError, VigilityError
from vigility.core.events.feature_limit import MAX_FEATURES, too_many_features
from vigility.core.events.model import EventRecord
from vigility.core.events.ports import InsertResult
from vigility.core.gc_pause import gc_paused

# Values in one IN list: SQLite allows 32,766 in a statement.
IDS_PER_QUERY: Final = 10_000

# Each attempt fails because of another writer. After so many the database itself must be the reason, and
# retrying would never end.
_MAX_ATTEMPTS: Final = 20

_Numbered = tuple[int, EventRecord]
"""An event's id and its record."""

_Place = int | _Numbered | None
"""A record's place among those to insert, or the stored event that it repeats; None if it is refused."""

_Key = tuple[int, str | None]
"""An event's user and `event_id`, by which the user's repeated events are found."""


class SqlEventSink:
    """Implements `vigility.core.events.ports.EventSink`."""

    assigns_ids = True

    def __init__(self, database: Database, max_features: int = MAX_FEATURES) -> None:
        self._database = database
        self._max_features = max_features
        self._inserter = EventInserter(database, max_features)
        # Built once: building a statement takes longer than a database takes to run it.
        self._by_event_ids = STORED_EVENTS.where(database.in_list(events.c.event_id, "event_ids"))

    def add(self, records: Sequence[EventRecord]) -> InsertResult:
        """See `EventSink.add`."""
        for _ in range(_MAX_ATTEMPTS):
            # GC is paused once the transaction has begun, because waiting for that may take long.
            with suppress(ConcurrentChange), self._database.write_events() as connection, gc_paused():
                return self._add(connection, records)
            self._inserter.forget_features()
        raise StoreError(f"{self._database.name}: events are not stored as they are given: has it triggers?")

    def _add(self, connection: Connection, records: Sequence[EventRecord]) -> InsertResult:
        try:
            return self._insert(connection, records)
        except FeaturesFull:  # nothing is inserted yet
            room = self._inserter.room_for(connection, {record.feature for record in records})
        try:
            return self._insert(connection, records, room)
        except FeaturesFull:  # another writer took the room in between
            raise ConcurrentChange from None

    def _insert(
        self, connection: Connection, records: Sequence[EventRecord], room: FeatureRoom | None = None
    ) -> InsertResult:
        """Insert the records that repeat no other; with `room`, those that it takes."""
        event_ids = list(filter(None, map(itemgetter(-1), records)))
        if not event_ids and room is None:
            return InsertResult(ids=self._inserter.insert(connection, records))
        fresh, places = _without_repeats(records, self._stored(connection, event_ids), room)
        ids = self._inserter.insert(connection, fresh) if fresh else ()
        return _result(records, fresh, ids, places, self._max_features)

    def _stored(self, connection: Connection, event_ids: Sequence[str]) -> dict[_Key, _Numbered]:
        """The stored events with one of these event_ids, whoever sent them."""
        found: dict[_Key, _Numbered] = {}
        for start in range(0, len(event_ids), IDS_PER_QUERY):
            chosen = {"event_ids": event_ids[start : start + IDS_PER_QUERY]}
            for number, *values in EVENT.check(connection.execute(self._by_event_ids, chosen).all()):
                record = EventRecord(*values)
                found[record.user_id, record.event_id] = (number, record)
        return found


def _without_repeats(
    records: Sequence[EventRecord], stored: Mapping[_Key, _Numbered], room: FeatureRoom | None
) -> tuple[Sequence[EventRecord], Sequence[_Place]]:
    """The records to insert, and for each record its place."""
    fresh: list[EventRecord] = []
    places: list[_Place] = []
    first: dict[_Key, int | _Numbered] = dict(stored)
    for record in records:
        key = (record.user_id, record.event_id)
        place = first.get(key) if record.event_id else None
        if place is None and (room is None or room.take(record.feature)):
            place = len(fresh)
            fresh.append(record)
            if record.event_id:
                first[key] = place
        places.append(place)
    return fresh, places


def _result(
    records: Sequence[EventRecord],
    fresh: Sequence[EventRecord],
    ids: Sequence[int],
    places: Sequence[_Place],
    max_features: int,
) -> InsertResult:
    """What became of the records, given that `fresh` are stored under `ids`."""
    duplicates: dict[int, EventRecord] = {}
    conflicts: dict[int, EventRecord] = {}
    refused: dict[int, VigilityError] = {}
    numbers: list[int | None] = []
    inserted = 0
    for index, (record, place) in enumerate(zip(records, places, strict=True)):
        if place is None:
            refused[index] = too_many_features(record.feature, max_features)
            numbers.append(None)
            continue
        number, first = (ids[place], fresh[place]) if isinstance(place, int) else place
        if place == inserted:
            inserted += 1
        else:
            (duplicates if first.feature == record.feature else conflicts)[index] = first
        numbers.append(number)
    return InsertResult(ids=numbers, duplicates=duplicates, conflicts=conflicts, refused=refused)
