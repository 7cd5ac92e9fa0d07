"""Tracking: from what a sender gives to stored events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Final, cast

from vigility.core.batch_jobs import batch_job
from vigility.core.errors import EventConflict, InvalidInput, VigilityError
from vigility.core.events.event_forms import EventLike, new_event, require_events
from vigility.core.events.event_ids import uuid7
from vigility.core.events.model import EventRecord, NewEvent, StoredEvent
from vigility.core.events.ports import EventQueue, EventSink, OnDone, Outcome
from vigility.core.events.submitted import SubmittedEvent
from vigility.core.events.validation import EventValidator, Rejected
from vigility.core.events.window import DEFAULT_WINDOW, EventWindow
from vigility.core.gc_pause import gc_paused
from vigility.core.times import Clock, Span, to_micros
from vigility.core.users.model import User
from vigility.core.users.ports import UserRepository
from vigility.core.validators import valid_count, valid_event_id, valid_feature, valid_moment

# Events written in one transaction. A transaction costs one fsync (~1 ms) and the rows of the daily rollup
# that it touches. Beyond some 20,000 events both are small beside the events themselves, and other writers
# wait no longer than about a tenth of a second for the lock.
BATCH_SIZE: Final = 20_000

NewEventId = Callable[[int], str]
"""Makes an `event_id` for an event that is ingested at this moment, in microseconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult:
    """What became of many events: accepted, stored earlier under the same `event_id`, or rejected."""

    accepted: int = 0
    duplicates: int = 0
    rejected: tuple[Rejected, ...] = ()

    def with_rejected(self, errors: Mapping[int, VigilityError]) -> IngestResult:
        """The result for a batch from which the events at these indexes had been left out."""
        if not errors:
            return self
        total = self.accepted + self.duplicates + len(self.rejected) + len(errors)
        indexes = [index for index in range(total) if index not in errors]
        rejected = [Rejected(indexes[entry.index], entry.error) for entry in self.rejected]
        rejected += [Rejected(index, error) for index, error in errors.items()]
        return replace(self, rejected=tuple(sorted(rejected, key=lambda entry: entry.index)))


class Tracker:
    """The use cases of tracking, over any sink."""

    def __init__(
        self,
        users: UserRepository,
        queue: EventQueue,
        clock: Clock,
        new_event_id: NewEventId = uuid7,
        window: EventWindow = DEFAULT_WINDOW,
    ) -> None:
        self._users = users
        self._queue = queue
        self._clock = clock
        self._new_event_id = new_event_id
        self.window = window

    def submit(self, event: NewEvent) -> SubmittedEvent:
        """Queue one event. The future has it once it is durable, or the reason why it is not stored.

        Raises InvalidInput, UnknownUser, or StoreUnavailable if it is not even queued.
        """
        now = to_micros(self._clock())
        validator = EventValidator(self._users, self.window.span(now))
        validator.look_up([event])
        future = SubmittedEvent()
        future.set_running_or_notify_cancel()  # a queued event cannot be cancelled
        self._submit(validator.validate(event, now), now, partial(_resolve, future))
        return future

    def enqueue(
        self, user: User, feature: object, event_id: object, on_done: OnDone, at: object = None
    ) -> None:
        """Queue that `user`, who was looked up before, used a feature, at `at` or just now.

        For servers: it never blocks. `on_done` is called once, from another thread, with a StoredEvent or a
        VigilityError. Raises InvalidInput, or StoreUnavailable if the event is not even queued.
        """
        now = to_micros(self._clock())
        record = EventRecord(
            user.id,
            valid_feature(feature),
            now if at is None else valid_moment(at, self.window.span(now)),
            user.age,
            user.gender.value,
            None if event_id is None else valid_event_id(event_id),
        )
        self._submit(record, now, on_done)

    @property
    def stores_events(self) -> bool:
        """Whether accepted events are stored already, and not only queued, as in a stream."""
        return self._queue.assigns_ids

    @property
    def queued(self) -> int:
        """How many submitted events wait for the next transaction."""
        return self._queue.queued

    def flush(self, timeout: float | None = None) -> bool:
        """Wait, at most `timeout` seconds, until no submitted event is pending; return whether none is."""
        return self._queue.flush(timeout)

    def close(self) -> None:
        """Take no more events and store those that wait."""
        self._queue.close()

    def track_many(self, events: Iterable[EventLike], batch_size: int = BATCH_SIZE) -> IngestResult:
        """Store many events in transactions of `batch_size`, each durable before the next begins.

        Events that break a rule are reported by index, and the others stored. Raises InvalidInput if
        `events` are not many, or `batch_size` is not a whole number from 1; StoreError if the database fails:
        the batches before are stored, the failing one is not.
        """
        require_events(events)
        size = valid_count("batch_size", batch_size)
        importer = self.importer()
        accepted = duplicates = offset = 0
        rejected: list[Rejected] = []
        for batch in _batches(events, size):
            taken, refused = _new_events(batch)
            with batch_job():
                result = importer.store(taken).with_rejected(refused)
            accepted += result.accepted
            duplicates += result.duplicates
            rejected += (Rejected(offset + entry.index, entry.error) for entry in result.rejected)
            offset += len(batch)
        return IngestResult(accepted=accepted, duplicates=duplicates, rejected=tuple(rejected))

    def importer(self, span: Span | None = None, known: Iterable[User] = ()) -> Importer:
        """An importer, which stores one batch after another, for callers that do more between two batches.

        Users in `known` were looked up before and are not looked up again. Events at times outside of
        `span` are rejected; by default it is the window at the moment of each batch.
        """
        validator = EventValidator(self._users, known=known)
        span_at = self.window.span if span is None else lambda _: span
        return Importer(validator, self._queue, self._clock, self._new_event_id, span_at)

    def _submit(self, record: EventRecord, now: int, on_done: OnDone) -> None:
        if not self._queue.assigns_ids:
            (record,) = _named([record], now, self._new_event_id)
        self._queue.submit(record, on_done)


