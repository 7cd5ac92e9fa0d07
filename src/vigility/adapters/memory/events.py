"""Events in a list; every count walks all of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from vigility.core.dimensions import DIMENSIONS
from vigility.core.errors import StoreError, UserGone, VigilityError
from vigility.core.events.export import Checksum, EventPage, event_checksum
from vigility.core.events.feature_limit import MAX_FEATURES, too_many_features
from vigility.core.events.model import EventRecord
from vigility.core.events.ports import InsertResult
from vigility.core.events.selection import EVERY_EVENT, EventSelection
from vigility.core.reports.filters import Filters
from vigility.core.reports.ports import Counts, FeatureUse, RollupDifference
from vigility.core.reports.query import Query
from vigility.core.reports.rollups import DAILY, RollupKey
from vigility.core.times import from_micros
from vigility.core.users.ports import UserRepository


class MemoryEvents:
    """Implements `EventSink`, `EventLog`, `ReportReader` and `RollupMaintenance`, over any users."""

    assigns_ids = True

    def __init__(
        self, lock: threading.RLock, users: UserRepository, max_features: int = MAX_FEATURES
    ) -> None:
        self._lock = lock
        self._users = users
        self._max_features = max_features
        self._stored: list[tuple[int, EventRecord]] = []
        self._names: Counter[str] = Counter()
        self._by_event_id: dict[tuple[int, str | None], tuple[int, EventRecord]] = {}

    def add(self, records: Sequence[EventRecord]) -> InsertResult:
        """See `EventSink.add`."""
        ids: list[int | None] = []
        duplicates: dict[int, EventRecord] = {}
        conflicts: dict[int, EventRecord] = {}
        refused: dict[int, VigilityError] = {}
        with self._lock:
            self._require_users(records)
            for index, record in enumerate(records):
                first = self._by_event_id.get((record.user_id, record.event_id)) if record.event_id else None
                if first is None and self._is_full(record.feature):
                    ids.append(None)
                    refused[index] = too_many_features(record.feature, self._max_features)
                    continue
                if first is None:
                    ids.append(self.high_watermark() + 1)
                    self._insert(self.high_watermark() + 1, record)
                    continue
                number, stored = first
                (duplicates if stored.feature == record.feature else conflicts)[index] = stored
                ids.append(number)
        return InsertResult(ids=ids, duplicates=duplicates, conflicts=conflicts, refused=refused)

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

    def features(self) -> Sequence[FeatureUse]:
        """See `RollupMaintenance.features`."""
        with self._lock:
            records = [record for _, record in self._stored]
        days = {name: [_day(record) for record in records if record.feature == name] for name in self._names}
        return [
            FeatureUse(feature=name, events=len(used), first_day=min(used), last_day=max(used))
            for name, used in days.items()
        ]

    def counts_upto(self, upto: int) -> Mapping[RollupKey, int]:
        """See `RollupMaintenance.counts_upto`."""
        with self._lock:
            return Counter(DAILY.key_of(record, _day(record)) for _, record in self._upto(upto))

    def high_watermark(self) -> int:
        """See `EventLog.high_watermark`."""
        with self._lock:
            return self._stored[-1][0] if self._stored else 0

    def page(self, after: int, upto: int, limit: int, chosen: EventSelection = EVERY_EVENT) -> EventPage:
        """See `EventLog.page`."""
        with self._lock:
            found = [stored for stored in self._upto(upto) if stored[0] > after and chosen.includes(*stored)]
        return EventPage([number for number, _ in found[:limit]], [record for _, record in found[:limit]])

    def count(self, chosen: EventSelection) -> int:
        """See `EventLog.count`."""
        with self._lock:
            return sum(chosen.includes(*stored) for stored in self._stored)

    def delete(self, ids: Sequence[int], chosen: EventSelection) -> int:
        """See `EventLog.delete`."""
        with self._lock:
            kept = [stored for stored in self._stored if not _is_among(stored, ids, chosen)]
            return self._replace(kept)

    def move(self, ids: Sequence[int], chosen: EventSelection, feature: str) -> int:
        """See `EventLog.move`."""
        with self._lock:
            moved = [
                (number, record)
                for number, record in self._stored
                if record.feature != feature and _is_among((number, record), ids, chosen)
            ]
            if feature not in self._names or not moved:
                return 0
            renamed = {number: record._replace(feature=feature) for number, record in moved}
            self._replace([(number, renamed.get(number, record)) for number, record in self._stored])
            return len(moved)

    def rename_feature(self, old: str, new: str) -> bool:
        """See `EventLog.rename_feature`."""
        with self._lock:
            if old not in self._names or new in self._names:
                return False
            self._replace(
                [
                    (number, record._replace(feature=new) if record.feature == old else record)
                    for number, record in self._stored
                ]
            )
            return True

    def drop_unused_features(self) -> int:
        """See `EventLog.drop_unused_features`: a name is known only as long as it has events."""
        return 0

    def insert_with_ids(self, page: EventPage) -> None:
        """See `EventLog.insert_with_ids`."""
        with self._lock:
            self._require_users(page.records)
            ids = [number for number, _ in self._stored] + list(page.ids)
            new = [(record.user_id, record.event_id) for record in page.records if record.event_id]
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
        self._replace([])

    def __len__(self) -> int:
        return len(self._stored)

    def _require_users(self, records: Sequence[EventRecord]) -> None:
        if not {record.user_id for record in records} <= {user.id for user in self._users.all()}:
            raise UserGone

    def _insert(self, number: int, record: EventRecord) -> None:
        self._stored.append((number, record))
        self._names[record.feature] += 1
        if record.event_id:
            self._by_event_id[record.user_id, record.event_id] = (number, record)

    def _replace(self, stored: Sequence[tuple[int, EventRecord]]) -> int:
        """Keep exactly these events; return how many fewer they are."""
        fewer = len(self._stored) - len(stored)
        self._stored.clear()
        self._by_event_id.clear()
        self._names.clear()
        for number, record in stored:
            self._insert(number, record)
        return fewer

    def _is_full(self, feature: str) -> bool:
        """Whether there is no room for this feature."""
        return feature not in self._names and len(self._names) >= self._max_features

    def _upto(self, upto: int) -> Iterable[tuple[int, EventRecord]]:
        return [stored for stored in self._stored if stored[0] <= upto]


def _is_among(stored: tuple[int, EventRecord], ids: Sequence[int], chosen: EventSelection) -> bool:
    return stored[0] in ids and chosen.includes(*stored)


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
