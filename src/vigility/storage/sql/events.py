"""Events in SQL, stored together with their day summaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection, select

from vigility.core.errors import StoreError
from vigility.core.model import Event, EventRecord
from vigility.core.query import Filters
from vigility.core.report import Counts
from vigility.core.repositories import Added, SummaryDifference
from vigility.core.transfer import Page, SummaryKey, Tally
from vigility.storage.sql import summaries, transfer
from vigility.storage.sql.database import Database, StoredMeanwhile
from vigility.storage.sql.schema import day_summaries, events, features

# Values in one IN list: SQLite allows 32,766 in a statement.
IDS_A_QUERY: Final = 10_000

# Statements are built once: building one takes longer than a database takes to run it.
_FEATURES: Final = select(features.c.name, features.c.id)
_EVENTS: Final = select(
    events.c.id, events.c.user_id, features.c.name, *events.c["at", "age", "gender", "event_id"]
).join_from(events, features)

Numbered = tuple[int, EventRecord]
"""An event's id and its record."""


class SqlEvents:
    """Implements `vigility.core.repositories.EventRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._features_named = _FEATURES.where(database.one_of(features.c.name, "names"))
        self._events_sent = _EVENTS.where(database.one_of(events.c.event_id, "event_ids"))

    def add(self, records: Sequence[EventRecord]) -> Added:
        """See `EventRepository.add`."""
        while True:
            with suppress(StoredMeanwhile), self._database.writing() as connection:
                return self._add(connection, records)

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
        try:
            with self._database.writing() as connection:
                self._insert(connection, page.records, page.ids)
                self._database.begin_ids_after(connection, events, max(page.ids))
        except StoredMeanwhile:
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
        stored = self._stored(connection, event_ids)
        repeats = len(event_ids) - len(set(event_ids) - stored.keys())
        new_ids = self._database.new_ids(connection, len(records) - repeats)
        fresh, added = _without_repeats(records, stored, new_ids)
        if fresh:
            self._insert(connection, fresh, new_ids)
        return added

    def _insert(self, connection: Connection, records: Sequence[EventRecord], numbers: Sequence[int]) -> None:
        # By columns, each a call or two: a loop over the records would take half as long as SQLite does.
        user_ids, names, ats, ages, genders, event_ids = zip(*records, strict=True)
        ids = self._intern(connection, set(names))
        feature_ids = [ids[name] for name in names]
        rows = zip(numbers, user_ids, feature_ids, ats, ages, genders, event_ids, strict=True)
        self._database.insert_events(connection, list(rows))
        counted = summaries.rows_of(feature_ids, ats, ages, genders)
        self._database.add_to_summaries(connection, counted)

    def _intern(self, connection: Connection, names: set[str]) -> dict[str, int]:
        """The ids of these feature names; new ones are stored."""
        known = self._feature_ids(connection, names)
        if new := sorted(names - known.keys()):
            connection.execute(self._database.insert_missing(features), [{"name": name} for name in new])
            known |= self._feature_ids(connection, new)
        return known

    def _feature_ids(self, connection: Connection, names: Iterable[str]) -> dict[str, int]:
        return dict(connection.execute(self._features_named, {"names": list(names)}).all())

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
    records: Sequence[EventRecord], stored: dict[str, Numbered], new_ids: Sequence[int]
) -> tuple[Sequence[EventRecord], Added]:
    """The records to insert, one for each new id, and what became of each record."""
    if not any(map(itemgetter(-1), records)):
        return records, Added(ids=new_ids)
    fresh: list[EventRecord] = []
    ids: list[int] = []
    duplicates: dict[int, Event] = {}
    conflicts: dict[int, Event] = {}
    for index, record in enumerate(records):
        first = stored.get(record.event_id) if record.event_id else None
        if first is None:
            first = (new_ids[len(fresh)], record)
            fresh.append(record)
            if record.event_id:
                stored[record.event_id] = first
        else:
            same = first[1][:2] == record[:2]  # user and feature
            (duplicates if same else conflicts)[index] = Event.of(*first)
        ids.append(first[0])
    return fresh, Added(ids=ids, duplicates=duplicates, conflicts=conflicts)
