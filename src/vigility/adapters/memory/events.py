"""Events in a list; every count walks all of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from vigility.core.dimensions import DIMENSIONS
from vigility.core.errors import StoreError, UserGone
from vigility.core.events.export import Checksum, EventPage, event_checksum
from vigility.core.events.model import EventRecord
from vigility.core.events.ports import InsertResult
from vigility.core.reports.filters import Filters
from vigility.core.reports.ports import Counts, RollupDifference
from vigility.core.reports.query import Query
from vigility.core.reports.rollups import DAILY, RollupKey
from vigility.core.times import from_micros
from vigility.core.users.ports import UserRepository


class MemoryEvents:
    """Implements `EventSink`, `EventLog`, `ReportReader` and `RollupMaintenance`, over any users."""

    assigns_ids = True

    def __init__(self, lock: threading.RLock, users: UserRepository) -> None:
        self._lock = lock
        self._users = users
        self._stored: list[tuple[int, EventRecord]] = []
        self._by_event_id: dict[str, tuple[int, EventRecord]] = {}

    def add(self, records: Sequence[EventRecord]) -> InsertResult:
        """See `EventSink.add`."""
        ids: list[int] = []
        duplicates: dict[int, EventRecord] = {}
        conflicts: dict[int, EventRecord] = {}
        with self._lock:
            self._require_users(records)
            for index, record in enumerate(records):
                first = self._by_event_id.get(record.event_id) if record.event_id else None
                if first is None:
                    ids.append(self.high_watermark() + 1)
                    self._insert(ids[-1], record)
                    continue
                number, stored = first
                same = stored[:2] == record[:2]  # user and feature
                (duplicates if same else conflicts)[index] = stored
                ids.append(number)
        return InsertResult(ids=ids, duplicates=duplicates, conflicts=conflicts)

    def read(self, query: Query) -> Counts:
        """See `ReportReader.read`."""
        with self._lock:
            records = [record for _, record in self._stored]
        selected = [record for record in records if _selects(query.filters, record)]
        days = [_day(record) for record in records]
        tracked = {record.feature for record in records}
        shown = [feature for feature in query.series_of if feature in tracked]
        return Counts(
            totals=Counter((record.feature,) for record in selected),
            series={
                (feature,): Counter(_day(record) for record in selected if record.feature == feature)
                for feature in shown
            },
            first_day=min(days) if shown else None,
            last_day=max(days) if shown else None,
        )

    def verify(self) -> list[RollupDifference]:
        """There are no rollups that could differ."""
        return []

    def rebuild(self) -> None:
        """There are no rollups to rebuild."""

    def counts_upto(self, upto: int) -> Mapping[RollupKey, int]:
        """See `RollupMaintenance.counts_upto`."""
        with self._lock:
            return Counter(DAILY.key_of(record, _day(record)) for _, record in self._upto(upto))

    def high_watermark(self) -> int:
        """See `EventLog.high_watermark`."""
        with self._lock:
            return self._stored[-1][0] if self._stored else 0

    def page(self, after: int, upto: int, limit: int) -> EventPage:
        """See `EventLog.page`."""
        with self._lock:
            chosen = [(number, record) for number, record in self._upto(upto) if number > after][:limit]
        return EventPage([number for number, _ in chosen], [record for _, record in chosen])

    def insert_with_ids(self, page: EventPage) -> None:
        """See `EventLog.insert_with_ids`."""
        with self._lock:
            self._require_users(page.records)
            ids = [number for number, _ in self._stored] + list(page.ids)
            new = [record.event_id for record in page.records if record.event_id]
            names = [*self._by_event_id, *new]
            if len(set(ids)) < len(ids) or len(set(names)) < len(names):
                raise StoreError("memory: an event with this id or event_id exists")
            for number, record in zip(*page, strict=True):
                self._insert(number, record)
            self._stored.sort(key=lambda stored: stored[0])

    def checksum(self, upto: int) -> Checksum:
        """See `EventLog.checksum`."""
        with self._lock:
            events = list(self._upto(upto))
        return Checksum(
            events=len(events),
            newest=max((number for number, _ in events), default=0),
            with_event_id=sum(record.event_id is not None for _, record in events),
            weighted_sum=sum(event_checksum(number, record) for number, record in events),
        )

    def clear(self) -> None:
        """Delete all events."""
        self._stored.clear()
        self._by_event_id.clear()

    def __len__(self) -> int:
        return len(self._stored)

    def _require_users(self, records: Sequence[EventRecord]) -> None:
        if not {record.user_id for record in records} <= {user.id for user in self._users.all()}:
            raise UserGone

    def _insert(self, number: int, record: EventRecord) -> None:
        self._stored.append((number, record))
        if record.event_id:
            self._by_event_id[record.event_id] = (number, record)

    def _upto(self, upto: int) -> Iterable[tuple[int, EventRecord]]:
        return [stored for stored in self._stored if stored[0] <= upto]


def _day(record: EventRecord) -> date:
    return from_micros(record.at).date()


def _selects(filters: Filters, record: EventRecord) -> bool:
    day = _day(record)
    chosen = dict(filters.values)
    return (
        (filters.start is None or day >= filters.start)
        and (filters.end is None or day <= filters.end)
        and all(
            dimension.value_of(getattr(record, dimension.source)) == chosen[dimension.name]
            for dimension in DIMENSIONS
            if dimension.name in chosen
        )
    )
