"""What the core asks of a store. Structural: an implementation need not import these.

An implementation is right when it passes `tests/storage`, which holds it against the in-memory one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from vigility.core.attempts import AttemptRepository
from vigility.core.model import AgeGroup, EventRecord, Gender, NewUser, User
from vigility.core.query import Filters
from vigility.core.report import Counts
from vigility.core.sessions import RevokedTokenRepository


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
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
class SummaryDifference:
    """A day summary that does not say what the raw events say. A count is 0 where there is none."""

    day: date
    feature: str
    age_group: AgeGroup
    gender: Gender
    in_summary: int
    in_events: int


class EventRepository(Protocol):
    """The events of a store and the day summaries that reports are read from."""

    def add(self, records: Sequence[EventRecord]) -> Added:
        """Store the records and their day summaries in one durable transaction, or nothing at all.

        Raises UserGone where the user of a record is not stored any more.
        """
        ...

    def counts(self, filters: Filters, feature: str | None) -> Counts:
        """The counts under `filters`, read from one moment of the store."""
        ...

    def verify_summaries(self) -> list[SummaryDifference]:
        """Compare every day summary with the raw events; empty where all agree."""
        ...

    def rebuild_summaries(self) -> None:
        """Make the day summaries again from the raw events, in one transaction."""
        ...


class Store(Protocol):
    """One database, opened."""

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
    def attempts(self) -> AttemptRepository:
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