class Importer:
    """Stores batches of events. It caches users while it lives, so it should not outlive its task."""

    def __init__(
        self,
        validator: EventValidator,
        sink: EventSink,
        clock: Clock,
        new_event_id: NewEventId,
        span_at: Callable[[int], Span],
    ) -> None:
        """`span_at` returns the span of accepted times at a moment, all in microseconds since the epoch."""
        self._validator = validator
        self._sink = sink
        self._clock = clock
        self._new_event_id = new_event_id
        self._span_at = span_at

    def store(self, batch: Sequence[NewEvent]) -> IngestResult:
        """Store the events of `batch` in one transaction; report those that break a rule.

        They are durable on return. Raises StoreError if the database fails; then the batch is not stored.
        """
        now = to_micros(self._clock())
        self._validator.span = self._span_at(now)  # of each batch: reading a pipe can take days
        with gc_paused():
            records, indexes, rejected = self._validator.validate_all(batch, now)
        if not records:
            return IngestResult(rejected=tuple(rejected))
        if not self._sink.assigns_ids:
            records = _named(records, now, self._new_event_id)
        inserted = self._sink.add(records)
        rejected += (
            Rejected(indexes[position], EventConflict(str(records[position].event_id)))
            for position in inserted.conflicts
        )
        rejected += (Rejected(indexes[position], error) for position, error in inserted.refused.items())
        not_stored = len(inserted.duplicates) + len(inserted.conflicts) + len(inserted.refused)
        return IngestResult(
            accepted=len(records) - not_stored,
            duplicates=len(inserted.duplicates),
            rejected=tuple(sorted(rejected, key=lambda entry: entry.index)),
        )


def _named(records: Sequence[EventRecord], now: int, new_event_id: NewEventId) -> Sequence[EventRecord]:
    """The records, each with an `event_id`: for a sink that gives them no other name."""
    return [record if record.event_id else record._replace(event_id=new_event_id(now)) for record in records]


def _resolve(future: Future[StoredEvent], outcome: Outcome) -> None:
    if isinstance(outcome, StoredEvent):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)


def _batches(events: Iterable[EventLike], size: int) -> Iterator[Sequence[EventLike]]:
    remaining = iter(events)
    while batch := list(islice(remaining, size)):
        yield batch


def _new_events(batch: Sequence[EventLike]) -> tuple[Sequence[NewEvent], Mapping[int, VigilityError]]:
    """The events of the batch; and by index why others are none."""
    if set(map(type, batch)) == {NewEvent}:
        return cast("Sequence[NewEvent]", batch), {}
    events: list[NewEvent] = []
    errors: dict[int, VigilityError] = {}
    for index, value in enumerate(batch):
        try:
            events.append(new_event(value))
        except InvalidInput as error:
            errors[index] = error
    return events, errors
