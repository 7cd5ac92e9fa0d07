"""Taking events in: each `event_id` is stored once, and counts are stored with the events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection

from vigility.adapters.sql.database import ConcurrentChange, Database
from vigility.adapters.sql.event_insert import EventInserter
from vigility.adapters.sql.event_log import STORED_EVENTS
from vigility.adapters.sql.schema import events
from vigility.core.errors import StoreError
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


class SqlEventSink:
    """Implements `vigility.core.events.ports.EventSink`."""

    assigns_ids = True

    def __init__(self, database: Database) -> None:
        self._database = database
        self._inserter = EventInserter(database)
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
        event_ids = list(filter(None, map(itemgetter(-1), records)))
        if not event_ids:
            return InsertResult(ids=self._inserter.insert(connection, records))
        fresh, places = _without_repeats(records, self._stored(connection, event_ids))
        ids = self._inserter.insert(connection, fresh) if fresh else ()
        return _result(records, fresh, ids, places)

    def _stored(self, connection: Connection, event_ids: Sequence[str]) -> dict[str, _Numbered]:
        """The stored events with one of these event_ids, by it."""
        found: dict[str, _Numbered] = {}
        for start in range(0, len(event_ids), IDS_PER_QUERY):
            chosen = {"event_ids": event_ids[start : start + IDS_PER_QUERY]}
            for number, *values in connection.execute(self._by_event_ids, chosen):
                record = EventRecord(*values)
                found[str(record.event_id)] = (number, record)
        return found


def _without_repeats(
    records: Sequence[EventRecord], stored: Mapping[str, _Numbered]
) -> tuple[Sequence[EventRecord], Sequence[int | _Numbered]]:
    """The records to insert; and for each record its place among these, or the stored event it repeats."""
    fresh: list[EventRecord] = []
    places: list[int | _Numbered] = []
    first: dict[str, int | _Numbered] = dict(stored)
    for record in records:
        place = first.get(record.event_id) if record.event_id else None
        if place is None:
            place = len(fresh)
            fresh.append(record)
            if record.event_id:
                first[record.event_id] = place
        places.append(place)
    return fresh, places


def _result(
    records: Sequence[EventRecord],
    fresh: Sequence[EventRecord],
    ids: Sequence[int],
    places: Sequence[int | _Numbered],
) -> InsertResult:
    """What became of the records, given that `fresh` are stored under `ids`."""
    duplicates: dict[int, EventRecord] = {}
    conflicts: dict[int, EventRecord] = {}
    numbers: list[int] = []
    inserted = 0
    for index, (record, place) in enumerate(zip(records, places, strict=True)):
        number, first = (ids[place], fresh[place]) if isinstance(place, int) else place
        if place == inserted:
            inserted += 1
        else:
            same = first[:2] == record[:2]  # user and feature
            (duplicates if same else conflicts)[index] = first
        numbers.append(number)
    return InsertResult(ids=numbers, duplicates=duplicates, conflicts=conflicts)
