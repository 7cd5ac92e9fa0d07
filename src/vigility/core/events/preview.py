"""A preview: what would become of events if they were stored. Stores nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from vigility.core.errors import EventConflict, UnknownUser
from vigility.core.events.feature_limit import NewFeatures
from vigility.core.events.model import EventRecord, NewEvent
from vigility.core.events.ports import EventLog
from vigility.core.events.selection import MAX_NAMED, EventSelection
from vigility.core.events.tracking import IngestResult
from vigility.core.events.validation import EventValidator, Rejected
from vigility.core.times import Clock, Span, to_micros

MAX_REMEMBERED: Final = 1_000_000
"""How many `event_ids`, and how many names, a preview remembers. Some hundred megabytes hold as many."""

_Key = tuple[int, str]
"""A user's id and an `event_id`."""


class Preview:
    """Says for each batch what `Importer.store` would do. It remembers the batches before.

    Attributes:
        users: the ids of the users whose events would be stored.
        features: the features of these events.
        new_features: those of them that are not stored yet.
        times: the first and the last of their times, or None if there are none.
        unknown_users: how many events name each user who is not registered.
        forgot: whether there were more `event_ids` than are remembered, so that some repeats are not seen.
    """

    def __init__(
        self,
        validator: EventValidator,
        log: EventLog,
        clock: Clock,
        span_at: Callable[[int], Span],
        new_features: NewFeatures,
    ) -> None:
        self._validator = validator
        self._log = log
        self._upto = log.high_watermark()
        self._clock = clock
        self._span_at = span_at
        self._seen: dict[_Key, str] = {}
        self.users: set[int] = set()
        self.features: set[str] = set()
        self.new_features = new_features
        self.times: Span | None = None
        self.unknown_users: Counter[str] = Counter()
        self.forgot = False

    def store(self, batch: Sequence[NewEvent]) -> IngestResult:
        """Return what `Importer.store` would return, and store nothing. Raises StoreError."""
        now = to_micros(self._clock())
        self._validator.span = self._span_at(now)
        records, indexes, rejected = self._validator.validate_all(batch, now)
        stored = self._stored(records)
        duplicates = 0
        for record, index in zip(records, indexes, strict=True):
            first = self._first_feature(record, stored)
            if first is None and (error := self.new_features.refused(record.feature)):
                rejected.append(Rejected(index, error))
            elif first is None:
                self._count(record)
            elif first == record.feature:
                duplicates += 1
            else:
                rejected.append(Rejected(index, EventConflict(str(record.event_id))))
        self._count_unknown(rejected)
        return IngestResult(
            accepted=len(batch) - duplicates - len(rejected),
            duplicates=duplicates,
            rejected=tuple(sorted(rejected, key=lambda entry: entry.index)),
        )

    def _first_feature(self, record: EventRecord, stored: dict[_Key, str]) -> str | None:
        """The feature of the event that has this `event_id` already, or None if the record is new."""
        if record.event_id is None:
            return None
        key = (record.user_id, record.event_id)
        return stored.get(key) or self._seen.get(key)

    def _stored(self, records: Sequence[EventRecord]) -> dict[_Key, str]:
        """The features of the stored events with one of these `event_ids`, whoever sent them."""
        event_ids = list({record.event_id for record in records if record.event_id})
        return {
            (record.user_id, str(record.event_id)): record.feature
            for start in range(0, len(event_ids), MAX_NAMED)
            for record in self._with_ids(tuple(event_ids[start : start + MAX_NAMED]))
        }

    def _with_ids(self, event_ids: tuple[str, ...]) -> Iterator[EventRecord]:
        after = 0
        while (page := self._log.page(after, self._upto, MAX_NAMED, EventSelection(event_ids=event_ids))).ids:
            yield from page.records
            after = page.ids[-1]

    def _count(self, record: EventRecord) -> None:
        if record.event_id is not None and len(self._seen) < MAX_REMEMBERED:
            self._seen[record.user_id, record.event_id] = record.feature
        elif record.event_id is not None:
            self.forgot = True
        if len(self.features) < MAX_REMEMBERED:
            self.features.add(record.feature)
            self.new_features.add(record.feature)
        self.users.add(record.user_id)
        first, last = self.times or (record.at, record.at)
        self.times = Span(min(first, record.at), max(last, record.at))

    def _count_unknown(self, rejected: Sequence[Rejected]) -> None:
        names = [entry.error.username for entry in rejected if isinstance(entry.error, UnknownUser)]
        if len(self.unknown_users) < MAX_REMEMBERED:
            self.unknown_users.update(names)
