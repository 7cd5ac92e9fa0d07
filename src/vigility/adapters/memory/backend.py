"""A store in memory: the reference that every other store is tested against.

It keeps nothing but users and raw events and answers each question from them anew, in the plainest
way there is. Not fast, and gone with the process; meant for tests.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict

from vigility.core.sessions.rate_limit import RateLimit, take
from vigility.core.errors import StoreError, UserGone, UsernameTaken
from vigility.core.dimensions import AgeGroup
from vigility.core.events.model import Event, EventRecord
from vigility.core.users.model import NewUser, User
from vigility.core.reports.filters import Filters
from vigility.core.reports.report import Counts
from vigility.core.events.ports import InsertResult
from vigility.core.reports.ports import RollupDifference
from vigility.core.times import to_micros
from vigility.core.events.export import EventPage, Checksum, checked
from vigility.core.reports.rollups import RollupKey


class MemoryUsers:
    """Users in a dictionary."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._by_name: dict[str, User] = {}
        self._newest = 0

    def add(self, user: NewUser) -> User:
        """See `UserRepository.add`."""
        with self._lock:
            if user.username in self._by_name:
                raise UsernameTaken(user.username)
            self._newest += 1
            stored = User(id=self._newest, **asdict(user))
            self._by_name[user.username] = stored
            return stored

    def add_missing(self, users: Sequence[NewUser]) -> list[User]:
        """See `UserRepository.add_missing`."""
        with self._lock:
            return [self.add(user) for user in users if user.username not in self._by_name]

    def by_names(self, usernames: Collection[str]) -> dict[str, User]:
        """See `UserRepository.by_names`."""
        with self._lock:
            return {name: self._by_name[name] for name in usernames if name in self._by_name}

    def all(self) -> Iterator[User]:
        """See `UserRepository.all`."""
        with self._lock:
            return iter(sorted(self._by_name.values(), key=lambda user: user.id))

    def after(self, number: int, limit: int) -> Sequence[User]:
        """See `UserRepository.after`."""
        return [user for user in self.all() if user.id > number][:limit]

    def restore(self, users: Sequence[User]) -> None:
        """See `UserRepository.restore`."""
        with self._lock:
            known = list(self.all())
            ids = [user.id for user in (*known, *users)]
            names = [user.username for user in (*known, *users)]
            if len(set(ids)) < len(ids) or len(set(names)) < len(names):
                raise StoreError("memory: a user of this id or name is there")
            self._by_name.update((user.username, user) for user in users)
            self._newest = max(ids, default=0)

    def clear(self) -> None:
        """Forget them all."""
        self._by_name.clear()
        self._newest = 0


