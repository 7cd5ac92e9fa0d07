"""Tracking: from what a sender tells to events in the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

from vigility.core.gc_pause import gc_paused
from vigility.core.errors import EventConflict
from vigility.core.events.group_commit import OnDone, GroupCommit, Outcome
from vigility.core.events.model import EventRecord, NewEvent, StoredEvent
from vigility.core.users.model import User
from vigility.core.events.ports import EventRepository
from vigility.core.users.ports import UserRepository
from vigility.core.events.validation import Rejected, EventValidator
from vigility.core.validators import valid_event_id, valid_feature
from vigility.core.times import CALENDAR, Clock, Span, to_micros

# Events written in one transaction. A transaction costs one fsync (~1 ms) and the rows of the day
# summaries it touches; past some 20,000 events both are small beside the events themselves, and
# other writers wait no longer than about a tenth of a second for their turn.
BATCH_SIZE: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult:
    """What became of many events: stored, stored before under the same `event_id`, or rejected."""

    accepted: int = 0
    duplicates: int = 0
    rejected: tuple[Rejected, ...] = ()


class Tracker:
    """The use cases of tracking, over any store."""

    def __init__(self, users: UserRepository, events: EventRepository, clock: Clock) -> None:
        self._users = users
        self._events = events
        self._clock = clock
        self._writer = GroupCommit(events.add)

    def submit(self, event: NewEvent) -> Future[StoredEvent]:
        """Queue one event. The future has it once it is durable, or the reason why it is not stored.

        Raises InvalidInput, UnknownUser, or StoreUnavailable where it is not even queued.
        """
        resolver = EventValidator(self._users)
        resolver.look_up([event])
        record = resolver.resolve(event, to_micros(self._clock()))
        future: Future[StoredEvent] = Future()
        future.set_running_or_notify_cancel()  # a queued event is not taken back
        self._writer.submit(record, partial(_settle, future))
        return future

    def enqueue(self, user: User, feature: object, event_id: object, on_done: OnDone) -> None:
        """Queue that a user, looked up before, used a feature just now; `deliver` is told what became of it.

        Raises InvalidInput, or StoreUnavailable where it is not even queued.
        """
        record = EventRecord(
            user.id,
            valid_feature(feature),
            to_micros(self._clock()),
            user.age,
            user.gender.value,
            None if event_id is None else valid_event_id(event_id),
        )
        self._writer.submit(record, on_done)

    @property
    def queued(self) -> int:
        """How many submitted events wait for the next transaction."""
        return self._writer.queued

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was submitted is stored or refused; returns whether it is."""
        return self._writer.flush(timeout)

    def close(self) -> None:
        """Take no more and store what waits."""
        self._writer.close()

    def track_many(self, events: Iterable[NewEvent], batch_size: int = BATCH_SIZE) -> IngestResult:
        """Store many events, in transactions of `batch_size`, each durable before the next begins.

        Events that break a rule are reported by index and the others stored. Raises StoreError where
        the store fails: the batches before it are stored, the failing one is not.
        """
        importer = self.importer()
        accepted = duplicates = offset = 0
        rejected: list[Rejected] = []
        for batch in _batches(events, batch_size):
            outcome = importer.store(batch)
            accepted += outcome.accepted
            duplicates += outcome.duplicates
            rejected += (Rejected(offset + entry.index, entry.error) for entry in outcome.rejected)
            offset += len(batch)
        return IngestResult(accepted=accepted, duplicates=duplicates, rejected=tuple(rejected))

    def importer(self, span: Span = CALENDAR, known: Iterable[User] = ()) -> Importer:
        """Something that stores batch after batch, for callers that do more between two of them."""
        return Importer(EventValidator(self._users, span, known), self._events, self._clock)


class Importer:
    """Stores batches of events. Looks each user up once in its life, so it should not outlive its task."""

    def __init__(self, resolver: EventValidator, events: EventRepository, clock: Clock) -> None:
        self._resolver = resolver
        self._events = events
        self._clock = clock

    def store(self, batch: Sequence[NewEvent]) -> IngestResult:
        """Store the events of `batch` in one transaction, durable on return; report those that break a rule.

        Raises StoreError where the store fails; nothing of the batch is stored then.
        """
        with gc_paused():
            records, indexes, rejected = self._resolver.resolve_all(batch, to_micros(self._clock()))
        if not records:
            return IngestResult(rejected=tuple(rejected))
        added = self._events.add(records)
        rejected += (
            Rejected(indexes[position], EventConflict(str(records[position].event_id)))
            for position in added.conflicts
        )
        return IngestResult(
            accepted=len(records) - len(added.duplicates) - len(added.conflicts),
            duplicates=len(added.duplicates),
            rejected=tuple(sorted(rejected, key=lambda entry: entry.index)),
        )


def _settle(future: Future[StoredEvent], outcome: Outcome) -> None:
    if isinstance(outcome, StoredEvent):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)


def _batches(events: Iterable[NewEvent], size: int) -> Iterator[Sequence[NewEvent]]:
    remaining = iter(events)
    while batch := list(islice(remaining, size)):
        yield batch
