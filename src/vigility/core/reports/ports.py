"""What the core asks of a store. Structural: an implementation need not import these.

An implementation is right when it passes `tests/storage`, which holds it against the in-memory one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from vigility.core.sessions.ports import RateLimitRepository
from vigility.core.dimensions import AgeGroup, Gender
from vigility.core.events.model import EventRecord
from vigility.core.users.model import NewUser, User
from vigility.core.reports.filters import Filters
from vigility.core.reports.report import Counts
from vigility.core.sessions.ports import RevokedTokenRepository
from vigility.core.events.export import EventPage, Checksum
from vigility.core.reports.rollups import RollupKey


class UserRepository(Protocol):
    """The users of a store. Usernames are unique and compared character by character."""

    def add(self, user: NewUser) -> User:
        """Store `user`. Raises UsernameTaken where the name exists, also when many add it at once."""
        ...

    def add_missing(self, users: Sequence[NewUser]) -> list[User]:
        """Store those whose name is free, in one transaction; return them. The others stay as they are."""
        ...

    def by_names(self, usernames: Collection[str]) -> dict[str, User]:
        """The users of these names, by name; names without a user are left out."""
        ...

    def all(self) -> Iterator[User]:
        """Every user, in the order of their ids."""
        ...

    def after(self, number: int, limit: int) -> Sequence[User]:
        """The first `limit` users whose ids are above `number`, in the order of their ids."""
        ...

    def restore(self, users: Sequence[User]) -> None:
        """Store users under the ids they had elsewhere, in one transaction; ids given later lie above them.

        Raises StoreError, and stores nothing, where a name or an id is taken.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertResult:
    """What became of the records of one `EventRepository.add`, by their index in it.

    `ids` holds for each record the id of the event that now stands for it. `duplicates` are the
    records whose `event_id` was stored before (or earlier in the same call) by an event of the same
    user and feature; `conflicts` those where user or feature differ. Both map to that first record,
    and neither stored anything. Every other record was stored.
    """

    ids: Sequence[int]
    duplicates: Mapping[int, EventRecord] = field(default_factory=dict)
    conflicts: Mapping[int, EventRecord] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupDifference:
    """A day summary that does not say what the raw events say. A count is 0 where there is none."""

    day: date
    feature: str
    age_group: AgeGroup
    gender: Gender
    in_summary: int
    in_events: int


class EventRepository(Protocol):
    """The events of a store and the day summaries that reports are read from."""

    def add(self, records: Sequence[EventRecord]) -> InsertResult:
        """Store the records and their day summaries in one durable transaction, or nothing at all.

        Raises UserGone where the user of a record is not stored any more.
        """
        ...

    def counts(self, filters: Filters, feature: str | None) -> Counts:
        """The counts under `filters`, read from one moment of the store."""
        ...

    def verify_rollups(self) -> list[RollupDifference]:
        """Compare every day summary with the raw events; empty where all agree."""
        ...

    def rebuild_rollups(self) -> None:
        """Make the day summaries again from the raw events, in one transaction."""
        ...

    def high_watermark(self) -> int:
        """The highest id for which this holds: no event of that id or a lower one will be added any more.

        0 where there are no events. Where ids are given out before their transactions end, this waits
        for those that run now. Raises StoreUnavailable where they do not end.
        """
        ...

    def page(self, after: int, upto: int, limit: int) -> EventPage:
        """The first `limit` events whose ids are above `after` and not above `upto`."""
        ...

    def restore(self, page: EventPage) -> None:
        """Store events under the ids they had elsewhere, and their day summaries, in one durable transaction.

        Ids given later lie above them. Raises StoreError, and stores nothing, where an id or an `event_id`
        is taken; UserGone where a user is not there.
        """
        ...

    def tally(self, upto: int) -> Checksum:
        """What the events come to whose ids are not above `upto`. Reads each of them once."""
        ...

    def day_counts(self, upto: int) -> Mapping[RollupKey, int]:
        """The day summaries, without what events above `upto` added to them; from one moment of the store."""
        ...


class Store(Protocol):
    """One database, opened."""

    @property
    def identity(self) -> str:
        """What tells this database from every other, by whatever URL it was reached."""
        ...

    @property
    def users(self) -> UserRepository:
        """Its users."""
        ...

    @property
    def events(self) -> EventRepository:
        """Its events."""
        ...

    @property
    def revoked_tokens(self) -> RevokedTokenRepository:
        """Its ended tokens."""
        ...

    @property
    def attempts(self) -> RateLimitRepository:
        """Its counts of attempts."""
        ...

    def is_empty(self) -> bool:
        """Whether it holds neither users nor events."""
        ...

    def wipe(self) -> None:
        """Delete all users, events and summaries, in one transaction."""
        ...

    def close(self) -> None:
        """Release what it holds open. Calling it again does nothing."""
        ...
