"""Events in SQL, stored together with their day summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection, select

from vigility.core.collector import collector_paused
from vigility.core.errors import StoreError
from vigility.core.model import EventRecord
from vigility.core.query import Filters
from vigility.core.report import Counts
from vigility.core.repositories import Added, SummaryDifference
from vigility.core.transfer import Page, SummaryKey, Tally
from vigility.storage.sql import summaries, transfer
from vigility.storage.sql.database import ChangedMeanwhile, Database
from vigility.storage.sql.schema import day_summaries, events, features

# Values in one IN list: SQLite allows 32,766 in a statement.
IDS_A_QUERY: Final = 10_000

# Each fails by another writer's doing; past so many it is the database's own, and would go on for ever.
_MOST_ATTEMPTS: Final = 20

# Built once: building a statement takes longer than a database takes to run it.
_EVENTS: Final = select(
    events.c.id, events.c.user_id, features.c.name, *events.c["at", "age", "gender", "event_id"]
).join_from(events, features)

Numbered = tuple[int, EventRecord]
"""An event's id and its record."""


class SqlEvents:
    """Implements `vigility.core.repositories.EventRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Names that this process knows to be stored. A hint: the insert joins by name, and so proves it.
        self._interned: frozenset[str] = frozenset()
        self._events_sent = _EVENTS.where(database.one_of(events.c.event_id, "event_ids"))

    def add(self, records: Sequence[EventRecord]) -> Added:
        """See `EventRepository.add`."""
        for _ in range(_MOST_ATTEMPTS):
            # The collector rests from when the transaction has begun: the wait for that may be long.
            with suppress(ChangedMeanwhile), self._database.storing() as connection, collector_paused():
                return self._add(connection, records)
            self._interned = frozenset()
        raise StoreError(f"{self._database.name}: events are not stored as they are given: has it triggers?")

    def counts(self, filters: Filters, feature: str | None) -> Counts:
        """See `EventRepository.counts`."""
        with self._database.reading() as connection:
            return summaries.read(connection, filters, feature)

    def verify_summaries(self) -> list[SummaryDifference]:
        """See `EventRepository.verify_summaries`."""
        with self._database.reading(patient=True) as connection:
            return summaries.differences(connection)

    def rebuild_summaries(self) -> None:
        """See `EventRepository.rebuild_summaries`."""
        with self._database.writing(patient=True) as connection:
            self._database.keep_out_writers(connection, events, day_summaries)
            summaries.rebuild(connection)

    def settled(self) -> int:
        """See `EventRepository.settled`."""
        return self._database.settled()

    def page(self, after: int, upto: int, limit: int) -> Page:
        """See `EventRepository.page`."""
        with self._database.reading() as connection:
            return transfer.read_page(connection, after, upto, limit)

    def restore(self, page: Page) -> None:
        """See `EventRepository.restore`."""
        self._interned = frozenset()  # so that nothing but an event_id can be in the way
        try:
            with self._database.storing() as connection:
                self._insert(connection, page.records, page.ids)
                self._database.begin_ids_after(connection, events, max(page.ids))
        except ChangedMeanwhile:
            raise StoreError(f"{self._database.name}: an event of the same event_id is there") from None

    def tally(self, upto: int) -> Tally:
        """See `EventRepository.tally`."""
        with self._database.reading(patient=True) as connection:
            return transfer.read_tally(connection, upto)

    def day_counts(self, upto: int) -> Mapping[SummaryKey, int]:
        """See `EventRepository.day_counts`."""
        with self._database.reading(patient=True) as connection:
            return transfer.read_day_counts(connection, upto)

    def _add(self, connection: Connection, records: Sequence[EventRecord]) -> Added:
        event_ids = list(filter(None, map(itemgetter(-1), records)))
        if not event_ids:
            return Added(ids=self._insert(connection, records))
        fresh, places = _without_repeats(records, self._stored(connection, event_ids))
        ids = self._insert(connection, fresh) if fresh else ()
        return _added(records, fresh, ids, places)

    def _insert(
        self, connection: Connection, records: Sequence[EventRecord], ids: Sequence[int] | None = None
    ) -> Sequence[int]:
        counted = summaries.rows_of(records)
        names = {row[0] for row in counted}
        if new := sorted(names - self._interned):
            connection.execute(self._database.insert_missing(features), [{"name": name} for name in new])
        inserted = self._database.insert_events(connection, records, ids)
        # Last: its rows are those that other writers wait for.
        self._database.add_to_summaries(connection, counted)
        self._interned |= names
        return inserted

    def _stored(self, connection: Connection, event_ids: Sequence[str]) -> dict[str, Numbered]:
        """The stored events that bear one of these event_ids, by it."""
        found: dict[str, Numbered] = {}
        for start in range(0, len(event_ids), IDS_A_QUERY):
            chosen = {"event_ids": event_ids[start : start + IDS_A_QUERY]}
            for number, *values in connection.execute(self._events_sent, chosen):
                record = EventRecord(*values)
                found[str(record.event_id)] = (number, record)
        return found


def _without_repeats(
    records: Sequence[EventRecord], stored: Mapping[str, Numbered]
) -> tuple[Sequence[EventRecord], Sequence[int | Numbered]]:
    """The records to insert; and for each record its place among these, or the stored event it repeats."""
    fresh: list[EventRecord] = []
    places: list[int | Numbered] = []
    first: dict[str, int | Numbered] = dict(stored)
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
    places: Sequence[int | Numbered],
) -> Added:
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
    return Added(ids=numbers, duplicates=duplicates, conflicts=conflicts)