class MemoryEvents:
    """Events in a list, by their ids; every count walks all of it."""

    def __init__(self, lock: threading.RLock, users: MemoryUsers) -> None:
        self._lock = lock
        self._users = users
        self._events: list[Event] = []
        self._by_event_id: dict[str, tuple[int, EventRecord]] = {}

    def add(self, records: Sequence[EventRecord]) -> InsertResult:
        """See `EventRepository.add`."""
        ids: list[int] = []
        duplicates: dict[int, EventRecord] = {}
        conflicts: dict[int, EventRecord] = {}
        with self._lock:
            if not {record.user_id for record in records} <= {user.id for user in self._users.all()}:
                raise UserGone
            for index, record in enumerate(records):
                first = self._by_event_id.get(record.event_id) if record.event_id else None
                if first is None:
                    ids.append(self._append(record).id)
                    continue
                number, stored = first
                same = stored[:2] == record[:2]  # user and feature
                (duplicates if same else conflicts)[index] = stored
                ids.append(number)
        return InsertResult(ids=ids, duplicates=duplicates, conflicts=conflicts)

    def counts(self, filters: Filters, feature: str | None) -> Counts:
        """See `EventRepository.counts`."""
        with self._lock:
            selected = [event for event in self._events if _selects(filters, event)]
            days = [event.at.date() for event in self._events]
            known = any(event.feature == feature for event in self._events)
        return Counts(
            by_feature=Counter(event.feature for event in selected),
            by_day=Counter(event.at.date() for event in selected if event.feature == feature),
            first_day=min(days, default=None),
            last_day=max(days, default=None),
            feature_known=known,
        )

    def verify_rollups(self) -> list[RollupDifference]:
        """There are no summaries that could differ."""
        return []

    def rebuild_rollups(self) -> None:
        """There are no summaries to rebuild."""

    def high_watermark(self) -> int:
        """See `EventRepository.settled`."""
        with self._lock:
            return self._events[-1].id if self._events else 0

    def page(self, after: int, upto: int, limit: int) -> EventPage:
        """See `EventRepository.page`."""
        with self._lock:
            chosen = [event for event in self._upto(upto) if event.id > after][:limit]
        return EventPage([event.id for event in chosen], [_record(event) for event in chosen])

    def restore(self, page: EventPage) -> None:
        """See `EventRepository.restore`."""
        events = [Event.of(number, record) for number, record in zip(*page, strict=True)]
        with self._lock:
            if not {event.user_id for event in events} <= {user.id for user in self._users.all()}:
                raise UserGone
            ids = {event.id for event in self._events}
            if any(event.id in ids or event.event_id in self._by_event_id for event in events):
                raise StoreError("memory: an event of this id or event_id is there")
            self._events = sorted([*self._events, *events], key=lambda event: event.id)
            self._by_event_id.update(
                (event.event_id, (event.id, _record(event))) for event in events if event.event_id
            )

    def tally(self, upto: int) -> Checksum:
        """See `EventRepository.tally`."""
        with self._lock:
            events = self._upto(upto)
        return Checksum(
            events=len(events),
            newest=max((event.id for event in events), default=0),
            with_event_id=sum(event.event_id is not None for event in events),
            checksum=sum(checked(event.id, _record(event)) for event in events),
        )

    def day_counts(self, upto: int) -> Mapping[RollupKey, int]:
        """See `EventRepository.day_counts`."""
        with self._lock:
            return Counter(
                RollupKey(event.feature, event.at.date(), AgeGroup.of(event.age), event.gender)
                for event in self._upto(upto)
            )

    def clear(self) -> None:
        """Forget them all."""
        self._events.clear()
        self._by_event_id.clear()

    def __len__(self) -> int:
        return len(self._events)

    def _append(self, record: EventRecord) -> Event:
        event = Event.of(self.high_watermark() + 1, record)
        self._events.append(event)
        if record.event_id:
            self._by_event_id[record.event_id] = (event.id, record)
        return event

    def _upto(self, upto: int) -> list[Event]:
        return [event for event in self._events if event.id <= upto]


class MemoryRevokedTokens:
    """Ended tokens in a dictionary."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._expires: dict[str, int] = {}

    def add(self, token_id: str, expires: int, now: int) -> None:
        """See `RevokedTokenRepository.add`."""
        with self._lock:
            self._expires = {known: until for known, until in self._expires.items() if until > now}
            self._expires[token_id] = expires

    def current(self, now: int) -> frozenset[str]:
        """See `RevokedTokenRepository.current`."""
        with self._lock:
            return frozenset(self.expiring(now))

    def expiring(self, now: int) -> Mapping[str, int]:
        """See `RevokedTokenRepository.expiring`."""
        with self._lock:
            return {token_id: until for token_id, until in self._expires.items() if until > now}

    def restore(self, expiring: Mapping[str, int]) -> None:
        """See `RevokedTokenRepository.restore`."""
        with self._lock:
            self._expires.update(expiring)


class MemoryRateLimits:
    """Buckets of attempts in a dictionary."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._empty_at: dict[str, int] = {}

    def take(self, limits: Sequence[RateLimit], now: int) -> int:
        """See `AttemptRepository.take`."""
        with self._lock:
            after, wait = take(limits, self._empty_at, now)
            if not wait:
                self._empty_at.update(after)
            return wait


class MemoryStore:
    """See `vigility.core.reports.ports.Store`."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.users = MemoryUsers(self._lock)
        self.events = MemoryEvents(self._lock, self.users)
        self.revoked_tokens = MemoryRevokedTokens(self._lock)
        self.attempts = MemoryRateLimits(self._lock)

    @property
    def identity(self) -> str:
        """See `Store.identity`."""
        return f"memory {id(self)}"

    def is_empty(self) -> bool:
        """See `Store.is_empty`."""
        return not len(self.events) and not list(self.users.all())

    def wipe(self) -> None:
        """See `Store.wipe`."""
        with self._lock:
            self.users.clear()
            self.events.clear()

    def close(self) -> None:
        """Nothing is held open."""


def _record(event: Event) -> EventRecord:
    at = to_micros(event.at)
    return EventRecord(event.user_id, event.feature, at, event.age, event.gender.value, event.event_id)


def _selects(filters: Filters, event: Event) -> bool:
    day = event.at.date()
    return (
        (filters.start is None or day >= filters.start)
        and (filters.end is None or day <= filters.end)
        and (filters.age_group is None or AgeGroup.of(event.age) is filters.age_group)
        and (filters.gender is None or event.gender is filters.gender)
    )
