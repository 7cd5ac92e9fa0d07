"""Events in SQL, stored together with their day summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection, bindparam, select

from vigility.core.model import EventRecord
from vigility.core.query import Filters
from vigility.core.report import Counts
from vigility.core.repositories import Added, SummaryDifference
from vigility.storage.sql import summaries
from vigility.storage.sql.database import SqliteDatabase
from vigility.storage.sql.schema import events, features

# Values in one IN list: SQLite allows 32,766 in a statement.
IDS_A_QUERY: Final = 10_000

# Built once: building a statement takes longer than SQLite takes to run it.
_BY_EVENT_ID: Final = (
    select(events.c.id, events.c.user_id, features.c.name, *events.c["at", "age", "gender", "event_id"])
    .join_from(events, features)
    .where(events.c.event_id.in_(bindparam("event_ids", expanding=True)))
)

Numbered = tuple[int, EventRecord]
"""An event's id and its record."""


class FeatureForgotten(Exception):
    """A feature's name that was stored is not any more: the database was wiped."""


class SqlEvents:
    """Implements `vigility.core.repositories.EventRepository`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        # Names that this process knows to be stored. A hint: the insert joins by name and so proves it.
        self._interned: frozenset[str] = frozenset()

    def add(self, records: Sequence[EventRecord]) -> Added:
        """See `EventRepository.add`."""
        try:
            return self._add(records)
        except FeatureForgotten:
            self._interned = frozenset()
            return self._add(records)

    def _add(self, records: Sequence[EventRecord]) -> Added:
        with self._database.writing() as connection:
            event_ids = list(filter(None, map(itemgetter(-1), records)))
            if not event_ids:
                return Added(ids=self._insert(connection, records))
            fresh, places = _without_repeats(records, _stored(connection, event_ids))
            ids = self._insert(connection, fresh) if fresh else ()
            return _added(records, fresh, ids, places)

    def _insert(self, connection: Connection, records: Sequence[EventRecord]) -> Sequence[int]:
        counted = summaries.rows_of(records)
        names = {row[0] for row in counted}
        if not names <= self._interned:
            connection.execute(
                self._database.insert_missing(features), [{"name": name} for name in sorted(names)]
            )
        ids = self._database.insert_events(connection, records)
        if len(ids) < len(records):
            raise FeatureForgotten
        self._database.add_to_summaries(connection, counted)
        self._interned |= names
        return ids

    def counts(self, filters: Filters, feature: str | None) -> Counts:
        """See `EventRepository.counts`."""
        with self._database.reading() as connection:
            return summaries.read(connection, filters, feature)

    def verify_summaries(self) -> list[SummaryDifference]:
        """See `EventRepository.verify_summaries`."""
        with self._database.reading() as connection:
            return summaries.differences(connection)

    def rebuild_summaries(self) -> None:
        """See `EventRepository.rebuild_summaries`."""
        with self._database.writing() as connection:
            summaries.rebuild(connection)


def _stored(connection: Connection, event_ids: Sequence[str]) -> dict[str, Numbered]:
    """The stored events that bear one of these event_ids, by it."""
    found: dict[str, Numbered] = {}
    for start in range(0, len(event_ids), IDS_A_QUERY):
        chosen = {"event_ids": event_ids[start : start + IDS_A_QUERY]}
        for number, *values in connection.execute(_BY_EVENT_ID, chosen):
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
