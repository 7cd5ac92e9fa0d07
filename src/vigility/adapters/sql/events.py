"""Events in SQL, stored together with their day summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection, select

from vigility.core.gc_pause import gc_paused
from vigility.core.errors import StoreError
from vigility.core.events.model import EventRecord
from vigility.core.reports.filters import Filters
from vigility.core.reports.report import Counts
from vigility.core.events.ports import InsertResult
from vigility.core.reports.ports import RollupDifference
from vigility.core.events.export import EventPage, Checksum
from vigility.core.reports.rollups import RollupKey
from vigility.adapters.sql import rollups, event_log
from vigility.adapters.sql.database import ConcurrentChange, Database
from vigility.adapters.sql.schema import daily_rollups, events, features

# Values in one IN list: SQLite allows 32,766 in a statement.
IDS_A_QUERY: Final = 10_000

# Each fails by another writer's doing; past so many it is the database's own, and would go on for ever.
_MOST_ATTEMPTS: Final = 20

# Built once: building a statement takes longer than a database takes to run it.
_EVENTS: Final = select(
    events.c.id, events.c.user_id, features.c.name, *events.c["at", "age", "gender", "event_id"]
).join_from(events, features)

ParsedFile = tuple[int, EventRecord]
"""An event's id and its record."""


class SqlEvents:
    """Implements `vigility.core.reports.ports.EventRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Names that this process knows to be stored. A hint: the insert joins by name, and so proves it.
        self._interned: frozenset[str] = frozenset()
        self._events_sent = _EVENTS.where(database.in_list(events.c.event_id, "event_ids"))

    def add(self, records: Sequence[EventRecord]) -> InsertResult:
        """See `EventRepository.add`."""
        for _ in range(_MOST_ATTEMPTS):
            # The collector rests from when the transaction has begun: the wait for that may be long.
            with suppress(ConcurrentChange), self._database.write_events() as connection, gc_paused():
                return self._add(connection, records)
            self._interned = frozenset()
        raise StoreError(f"{self._database.name}: events are not stored as they are given: has it triggers?")

    def counts(self, filters: Filters, feature: str | None) -> Counts:
        """See `EventRepository.counts`."""
        with self._database.reading() as connection:
            return rollups.read(connection, filters, feature)

    def verify_rollups(self) -> list[RollupDifference]:
        """See `EventRepository.verify_summaries`."""
        with self._database.reading(no_timeout=True) as connection:
            return rollups.differences(connection)

    def rebuild_rollups(self) -> None:
        """See `EventRepository.rebuild_summaries`."""
        with self._database.writing(no_timeout=True) as connection:
            self._database.lock_tables(connection, events, daily_rollups)
            rollups.rebuild(connection)

    def high_watermark(self) -> int:
        """See `EventRepository.settled`."""
        return self._database.high_watermark()

    def page(self, after: int, upto: int, limit: int) -> EventPage:
        """See `EventRepository.page`."""
        with self._database.reading() as connection:
            return event_log.read_page(connection, after, upto, limit)

    def restore(self, page: EventPage) -> None:
        """See `EventRepository.restore`."""
        self._interned = frozenset()  # so that nothing but an event_id can be in the way
        try:
            with self._database.write_events() as connection:
                self._insert(connection, page.records, page.ids)
                self._database.advance_sequence(connection, events, max(page.ids))
        except ConcurrentChange:
            raise StoreError(f"{self._database.name}: an event of the same event_id is there") from None

    def tally(self, upto: int) -> Checksum:
        """See `EventRepository.tally`."""
        with self._database.reading(no_timeout=True) as connection:
            return event_log.read_tally(connection, upto)

    def day_counts(self, upto: int) -> Mapping[RollupKey, int]:
        """See `EventRepository.day_counts`."""
        with self._database.reading(no_timeout=True) as connection:
            return event_log.read_day_counts(connection, upto)

    def _add(self, connection: Connection, records: Sequence[EventRecord]) -> InsertResult:
        event_ids = list(filter(None, map(itemgetter(-1), records)))
        if not event_ids:
            return InsertResult(ids=self._insert(connection, records))
        fresh, places = _without_repeats(records, self._stored(connection, event_ids))
        ids = self._insert(connection, fresh) if fresh else ()
        return _added(records, fresh, ids, places)

    def _insert(
        self, connection: Connection, records: Sequence[EventRecord], ids: Sequence[int] | None = None
    ) -> Sequence[int]:
        counted = rollups.rows_of(records)
        names = {row[0] for row in counted}
        if new := sorted(names - self._interned):
            connection.execute(self._database.insert_missing(features), [{"name": name} for name in new])
        inserted = self._database.insert_events(connection, records, ids)
        # Last: its rows are those that other writers wait for.
        self._database.add_to_rollups(connection, counted)
        self._interned |= names
        return inserted

    def _stored(self, connection: Connection, event_ids: Sequence[str]) -> dict[str, ParsedFile]:
        """The stored events that bear one of these event_ids, by it."""
        found: dict[str, ParsedFile] = {}
        for start in range(0, len(event_ids), IDS_A_QUERY):
            chosen = {"event_ids": event_ids[start : start + IDS_A_QUERY]}
            for number, *values in connection.execute(self._events_sent, chosen):
                record = EventRecord(*values)
                found[str(record.event_id)] = (number, record)
        return found


def _without_repeats(
    records: Sequence[EventRecord], stored: Mapping[str, ParsedFile]
) -> tuple[Sequence[EventRecord], Sequence[int | ParsedFile]]:
    """The records to insert; and for each record its place among these, or the stored event it repeats."""
    fresh: list[EventRecord] = []
    places: list[int | ParsedFile] = []
    first: dict[str, int | ParsedFile] = dict(stored)
    for record in records:
        place = first.get(record.event_id) if record.event_id else None
        if place is None:
            place = len(fresh)
            fresh.append(record)
            if record.event_id:
                first[record.event_id] = place
        places.append(place)
    return fresh, places


def _added(
    records: Sequence[EventRecord],
    fresh: Sequence[EventRecord],
    ids: Sequence[int],
    places: Sequence[int | ParsedFile],
) -> InsertResult:
    """What became of the records, once `fresh` stand under `ids`."""
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
