"""Tracking: from what a sender tells to events in the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from vigility.core.errors import EventConflict, InvalidInput, UnknownUser, VigilityError
from vigility.core.model import Event, EventRecord, NewEvent, User
from vigility.core.repositories import EventRepository, UserRepository
from vigility.core.rules import valid_event_id, valid_feature, valid_moment, valid_username
from vigility.core.times import Clock, to_micros

# Events written in one transaction. A transaction costs one fsync (~1 ms) and the rows of the day
# summaries it touches; past some 20,000 events both are small beside the events themselves, and
# other writers wait no longer than about a tenth of a second for their turn.
BATCH_SIZE: Final = 20_000


_Profile = tuple[int, int, str]
"""A user's id, age and gender: what an event records of its user."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that was not stored: its index in what was sent, and why."""

    index: int
    error: VigilityError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What became of many events: stored, stored before under the same `event_id`, or rejected."""

    accepted: int = 0
    duplicates: int = 0
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True, slots=True)
class Tracked:
    """One event as it is stored, and whether this call found it stored already under its `event_id`."""

    event: Event
    repeated: bool


class Tracker:
    """The use cases of tracking, over any store."""

    def __init__(self, users: UserRepository, events: EventRepository, clock: Clock) -> None:
        self._users = users
        self._events = events
        self._clock = clock

    def track(self, event: NewEvent) -> Tracked:
        """Store one event. Durable when it returns.

        An `event_id` that is stored already stores nothing and gives the first event.

        Raises:
            InvalidInput: a value breaks its rule.
            UnknownUser: the user is not registered.
            EventConflict: the `event_id` belongs to an event of another user or feature.
            StoreError: the store did not take it; nothing was stored.
        """
        username = valid_username(event.username)
        resolver = _Resolver(to_micros(self._clock()))
        resolver.learn(self._users.by_names([username]))
        record = resolver.resolve(event)
        added = self._events.add([record])
        if added.conflicts:
            raise EventConflict(str(record.event_id))
        if first := added.duplicates.get(0):
            return Tracked(first, repeated=True)
        return Tracked(Event.of(added.ids[0], record), repeated=False)

    def track_many(self, events: Iterable[NewEvent], batch_size: int = BATCH_SIZE) -> Ingested:
        """Store many events, in transactions of `batch_size`, each durable before the next begins.

        Events that break a rule are reported by index and the others stored. Raises StoreError where
        the store fails: the batches before it are stored, the failing one is not.
        """
        resolver = _Resolver(to_micros(self._clock()))
        accepted = duplicates = offset = 0
        rejected: list[Rejected] = []
        for batch in _batches(events, batch_size):
            outcome = self._store(batch, resolver)
            accepted += outcome.accepted
            duplicates += outcome.duplicates
            rejected += (Rejected(offset + entry.index, entry.error) for entry in outcome.rejected)
            offset += len(batch)
        return Ingested(accepted=accepted, duplicates=duplicates, rejected=tuple(rejected))

    def _store(self, batch: Sequence[NewEvent], resolver: _Resolver) -> Ingested:
        resolver.learn(self._users.by_names(resolver.unknown(batch)))
        records, indexes, rejected = resolver.resolve_all(batch)
        if not records:
            return Ingested(rejected=tuple(rejected))
        added = self._events.add(records)
        rejected += (
            Rejected(indexes[position], EventConflict(str(records[position].event_id)))
            for position in added.conflicts
        )
        return Ingested(
            accepted=len(records) - len(added.duplicates) - len(added.conflicts),
            duplicates=len(added.duplicates),
            rejected=tuple(sorted(rejected, key=lambda entry: entry.index)),
        )


class _Resolver:
    """Turns what senders tell into records: knows the users met so far and the names already checked."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._profiles: dict[object, _Profile] = {}
        self._features: dict[object, str] = {}

    def unknown(self, batch: Iterable[NewEvent]) -> set[str]:
        """The usernames of the batch that still have to be looked up."""
        names = {event[0] for event in batch if isinstance(event[0], str)}
        return {name for name in names.difference(self._profiles) if _can_be_looked_up(name)}

    def learn(self, users: Mapping[str, User]) -> None:
        """Remember users that were looked up."""
        for username, user in users.items():
            self._profiles[username] = (user.id, user.age, user.gender.value)

    def resolve_all(
        self, batch: Sequence[NewEvent]
    ) -> tuple[list[EventRecord], Sequence[int], list[Rejected]]:
        """The records of the batch, the index of each in it, and the events that break a rule."""
        records: list[EventRecord] = []
        rejected: list[Rejected] = []
        for index, event in enumerate(batch):
            try:
                records.append(self.resolve(event))
            except (InvalidInput, UnknownUser) as error:
                rejected.append(Rejected(index, error))
        if not rejected:
            return records, range(len(batch)), rejected
        left_out = {entry.index for entry in rejected}
        return records, [index for index in range(len(batch)) if index not in left_out], rejected

    def resolve(self, event: NewEvent) -> EventRecord:
        """The record of one event. Raises InvalidInput or UnknownUser."""
        username, feature, at, event_id = event
        try:
            user_id, age, gender = self._profiles[username]
            feature = self._features[feature]
        except (KeyError, TypeError):  # a name not met before, or something that is no name
            (user_id, age, gender), feature = self._check(username, feature)
        return EventRecord(
            user_id,
            feature,
            self._now if at is None else valid_moment(at),
            age,
            gender,
            None if event_id is None else valid_event_id(event_id),
        )

    def _check(self, username: object, feature: object) -> tuple[_Profile, str]:
        """What `resolve` looks up, the slow way: once a name instead of once an event."""
        name = valid_username(username)
        if name not in self._profiles:
            raise UnknownUser(name)
        checked = self._features[feature] = valid_feature(feature)
        return self._profiles[name], checked


def _can_be_looked_up(username: str) -> bool:
    """Whether a user may have this name: a database need not take one that breaks the rule."""
    try:
        valid_username(username)
    except InvalidInput:
        return False
    return True


def _batches(events: Iterable[NewEvent], size: int) -> Iterator[Sequence[NewEvent]]:
    remaining = iter(events)
    while batch := list(islice(remaining, size)):
        yield batch
